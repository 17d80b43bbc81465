"""What a view of the schema `analytics` shows: groups of people and their counts, as SQL.

The names of the parameters: `%(today)s`, the UTC midnight up to which whole days are counted;
`%(k)s`, the smallest group that is shown; `%(since)s`, the day of the publication before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# People who registered before today. Who moves today is counted too, in the room of today.
BEFORE_TODAY = "created_at < %(today)s"
MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True, slots=True)
class Figures:
    """The groups of one view.

    `groups`: a query of the smallest groups: its columns are `keys`, `size` (people, exact),
    `counts` (exact) and `carried`.
    `folds`: the columns that groups below the minimum give up, one tuple after the other; groups
    that are then equal are summed.
    `carried`: further columns, with the aggregate that sums them. `cells`: what is stored beside
    the keys and the rounded counts, as expressions over all these columns.
    `identity`: the key that alone names a group as long as it is not null.
    `trigger`: the number of people whose change renews the figures, if not `size`.
    `period`: day, week or month, if the first key is the first day of one. Such a group is
    published once, when its period is over.
    """

    view: str
    groups: str
    keys: tuple[str, ...]
    counts: tuple[str, ...] = ("members",)
    folds: tuple[tuple[str, ...], ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    identity: str = ""
    trigger: str = "size"
    period: str = ""


def liked(people: str, *keys: str) -> str:
    """Return a query of the people by `keys` and of those who like each interest.

    `people`: a query with the columns `keys` and `interests`. The column `likes` maps interests to
    rounded counts, without those that fewer than the minimum have, or all but fewer.
    """
    by = "".join(f"{key}, " for key in keys)
    # Each person also counts once under the key NULL: the size of the group in the same pass.
    return f"""
        SELECT {by}size, size AS members, jsonb_object_agg(key, {rounded("likes")})
               FILTER (WHERE key IS NOT NULL AND likes >= %(k)s AND size - likes >= %(k)s) AS likes
        FROM (
            SELECT *, max(likes) FILTER (WHERE key IS NULL)
                          OVER ({f"PARTITION BY {', '.join(keys)}" if keys else ""}) AS size
            FROM (
                SELECT {by}key, count(*) AS likes
                FROM ({people}) AS people, unnest(array_append(interests, NULL)) AS key
                GROUP BY {by}key
            ) AS counted
        ) AS sized
        GROUP BY {by}size
    """


def rounded(people: str) -> str:
    """Return an expression for a count, to the nearest multiple of the minimum; null below it."""
    return (
        f"CASE WHEN {people} >= %(k)s THEN (round({people}::numeric / %(k)s) * %(k)s)::bigint END"
    )
