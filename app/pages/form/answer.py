"""A person's room, and why it is theirs."""

from dataclasses import dataclass

from app.assignment import Assignment
from app.domain.cities.repository import City
from app.domain.rooms.repository import RoomDetails, RoomMoved
from app.pages.form.form import INTERESTS, label
from app.pages.rendering import Language
from app.services import services
from model.interests import phrase
from model.predict import Cluster, Explanation


@dataclass(frozen=True, slots=True)
class Bar:
    """An interest's share of the weight: in words, and as a bar, its unit a hundredth."""

    interest: str
    share: str
    begin: float
    length: float
    is_against: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page shows of an assignment.

    `bars` are none when a model before today's put the user there. They lie between `low` and
    `low + span`, in hundredths of the weight.
    """

    assignment: Assignment
    room: RoomDetails
    label: str
    top_interests: str
    is_undecided: bool
    bars: list[Bar]
    low: float
    span: float
    runner_up: str

    @property
    def did_you_mean(self) -> list[City]:
        return self.assignment.did_you_mean

    @property
    def city(self) -> City:
        return self.assignment.city

    @property
    def hub(self) -> City | None:
        return self.assignment.placement.hub


def answer(assignment: Assignment, language: Language) -> Answer:
    """All that the page tells of an assignment.

    Raises UnknownRoom, DatabaseUnavailable.
    """
    model = services().model
    clusters = {cluster.id: cluster for cluster in model.clusters}
    room = _room(assignment.placement.room_id)
    explanation = model.explain(assignment.profile.interests)
    bars = _bars(explanation, language) if explanation.cluster == room.cluster else []
    low = min((bar.begin for bar in bars), default=0.0)
    high = max((bar.begin + bar.length for bar in bars), default=1.0)
    runner_up = clusters.get(explanation.runner_up or 0)
    ours = clusters.get(room.cluster)
    return Answer(
        assignment,
        room,
        room.label_es if language == "es" else room.label_en,
        phrase([key for key, _ in ours.top_interests], INTERESTS.values(), language)
        if ours
        else "",
        not explanation.weight,
        bars,
        low,
        high - low,
        _label(runner_up, language) if runner_up and bars else "",
    )


def _room(room_id: int) -> RoomDetails:
    try:
        return services().rooms.show(room_id)
    except RoomMoved as moved:
        # An admin's merge took it in since the join.
        return services().rooms.show(moved.room_id)


def _label(cluster: Cluster, language: Language) -> str:
    return cluster.label_es if language == "es" else cluster.label_en


def _bars(explanation: Explanation, language: Language) -> list[Bar]:
    heaviest_first = sorted(explanation.shares.items(), key=lambda item: -item[1])
    return [
        Bar(
            label(key, language),
            percent(share, language),
            round(min(share, 0.0) * 100, 2),
            round(abs(share) * 100, 2),
            share < 0,
        )
        for key, share in heaviest_first
        if explanation.weight
    ]


def percent(share: float, language: Language) -> str:
    """A share as people of the language write it: 12,5 % or 12.5%, with a true minus sign."""
    text = f"{share * 100:.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{text.replace('.', ',')}\N{NO-BREAK SPACE}%" if language == "es" else f"{text}%"
