"""An attacker who has every answer of an analyst from before and after each publication.

The attacker knows on which day a person registered or was erased, and looks at what changed in the
figures. What is then said of the person is also said of somebody of another town of that size, who
did nothing: what fits both as often was guessed.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app import create_app
from app.domain.analytics.publication import publish
from app.infra.database import Database
from app.services import EXTENSION
from tests.support.databases import settings_of, sql_on
from tests.support.serving import KEY

# The sizes of the towns in which people are looked for.
TOWN_SIZES = (10, 60)
ALL_SIZES = (1, 10**9)
COUNTS = ("members", "members_from_here", "members_in_rooms", "members_who_like", "joins")
Row = tuple[Any, ...]
# View, row and column of each number that an analyst sees.
Figures = dict[tuple[str, Row, str], int]


@dataclass(frozen=True, slots=True)
class Person:
    """A member, as whoever knows them would describe them."""

    user_id: str
    town_id: int
    host_id: int
    room_id: int
    interests: frozenset[str]
    joined: date


@dataclass(frozen=True, slots=True)
class Traces:
    """What the attacker says of each person, and what of the person who did nothing."""

    of_targets: list[frozenset[str]] = field(default_factory=list)
    of_others: list[frozenset[str]] = field(default_factory=list)

    def add(self, traces: "Traces") -> None:
        self.of_targets.extend(traces.of_targets)
        self.of_others.extend(traces.of_others)

    def learned(self, *attributes: str) -> float:
        """Return the share of people of whom an attribute is learned above guessing."""
        return self._share(self.of_targets, attributes) - self._share(self.of_others, attributes)

    @staticmethod
    def _share(traces: list[frozenset[str]], attributes: tuple[str, ...]) -> float:
        return sum(not trace.isdisjoint(attributes) for trace in traces) / len(traces)


class World:
    """A service with people, on days that pass."""

    def __init__(self, url: str, seed: int) -> None:
        app = create_app(settings_of(url, api_keys=(KEY,)))
        self.client = app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
        self.database: Database = app.extensions[EXTENSION].database
        self.sql = sql_on(url)
        self.random = random.Random(seed)
        self.is_careless = False
        ((until,),) = self.sql("SELECT max(until) FROM publications")
        self.day: date = until
        self.numbers = iter(range(10**9))

    def publish(self) -> None:
        """Let the day pass, and publish it: all figures, if `is_careless`."""
        self.day += timedelta(days=1)
        salt = self.random.getrandbits(62)
        waits = publish(self.database, self.day, anew=self.is_careless, salt=salt)
        assert not waits, waits

    def people(self, sizes: tuple[int, int] = TOWN_SIZES) -> list[Person]:
        """Return the members of towns of some sizes."""
        return [
            Person(user, town, host, room, frozenset(interests), joined)
            for user, town, host, room, interests, joined in self.sql(
                "SELECT user_id, member.city_id, rooms.city_id, room_id, interests,"
                " (member.created_at AT TIME ZONE 'UTC')::date"
                " FROM memberships AS member JOIN rooms ON rooms.id = room_id"
                " WHERE member.city_id IN (SELECT city_id FROM memberships GROUP BY 1"
                "                          HAVING count(*) BETWEEN %s AND %s)"
                " ORDER BY user_id",
                sizes,
            )
        ]

    def register(self, like: list[Person]) -> list[str]:
        """Register people of the same towns and interests as others; return their ids."""
        ids = [f"new-{next(self.numbers)}" for _ in like]
        for user_id, person in zip(ids, like, strict=True):
            body = {
                "_id": user_id,
                "city_id": person.town_id,
                "interests": sorted(person.interests),
            }
            assert self.client.post("/rooms", json=body).status_code < 300
        noon = datetime.combine(self.day, datetime.min.time(), UTC) + timedelta(hours=12)
        self.sql(
            "UPDATE memberships SET created_at = %(at)s, joined_at = %(at)s"
            " WHERE user_id = ANY(%(ids)s)",
            {"at": noon, "ids": ids},
        )
        return ids

    def erase(self, people: list[Person]) -> None:
        """Erase people through the API."""
        for person in people:
            assert self.client.delete(f"/users/{person.user_id}").status_code == 204

    def figures(self) -> Figures:
        """Return every number that an analyst can read."""
        figures: Figures = {}
        views = self.sql(
            "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)"
            " FROM information_schema.columns WHERE table_schema = 'analytics'"
            " AND table_name <> ALL(ARRAY['gazetteer', 'publications']) GROUP BY 1"
        )
        for view, columns in views:
            for row in self.sql(f"SELECT * FROM analytics.{view}"):
                cells = dict(zip(columns, row, strict=True))
                key = tuple((name, cells[name]) for name in columns if name not in COUNTS)
                for name in columns:
                    if name in COUNTS:
                        figures[view, key, name] = cells[name] or 0
        return figures


@dataclass(frozen=True, slots=True)
class Day:
    """A day's newcomers and erased people whom the attacker looks for, people who did nothing, and
    the figures before and after the day's publication."""

    came: list[Person]
    gone: list[Person]
    bystanders: list[Person]
    before: Figures
    after: Figures


def live(world: World, newcomers: int, erased: int, others: int) -> Iterator[Day]:
    """Yield days on which `newcomers` and `erased` people of small towns come and go, and `others`
    register."""
    before = world.figures()
    while True:
        residents = world.people()
        chosen = world.random.sample(residents, newcomers + erased)
        world.register(world.random.choices(world.people(ALL_SIZES), k=others))
        ids = set(world.register(chosen[:newcomers]))
        world.erase(gone := chosen[newcomers:])
        came = [person for person in world.people() if person.user_id in ids]
        world.publish()
        after = world.figures()
        yield Day(came, gone, [each for each in residents if each not in chosen], before, after)
        before = after


def attack(days: list[Day], generator: random.Random, window: int = 1) -> tuple[Traces, Traces]:
    """Return what is said of newcomers and of erased people by the figures from before the day and
    from after `window` publications."""
    came, gone = Traces(), Traces()
    for day, last in zip(days, days[window - 1 :], strict=False):
        changes = Counter(
            {
                key: last.after.get(key, 0) - day.before.get(key, 0)
                for key in day.before.keys() | last.after.keys()
            }
        )
        came.add(look(day.came, day.bystanders, changes, 1, generator))
        gone.add(look(day.gone, day.bystanders, changes, -1, generator))
    return came, gone


def look(
    targets: list[Person],
    bystanders: list[Person],
    changes: Counter[tuple[str, Row, str]],
    sign: int,
    generator: random.Random,
) -> Traces:
    """Return what the figures that rose (or fell, by the sign) say of people."""
    moved = [dict(row) for (_, row, _), change in changes.items() if change * sign > 0]
    of_targets, of_others = [], []
    for target in targets:
        elsewhere = [
            person
            for person in bystanders
            if not {person.town_id, person.host_id} & {target.town_id, target.host_id}
        ]
        of_targets.append(said_of(target, moved))
        of_others.append(said_of(generator.choice(elsewhere), moved))
    return Traces(of_targets, of_others)


def said_of(person: Person, moved: list[dict[str, Any]]) -> frozenset[str]:
    """Return the attributes of a person that rows with moved figures show."""
    attributes = set()
    for row in moved:
        if row.get("city_id") in (person.town_id, person.host_id):
            attributes.add("town")
            if row.get("room_id") == person.room_id:
                attributes.add("cluster")
            if row.get("interest") in person.interests:
                attributes.add("interest")
        if row.get("joined_month") == person.joined.replace(day=1):
            attributes.add("month")
    return frozenset(attributes)
