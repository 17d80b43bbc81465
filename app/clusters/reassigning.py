"""`model reassign`: moves members to the room of their cluster under the model in service.

Batch by batch, each a transaction that holds the lock of moves (app/rooms/moving.py), so that every
move stands once in room_changes, in the order of commits. What was read may have changed before it
is written: a member is moved only while room, city and interests are those that were judged. Joins
go on; who joins by a web process that still serves the model before, perhaps into a cluster that is
retired by now, is brought over by the next run.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy
from numpy.typing import NDArray
from sqlalchemy import text

from app.clusters.reading import Batch, Member, batches, count_members, read
from app.clusters.registering import serving
from app.db import Database
from app.rooms.moving import FORGET_OLD_CHANGES, LOCK_CHANGES, in_transaction
from app.rooms.pairs import Pair, count_missing, make_rooms
from app.runs.service import Run
from model.nnls import leader
from model.predict import TIE, Model

Progress = Callable[[str, int], None]

COUNTED = ("people_moved", "rooms_made", "changed_meanwhile")

# A join that came between the reading and this has changed one of the three; interests are compared
# as they are written, each once and in code point order.
MOVE = text("""
    WITH judged AS (
        SELECT * FROM unnest(
            CAST(:users AS text[]), CAST(:rooms AS bigint[]), CAST(:cities AS bigint[]),
            CAST(:interests AS text[]), CAST(:towns AS bigint[]), CAST(:targets AS bigint[])
        ) AS judged (user_id, room_id, city_id, interests, town_id, target_id)
    ), moved AS (
        UPDATE memberships AS member
        SET room_id = judged.target_id, previous_room_id = member.room_id,
            city_id = judged.town_id, model_id = :model, joined_at = now(), updated_at = now()
        FROM judged
        WHERE member.user_id = judged.user_id AND member.room_id = judged.room_id
          AND member.city_id = judged.city_id
          AND to_jsonb(member.interests) = CAST(judged.interests AS jsonb)
        RETURNING member.user_id, judged.room_id, judged.target_id
    )
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
    SELECT user_id, room_id, target_id, 'reassign', :run FROM moved
""")


class CannotReassign(Exception):
    """The code's model is not the one in service; the text says what to do."""


