"""Compares an analyst's answer with plain SQL on the base tables."""

from dataclasses import dataclass
from typing import Any

MIN_GROUP = 5
# %(until)s: the first day that was not counted.
BASE = """
    WITH person AS (
        SELECT member.*, date_trunc('month', member.created_at AT TIME ZONE 'UTC')::date AS month,
               (member.created_at AT TIME ZONE 'UTC')::date AS day, said.name AS city, said.region,
               said.country_code::text AS country, said.listed, said.kind, said.hub_id,
               hub.name AS hub, rooms.city_id AS host_id, rooms.cluster_id,
               clusters.label_en AS cluster,
               round(6371.0088 * acos(least(1, sin(radians(said.latitude))
                   * sin(radians(hub.latitude)) + cos(radians(said.latitude))
                   * cos(radians(hub.latitude)) * cos(radians(hub.longitude - said.longitude)))))
                   AS km
        FROM memberships AS member JOIN cities AS said ON said.id = member.city_id
        LEFT JOIN cities AS hub ON hub.id = said.hub_id
        JOIN rooms ON rooms.id = room_id JOIN clusters ON clusters.id = rooms.cluster_id
    ), place AS (
        SELECT id, city_id, cluster_id, true AS is_open FROM rooms
        UNION ALL SELECT id, city_id, cluster_id, false FROM room_redirects
    ), room AS (
        SELECT id AS room_id, city_id, cluster_id,
               date_trunc('month', created_at AT TIME ZONE 'UTC')::date AS month, created_at,
               members
        FROM rooms JOIN (SELECT room_id, count(*) AS members FROM memberships GROUP BY 1) AS counted
             ON room_id = id
    ), move AS (
        SELECT date_trunc('month', person.joined_at AT TIME ZONE 'UTC')::date AS month, is_open,
               interests, old.id AS from_id, old.name AS from_city,
               old.country_code::text AS from_country, new.id AS to_id, new.name AS to_city,
               new.country_code::text AS to_country, label_en AS from_cluster,
               cluster AS to_cluster, coalesce(
                   (SELECT reason FROM room_changes AS change WHERE change.user_id = person.user_id
                    AND (from_room, to_room) = (previous_room_id, room_id) LIMIT 1),
                   CASE WHEN person.joined_at < %(until)s::date - 29 THEN 'no longer known'
                        ELSE 'asked' END) AS reason
        FROM person JOIN place ON place.id = previous_room_id
        JOIN cities AS old ON old.id = place.city_id JOIN cities AS new ON new.id = host_id
        JOIN clusters ON clusters.id = place.cluster_id
    ), month_end AS (
        SELECT month, country_code::text AS country, count(*) AS in_room
        FROM (SELECT DISTINCT month FROM person) AS months
        JOIN memberships ON created_at AT TIME ZONE 'UTC' < month + interval '1 month'
        JOIN place ON place.id = CASE
            WHEN joined_at AT TIME ZONE 'UTC' < month + interval '1 month' THEN room_id
            ELSE previous_room_id END
        JOIN cities ON cities.id = place.city_id
        GROUP BY 1, 2, place.id
    ), joined AS (
        SELECT month, country, region, cluster_id, count(*) AS n FROM person GROUP BY 1, 2, 3, 4
        UNION ALL SELECT joined_month, country, NULL, cluster_id, sum(members)
        FROM deletions GROUP BY 1, 2, 4
    ), liking AS (
        SELECT month, cluster, label_en AS interest, key, count(*) AS likes,
               sum(count(*)) OVER (PARTITION BY key) AS all_likes,
               (SELECT count(*) FROM person) AS everybody
        FROM person, unnest(interests) AS key JOIN interests USING (key) GROUP BY 1, 2, 3, 4
    )
"""


@dataclass(frozen=True, slots=True)
class Truth:
    """A true answer: its SQL after BASE, and how the published answer may differ from it.

    `keys`: columns that name a row. `bounds`: the other columns, with the largest difference or the
    name of the column with it. `absent`: the first of them in the rows that the answer may lack;
    None: the answer is a choice of `rows` rows, those with the highest (`top` 1) or lowest (-1)
    first column, if any. `given`: a statement to run first.
    """

    keys: str
    bounds: dict[str, float | str]
    sql: str
    absent: float | None = None
    given: str = ""
    rows: int = 0
    top: int = 0


Rows = list[dict[str, Any]]


def differences(truth: Truth, answer: Rows, true_rows: Rows) -> list[str]:
    """Return where an answer differs from the truth by more than the truth's bounds."""
    keys, first = truth.keys.split(), next(iter(truth.bounds))
    # Namesakes: a choice of rows shows the largest.
    true_rows = sorted(true_rows, key=lambda row: row[first] or 0)
    expected = {tuple(row[key] for key in keys): row for row in true_rows}
    found = {tuple(row[key] for key in keys): row for row in answer}
    faults = []
    for name, row in found.items():
        if "other" in name:
            continue
        if name not in expected:
            faults.append(f"{name}: not in the truth")
            continue
        faults += [
            f"{name} {column}: {row[column]} for {expected[name][column]}"
            for column, bound in truth.bounds.items()
            if not _is_near(
                row[column], expected[name][column], _bound(bound, expected[name]), column
            )
        ]
    if truth.rows:
        worst = min(truth.top * float(row[first]) for row in answer)
        faults += [f"{len(answer)} rows"] if len(answer) != truth.rows else []
        faults += [
            f"{name}: not chosen, {row[first]}"
            for name, row in expected.items()
            if name not in found
            and truth.top * float(row[first]) > worst + _bound(truth.bounds[first], row)
        ]
    if truth.absent is not None:
        faults += [
            f"{name}: missing, {row[first]}"
            for name, row in expected.items()
            if name not in found and row[first] is not None and row[first] > truth.absent
        ]
    return faults


def _bound(bound: float | str, row: dict[str, Any]) -> float:
    return float(row[bound] or 0 if isinstance(bound, str) else bound)


def _is_near(cell: Any, true_cell: Any, bound: float, column: str) -> bool:
    if cell is None:  # too few to be shown, or computed from such a number
        return column.startswith(("percent", "median", "growth")) or (true_cell or 0) < MIN_GROUP
    return true_cell is not None and abs(float(cell) - float(true_cell)) <= bound
