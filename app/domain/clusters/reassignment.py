"""`model reassign`: moves members to the room of their cluster under the model in service.

Each batch is a transaction that holds the lock of the change feed (moves/relocation.py), so every
move is one row of room_changes, in the order of commits. Joins continue meanwhile: a member is
moved only if room, city and interests are still those that were read. A user who joins through a
web process of the previous release, and so by the previous model, is moved by the next run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy
from numpy.typing import NDArray

from app.domain.clusters.member_batches import Batch, Member, read_batches
from app.domain.clusters.registration import model_in_service
from app.domain.moves.relocation import LOCK_CHANGES, in_transaction
from app.domain.rooms.bulk_create import Pair, count_missing, create_rooms
from app.domain.runs.admin_runs import Run
from app.infra.database import Database
from model.nnls import TIE_RATIO, leader
from model.predict import Model

Progress = Callable[[str, int], None]

# Between interests in one text: a control character, which no interest contains.
SEPARATOR = "\x1f"
# Members that one transaction moves.
MAX_MOVED_AT_ONCE = 500
# Members who are read before the first of them are moved, so that those of a shard are together.
MAX_PLANNED = 10_000
COUNTS = ("people_moved", "rooms_made", "changed_meanwhile")

# A join between the read and this statement changes room, city or interests. Interests are compared
# as they are stored: each once, in code point order. The list of users repeats the join's condition
# with constants: Citus then updates only the shards that have one of them.
MOVE = """
    WITH planned AS MATERIALIZED (
        SELECT user_id, room_id, city_id, string_to_array(interests, %(separator)s) AS interests,
               town_id, target_id
        FROM unnest(
            %(users)s::text[], %(rooms)s::bigint[], %(cities)s::bigint[],
            %(interests)s::text[], %(towns)s::bigint[], %(targets)s::bigint[]
        ) AS planned (user_id, room_id, city_id, interests, town_id, target_id)
    ), moved AS (
        UPDATE memberships AS member
        SET room_id = planned.target_id, previous_room_id = member.room_id,
            city_id = planned.town_id,
            said_city_id = nullif(coalesce(member.said_city_id, member.city_id), planned.town_id),
            model_id = %(model)s, joined_at = now(), updated_at = now()
        FROM planned
        WHERE member.user_id = ANY(%(users)s) AND member.user_id = planned.user_id
          AND member.room_id = planned.room_id
          AND member.city_id = planned.city_id
          AND member.interests = planned.interests
        RETURNING member.user_id, planned.room_id, planned.target_id
    )
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
    SELECT user_id, room_id, target_id, 'reassign', %(run)s FROM moved
"""


class CannotReassign(Exception):
    """The code's model is not the one in service; the text states what to do."""