@dataclass(slots=True)
class Plan:
    """What a run would do.

    `matrix`: (old cluster, new cluster) → members, who stays being on the diagonal. `too_little`:
    who would be elsewhere, but not by the gain asked for. `unknown`: who stays because the model
    knows none of their interests.
    """

    matrix: Counter[tuple[int, int]] = field(default_factory=Counter)
    too_little: int = 0
    unknown: int = 0
    rooms_to_make: int = 0

    @property
    def members(self) -> int:
        return self.matrix.total()

    @property
    def movers(self) -> int:
        return sum(number for (old, new), number in self.matrix.items() if old != new)

    def document(self) -> dict[str, Any]:
        """The plan for a machine."""
        matrix: dict[str, dict[str, int]] = {}
        for (old, new), number in sorted(self.matrix.items()):
            matrix.setdefault(str(old), {})[str(new)] = number
        return {
            "members": self.members,
            "would_move": self.movers,
            "gain_too_small": self.too_little,
            "without_known_interest": self.unknown,
            "rooms_to_make": self.rooms_to_make,
            "matrix": matrix,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """For each member of a batch (n): the cluster they go to or stay in, and why they stay."""

    clusters: NDArray[np.int64]
    too_little: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reassigner:
    """What reassigning takes.

    `min_gain`: a member moves when the weight of the new cluster is more than 1 + min_gain times
    that of the old one; a cluster that the model does not have weighs 0.
    """

    database: Database
    model: Model
    min_gain: float

    def plan(self, progress: Progress) -> Plan:
        """What moving would do, changing nothing.

        Raises CannotReassign, DatabaseUnavailable.
        """
        self._check_model()
        plan, pairs = Plan(), set[Pair]()
        total = batches(count_members(self.database))
        for batch in read(self.database, self.model):
            verdict = judge(self.model, batch, self.min_gain)
            plan.too_little += int(verdict.too_little.sum())
            plan.unknown += int(verdict.unknown.sum())
            for member, cluster in zip(batch.members, verdict.clusters.tolist(), strict=True):
                plan.matrix[member.cluster, cluster] += 1
                if cluster != member.cluster:
                    pairs.add((member.city_id, cluster))
            progress("judging members", total)
        with self.database.transaction() as connection:
            plan.rooms_to_make = count_missing(connection, sorted(pairs))
        return plan

    def move(self, run: Run, members: int, progress: Progress) -> None:
        """Move who is to be moved, about `members` being read; idempotent.

        Counts people_moved, rooms_made and changed_meanwhile on the run. Raises CannotReassign,
        Conflict, DatabaseUnavailable.
        """
        self._check_model()
        for batch in read(self.database, self.model):
            clusters = judge(self.model, batch, self.min_gain).clusters.tolist()
            movers = [
                (member, cluster)
                for member, cluster in zip(batch.members, clusters, strict=True)
                if cluster != member.cluster
            ]
            if movers:
                made, moved = in_transaction(self.database, partial(self.land, movers, run.id))
                run.count("rooms_made", made)
                run.count("people_moved", moved)
                run.count("changed_meanwhile", len(movers) - moved)
            progress("moving members", batches(members))
        in_transaction(self.database, lambda connection: connection.execute(FORGET_OLD_CHANGES))

    def land(
        self, movers: Sequence[tuple[Member, int]], run_id: int, connection: sqlalchemy.Connection
    ) -> tuple[int, int]:
        """Move some members, each into the room of a cluster, as they were read.

        In one transaction, which the caller ends. Gives how many rooms were made and how many
        members moved. Raises Conflict when signposts are being set on their cities.
        """
        connection.execute(LOCK_CHANGES)
        pairs = sorted({(member.city_id, cluster) for member, cluster in movers})
        made, places = make_rooms(connection, pairs)
        found = [places[member.city_id, cluster] for member, cluster in movers]
        moved = connection.execute(
            MOVE,
            {
                "users": [member.user_id for member, _ in movers],
                "rooms": [member.room_id for member, _ in movers],
                "cities": [member.city_id for member, _ in movers],
                "interests": [json.dumps(member.interests) for member, _ in movers],
                "towns": [town for town, _ in found],
                "targets": [room for _, room in found],
                "model": self.model.id,
                "run": run_id,
            },
        ).rowcount
        return made, moved

    def _check_model(self) -> None:
        registered = serving(self.database)
        if registered != self.model.id:
            raise CannotReassign(
                f"model {registered or 'none'} is in service, and this code ships {self.model.id}: "
                "run it from the release in service, or `manage.py model register` first"
            )


def judge(model: Model, batch: Batch, min_gain: float) -> Verdict:
    """Where the members of a batch belong, their weights being those of the model."""
    rows = np.arange(len(batch.members))
    old = np.array([member.cluster for member in batch.members], dtype=np.int64)
    numbers = np.array(model.cluster_ids, dtype=np.int64)
    # (n, k), true where a column is the member's own cluster: nowhere when it is retired.
    own = old[:, None] == numbers
    best = leader(batch.weights)
    new_weight = batch.weights[rows, best]
    old_weight = np.where(own, batch.weights, 0.0).sum(axis=1)
    unknown = new_weight == 0
    elsewhere = ~unknown & ~own[rows, best]
    # TIE: weights that the factors cannot tell apart are no gain, however small the one asked for.
    moves = elsewhere & (new_weight * TIE > old_weight * (1 + min_gain))
    return Verdict(np.where(moves, numbers[best], old), elsewhere & ~moves, unknown)
