"""The result of the form: the user's room, and the explanation of their cluster."""

from contextlib import suppress
from dataclasses import dataclass

from flask import current_app

from app.assignment import Assignment
from app.config import ROOM_ID_PLACEHOLDER
from app.domain.members.shared_interests import shared_interests
from app.domain.rooms.repository import RoomDetails, RoomMoved
from app.infra.database import DatabaseUnavailable
from app.pages.form.form import INTERESTS, label, link_of
from app.pages.rendering import Language
from app.services import services
from model.interests import phrase
from model.predict import Cluster, Explanation, Model

# More would hide what the room is about.
MAX_SHARED = 3


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

    `people`: the number of members, as text. `shared`: (key, label) of interests that the user
    shares with the room: with its members if `is_shared_by_members`, else with its cluster.
    `link`: query parameters of the page with the room's city. `chat_url`: None if no chat is known.
    `bars` is empty when an earlier model placed the user in another cluster. The bars' axis goes
    from `axis_start` to `axis_start + axis_length`, in percent of the weight.
    """

    assignment: Assignment
    room: RoomDetails
    label: str
    people: str
    shared: list[tuple[str, str]]
    is_shared_by_members: bool
    link: dict[str, str]
    chat_url: str | None
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
    members_share = _shared_by_members(assignment, room)
    shared = members_share or [key for key in top_keys if key in assignment.profile.interests]
    template: str | None = current_app.config["CHAT_URL_TEMPLATE"]
    return Result(
        assignment,
        room,
        room.label_es if language == "es" else room.label_en,
        count(room.members, language),
        [(key, label(key, language)) for key in shared[:MAX_SHARED]],
        bool(members_share),
        link_of(room.city),
        template.replace(ROOM_ID_PLACEHOLDER, str(room.id)) if template else None,
        phrase(top_keys, INTERESTS.values(), language),
        not explanation.weight,
        bars,
        axis_start,
        axis_end - axis_start,
        _label(runner_up, language) if runner_up and bars else "",
    )


def cluster_labels(model: Model, language: Language) -> list[tuple[int, str]]:
    """Return the number and the label of each cluster."""
    return [(cluster.id, _label(cluster, language)) for cluster in model.clusters]


def _room(room_id: int) -> RoomDetails:
    try:
        return services().rooms.show(room_id)
    except RoomMoved as moved:
        # The room was merged into another one after the user joined.
        return services().rooms.show(moved.room_id)


def _shared_by_members(assignment: Assignment, room: RoomDetails) -> list[str]:
    # The user is in the room already: a failed count must not turn the answer into an error.
    with suppress(DatabaseUnavailable):
        interests = assignment.profile.interests
        return shared_interests(services().database, room.id, assignment.user_id, interests)
    return []


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


def count(number: int, language: Language) -> str:
    """Return a number as the language writes it: 12.345 or 12,345."""
    text = f"{number:,}"
    return text.replace(",", ".") if language == "es" else text


def percent(share: float, language: Language) -> str:
    """Return a share as the language writes it: 12,5 % or 12.5%, with a true minus sign."""
    text = f"{share * 100:.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{text.replace('.', ',')}\N{NO-BREAK SPACE}%" if language == "es" else f"{text}%"