@dataclass(slots=True)
class Plan:
    """What a run would do.

    `matrix`: (old cluster, new cluster) → members; those who stay are on the diagonal.
    `gain_too_small`: members who fit another cluster better, by less than the minimum gain.
    `unknown`: members who stay because the model knows none of their interests.
    """

    matrix: Counter[tuple[int, int]] = field(default_factory=Counter)
    gain_too_small: int = 0
    unknown: int = 0
    rooms_to_create: int = 0

    @property
    def members(self) -> int:
        return self.matrix.total()

    @property
    def movers(self) -> int:
        return sum(number for (old, new), number in self.matrix.items() if old != new)

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON shows it."""
        matrix: dict[str, dict[str, int]] = {}
        for (old, new), number in sorted(self.matrix.items()):
            matrix.setdefault(str(old), {})[str(new)] = number
        return {
            "members": self.members,
            "would_move": self.movers,
            "gain_too_small": self.gain_too_small,
            "without_known_interest": self.unknown,
            "rooms_to_make": self.rooms_to_create,
            "matrix": matrix,
        }


@dataclass(frozen=True, slots=True)
class Decisions:
    """The new cluster of each member of a batch (n), and why members stay."""

    clusters: NDArray[np.int64]
    gain_too_small: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reassigner:
    """Reassigns the members of one database.

    `min_gain`: a member moves if the weight of the new cluster is more than 1 + min_gain times
    that of the old one; a cluster that the model lacks has weight 0.
    """

    database: Database
    model: Model
    min_gain: float

    def plan(self, progress: Progress) -> Plan:
        """Return what `move` would do.

        Raises CannotReassign, DatabaseUnavailable.
        """
        self._check_model()
        plan, pairs = Plan(), set[Pair]()
        for batch, batches in read_batches(self.database, self.model):
            decisions = decide(self.model, batch, self.min_gain)
            plan.gain_too_small += int(decisions.gain_too_small.sum())
            plan.unknown += int(decisions.unknown.sum())
            for member, cluster in zip(batch.members, decisions.clusters.tolist(), strict=True):
                plan.matrix[member.cluster, cluster] += 1
                if cluster != member.cluster:
                    pairs.add((member.city_id, cluster))
            progress("planning moves", batches)
        with self.database.transaction() as connection:
            plan.rooms_to_create = count_missing(connection, sorted(pairs))
        return plan

    def move(self, run: Run, progress: Progress) -> None:
        """Move the members; idempotent.

        Counts people_moved, rooms_made and changed_meanwhile on the run. Raises CannotReassign,
        Conflict, DatabaseUnavailable.
        """
        self._check_model()
        planned: list[tuple[Member, int]] = []
        for batch, batches in read_batches(self.database, self.model):
            clusters = decide(self.model, batch, self.min_gain).clusters.tolist()
            planned += [
                (member, cluster)
                for member, cluster in zip(batch.members, clusters, strict=True)
                if cluster != member.cluster
            ]
            if len(planned) >= MAX_PLANNED:
                self._move_planned(planned, run)
                planned = []
            progress("moving members", batches)
        self._move_planned(planned, run)

    def _move_planned(self, planned: list[tuple[Member, int]], run: Run) -> None:
        """Move members in the order of their hashes, which is the order of Citus' shards."""
        planned.sort(key=lambda mover: mover[0].hash)
        for first in range(0, len(planned), MAX_MOVED_AT_ONCE):
            movers = planned[first : first + MAX_MOVED_AT_ONCE]
            created, moved = in_transaction(self.database, partial(self.move_batch, movers, run.id))
            run.count("rooms_made", created)
            run.count("people_moved", moved)
            run.count("changed_meanwhile", len(movers) - moved)

    def move_batch(
        self, movers: Sequence[tuple[Member, int]], run_id: int, connection: sqlalchemy.Connection
    ) -> tuple[int, int]:
        """Move members, each into the room of a cluster, inside the caller's transaction.

        Return how many rooms were created and how many members moved. Raises Conflict when a city
        is being merged or gathered.
        """
        connection.exec_driver_sql(LOCK_CHANGES)
        pairs = sorted({(member.city_id, cluster) for member, cluster in movers})
        created, rooms = create_rooms(connection, pairs)
        # Without those whose city was removed with its last user, who was erased meanwhile.
        movers = [mover for mover in movers if (mover[0].city_id, mover[1]) in rooms]
        targets = [rooms[member.city_id, cluster] for member, cluster in movers]
        moved = connection.exec_driver_sql(
            MOVE,
            {
                "users": [member.user_id for member, _ in movers],
                "rooms": [member.room_id for member, _ in movers],
                "cities": [member.city_id for member, _ in movers],
                "interests": [SEPARATOR.join(member.interests) for member, _ in movers],
                "towns": [target.town_id for target in targets],
                "targets": [target.room_id for target in targets],
                "separator": SEPARATOR,
                "model": self.model.id,
                "run": run_id,
            },
        ).rowcount
        return created, moved

    def _check_model(self) -> None:
        in_service = model_in_service(self.database)
        if in_service != self.model.id:
            raise CannotReassign(
                f"model {in_service or 'none'} is in service, and this code ships {self.model.id}: "
                "run it from the release in service, or `manage.py model register` first"
            )


def decide(model: Model, batch: Batch, min_gain: float) -> Decisions:
    """Return the clusters of a batch's members by their weights under the model."""
    rows = np.arange(len(batch.members))
    old = np.array([member.cluster for member in batch.members], dtype=np.int64)
    numbers = np.array(model.cluster_ids, dtype=np.int64)
    # (n, k), True where a column is the member's own cluster; all False if it is retired.
    own = old[:, None] == numbers
    best = leader(batch.weights)
    new_weight = batch.weights[rows, best]
    old_weight = np.where(own, batch.weights, 0.0).sum(axis=1)
    unknown = new_weight == 0
    elsewhere = ~unknown & ~own[rows, best]
    # TIE_RATIO: a difference below the precision of the stored factors is no gain.
    moves = elsewhere & (new_weight * TIE_RATIO > old_weight * (1 + min_gain))
    return Decisions(np.where(moves, numbers[best], old), elsewhere & ~moves, unknown)
