"""Reads all members in batches, with their weights under a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.infra.database import Database
from model.nnls import Array
from model.predict import Model

# The size of a batch, on average.
BATCH_SIZE = 2_000
SAMPLED_PER_BATCH = 20

# Ids that divide the members into batches. A sample is exact enough.
SAMPLE = f"""
    SELECT user_id FROM memberships
    TABLESAMPLE BERNOULLI ({100 * SAMPLED_PER_BATCH / BATCH_SIZE}) ORDER BY user_id
"""
# Ranges of the primary key: a server-side cursor would keep one transaction open for minutes,
# during which vacuum could not remove dead rows of the busiest table. Not pages with a LIMIT, for
# which each shard of a cluster would send a whole page.
READ = """
    SELECT member.user_id, member.room_id, member.city_id, rooms.cluster_id AS cluster,
           member.interests, date_trunc('month', member.created_at)::date AS month,
           hashtext(member.user_id) AS hash
    FROM memberships AS member JOIN rooms ON rooms.id = member.room_id
    WHERE member.user_id > %(after)s AND (%(last)s IS NULL OR member.user_id <= %(last)s)
    ORDER BY member.user_id
"""


class Member(NamedTuple):
    """A member: their room and its cluster, their city, and the month of their first join.

    `hash`: PostgreSQL's hash of the id, by which Citus distributes members over shards.
    """

    user_id: str
    room_id: int
    city_id: int
    cluster: int
    interests: list[str]
    month: date
    hash: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Members (n) and their weights under a model, (n, k)."""

    members: list[Member]
    weights: Array


def read_batches(database: Database, model: Model) -> Iterator[tuple[Batch, int]]:
    """Yield all members in the order of their ids, one batch in memory at a time, and with each
    the number of batches. Raises DatabaseUnavailable.
    """
    sample = [row.user_id for row in database.execute(SAMPLE)]
    bounds = ["", *sample[SAMPLED_PER_BATCH - 1 :: SAMPLED_PER_BATCH], None]
    for after, last in pairwise(bounds):
        rows = database.execute(READ, {"after": after, "last": last})
        members = [Member(**row._asdict()) for row in rows]
        if members:
            yield (
                Batch(members, model.weights_many(_profiles(model, members))),
                len(bounds) - 1,
            )


def _profiles(model: Model, members: Sequence[Member]) -> Array:
    """Return the profiles (n, m); interests that the model does not know are left out."""
    column = {key: position for position, key in enumerate(model.interests)}
    width = len(column)
    selected = [
        row * width + column[key]
        for row, member in enumerate(members)
        for key in member.interests
        if key in column
    ]
    profiles = np.zeros(len(members) * width)
    profiles[selected] = 1.0
    return profiles.reshape(len(members), width)
