"""The result of the form: the user's room, and the explanation of their cluster."""

from dataclasses import dataclass

from app.assignment import Assignment
from app.domain.rooms.repository import RoomDetails, RoomMoved
from app.pages.form.form import INTERESTS, label
from app.pages.rendering import Language
from app.services import services
from model.interests import phrase
from model.predict import Cluster, Explanation


@dataclass(frozen=True, slots=True)
class Bar:
    """An interest's share of the weight, as text and as a bar; `start`, `length` in percent."""

    interest: str
    share: str
    start: float
    length: float
    is_negative: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What the page shows of an assignment.

    `bars` is empty when an earlier model placed the user in another cluster. The bars' axis goes
    from `axis_start` to `axis_start + axis_length`, in percent of the weight.
    """

    assignment: Assignment
    room: RoomDetails
    label: str
    top_interests: str
    is_undecided: bool
    bars: list[Bar]
    axis_start: float
    axis_length: float
    runner_up: str


def build_result(assignment: Assignment, language: Language) -> Result:
    """Return what the page shows. Raises UnknownRoom, DatabaseUnavailable."""
    model = services().model
    clusters = {cluster.id: cluster for cluster in model.clusters}
    room = _room(assignment.placement.room_id)
    explanation = model.explain(assignment.profile.interests)
    bars = _bars(explanation, language) if explanation.cluster == room.cluster else []
    axis_start = min((bar.start for bar in bars), default=0.0)
    axis_end = max((bar.start + bar.length for bar in bars), default=1.0)
    cluster, runner_up = clusters.get(room.cluster), clusters.get(explanation.runner_up or 0)
    top_keys = [key for key, _ in cluster.top_interests] if cluster else []
    return Result(
        assignment,
        room,
        room.label_es if language == "es" else room.label_en,
        phrase(top_keys, INTERESTS.values(), language),
        not explanation.weight,
        bars,
        axis_start,
        axis_end - axis_start,
        _label(runner_up, language) if runner_up and bars else "",
    )


def _room(room_id: int) -> RoomDetails:
    try:
        return services().rooms.show(room_id)
    except RoomMoved as moved:
        # The room was merged into another one after the user joined.
        return services().rooms.show(moved.room_id)


def _label(cluster: Cluster, language: Language) -> str:
    return cluster.label_es if language == "es" else cluster.label_en


def _bars(explanation: Explanation, language: Language) -> list[Bar]:
    """Return a bar for each interest, the largest share first; none without any weight."""
    largest_first = sorted(explanation.shares.items(), key=lambda item: -item[1])
    return [
        Bar(
            label(key, language),
            percent(share, language),
            round(min(share, 0.0) * 100, 2),
            round(abs(share) * 100, 2),
            share < 0,
        )
        for key, share in largest_first
        if explanation.weight
    ]


def percent(share: float, language: Language) -> str:
    """Return a share as the language writes it: 12,5 % or 12.5%, with a true minus sign."""
    text = f"{share * 100:.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{text.replace('.', ',')}\N{NO-BREAK SPACE}%" if language == "es" else f"{text}%"
