"""Reads all members in batches, with what the model in service makes of their interests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from app.db import Database
from model.nnls import Array
from model.predict import Model

BATCH = 2_000

# By the primary key, a page a statement: a cursor on the server would keep one transaction open
# for minutes, and with it every dead row of the busiest table.
READ = """
    SELECT member.user_id, member.room_id, member.city_id, rooms.cluster_id, member.interests,
           date_trunc('month', member.created_at)::date
    FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
    WHERE member.user_id > %(after)s ORDER BY member.user_id LIMIT %(limit)s
"""
COUNT = "SELECT count(*) FROM memberships"


class Member(NamedTuple):
    """A member as read: the room and its cluster, the town, and the month they came."""

    user_id: str
    room_id: int
    city_id: int
    cluster: int
    interests: list[str]
    month: date


@dataclass(frozen=True, slots=True)
class Batch:
    """Some members (n), and their weights under a model, (n, k)."""

    members: list[Member]
    weights: Array


def read(database: Database, model: Model) -> Iterator[Batch]:
    """All members in the order of their ids; memory is that of one batch.

    Raises DatabaseUnavailable.
    """
    after = ""
    while rows := database.execute(READ, {"after": after, "limit": BATCH}):
        members = [Member(*row) for row in rows]
        yield Batch(members, model.weights_many(_profiles(model, members)))
        after = members[-1].user_id


def count_members(database: Database) -> int:
    """How many members there are.

    Raises DatabaseUnavailable.
    """
    members: int = database.execute(COUNT)[0][0]
    return members


def batches(members: int) -> int:
    """How many batches so many members take."""
    return -(-members // BATCH)


def _profiles(model: Model, members: Sequence[Member]) -> Array:
    """Their profiles (n, m); interests that the model does not know are left out."""
    column = {key: number for number, key in enumerate(model.interests)}
    width = len(column)
    ticked = [
        row * width + column[key]
        for row, member in enumerate(members)
        for key in member.interests
        if key in column
    ]
    profiles = np.zeros(len(members) * width)
    profiles[ticked] = 1.0
    return profiles.reshape(len(members), width)
