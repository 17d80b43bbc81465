"""Publishes what the views of the schema `analytics` show, so that nobody can be singled out by
looking twice.

Views over the members themselves would change with each single one: whoever looks before and after
a person registers or is erased learns what changed. So the figures are computed at times and
stored, by these rules, with K the smallest group that is shown:

- A publication counts whole days, and waits until people joined or moved CHANGED_GROUPS * K times
  since the one before.
- Figures of periods are stored when the period is over, and never changed.
- Figures of present members are renewed only if the group grew or shrank by K people, or a figure
  is wrong by 2 K, and then by lot: one in LOTS, so that nobody knows which of many people was the
  last of the K. A change of URGENT_GROUPS * K is shown at once. All figures of a place have the
  same lot, and one lot in RARE_LOTS renews a figure whatever has changed.
- Counts are rounded to multiples of K, and smaller groups are summed.

Compare OpenSAFELY's disclosure control (rounding against differences) and the Office for National
Statistics' cell-key method (a change that is not a person's own); docs/analysts.md gives the
measured protection and its price.
"""

import secrets
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy

from app.domain.analytics.figures import Figures, rounded
from app.domain.analytics.period_figures import OF_PERIODS
from app.domain.analytics.present_figures import PRESENT
from app.infra.database import Database

CHANGED_GROUPS, URGENT_GROUPS, LOTS, RARE_LOTS = 4, 10, 8, 64
# The row lock keeps others from publishing at the same time; no analyst may take it.
LOCK_SETTINGS = "SELECT min_group FROM analytics_settings FOR UPDATE SKIP LOCKED"
FIND_LAST = "SELECT until, min_group FROM publications ORDER BY until DESC LIMIT 1"
COUNT_CHANGES = """
    SELECT count(*) FROM (
        SELECT 1 FROM memberships WHERE joined_at >= %(since)s AND joined_at < %(today)s
        LIMIT %(limit)s
    ) AS changed
"""
DELETE_ALL = "DELETE FROM published; DELETE FROM publications"
# Periods stay as they are, but for groups that are now too small.
DELETE_PRESENT = "DELETE FROM published WHERE view = ANY(%(present)s) OR size < %(k)s"
# The first people of a service are shown without lots.
IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM published)"
INSERT_PUBLICATION = """
    INSERT INTO publications (until, min_group, published_at) VALUES (%(until)s, %(k)s, now())
    ON CONFLICT (until) DO UPDATE
    SET min_group = excluded.min_group, published_at = excluded.published_at
"""
# All figures are of one moment. Compiling takes longer than it saves. Dates are cut from times in
# the session's time zone.
SETTINGS = """
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    SET LOCAL statement_timeout = 0; SET LOCAL jit = off; SET LOCAL timezone = 'UTC'
"""
LOT = "hashtextextended({}, %(salt)s)"
# `trigger` and `old_trigger`: the number of people that decides, now and as published. `off`: by
# how much the figures are wrong.
CHANGE = "greatest(abs(trigger - old_trigger), off - %(k)s)"
MAY_CHANGE = f"""
    CASE WHEN old_trigger IS NULL
         THEN size >= %(k)s AND (is_lot OR size >= {URGENT_GROUPS} * %(k)s)
         ELSE is_rare_lot
              OR {CHANGE} >= %(k)s AND (is_lot OR {CHANGE} >= {URGENT_GROUPS} * %(k)s) END
"""
# What a command closed is no person's.
FIND_GONE = f"""
    SELECT key FROM published AS old
    WHERE view = %(view)s AND NOT EXISTS (SELECT FROM staged WHERE staged.key = old.key)
      AND ({LOT.format("coalesce(cells ->> 'city_id', key)")} %% {LOTS} = 0
           OR EXISTS (SELECT FROM room_redirects WHERE id = (cells ->> 'room_id')::bigint)
           OR EXISTS (SELECT FROM cities WHERE id = (cells ->> 'city_id')::bigint
                      AND merged_into IS NOT NULL))
"""
DELETE_GONE = "DELETE FROM published WHERE view = %(view)s AND key = ANY(%(gone)s)"
RENEW_PRESENT = """
    INSERT INTO published (view, key, size, cells)
    SELECT %(view)s, key, trigger, cells FROM staged WHERE may_change
    ON CONFLICT (view, key) DO UPDATE SET size = excluded.size, cells = excluded.cells
"""
ADD_PERIODS = """
    INSERT INTO published (view, key, size, cells) SELECT %(view)s, key, trigger, cells FROM staged
"""


def publish(
    database: Database,
    today: date | None = None,
    *,
    dry_run: bool = False,
    anew: bool = False,
    salt: int | None = None,
) -> str:
    """Publish the figures of all whole days before `today`, in UTC, if a publication is due.

    `anew`: delete all figures first, and publish those of the present members: for demo people, who
    joined in periods that are published. `salt`: decides the lots; a secret one if none is given.
    Return why none is due, or an empty text. Raises DatabaseUnavailable.
    """
    until = today or datetime.now(UTC).date()
    with database.transaction() as connection:
        connection.exec_driver_sql(SETTINGS)
        min_group = connection.exec_driver_sql(LOCK_SETTINGS).scalar()
        if min_group is None:
            return "another process is publishing"
        last = None if anew else connection.exec_driver_sql(FIND_LAST).one_or_none()
        has_other_minimum = last is not None and last.min_group != min_group
        parameters = {
            "k": min_group,
            "until": until,
            "today": _midnight(until),
            "since": _midnight(last.until) if last else datetime.min,
            "salt": secrets.randbits(62) if salt is None else salt,
        }
        if last and not has_other_minimum:
            reason = _reason_to_wait(connection, last.until, parameters)
            if reason:
                return reason
        if not dry_run:
            if anew:
                connection.exec_driver_sql(DELETE_ALL)
            _write(connection, parameters, has_other_minimum)
    return ""


def _write(
    connection: sqlalchemy.Connection, parameters: dict[str, Any], has_other_minimum: bool
) -> None:
    if has_other_minimum:
        views = [figures.view for figures in PRESENT]
        connection.exec_driver_sql(DELETE_PRESENT, parameters | {"present": views})
    is_empty = connection.exec_driver_sql(IS_EMPTY).scalar_one()
    parameters["is_first"] = has_other_minimum or is_empty
    for figures in (*PRESENT, *OF_PERIODS):
        _renew(connection, figures, parameters)
    connection.exec_driver_sql(INSERT_PUBLICATION, parameters)


def _reason_to_wait(
    connection: sqlalchemy.Connection, last: date, parameters: dict[str, Any]
) -> str:
    if last >= parameters["until"]:
        return f"all days before {last} are published"
    limit = CHANGED_GROUPS * parameters["k"]
    changes = connection.exec_driver_sql(COUNT_CHANGES, parameters | {"limit": limit}).scalar_one()
    if changes < limit:
        return f"{changes} people joined or moved since {last}, and a publication needs {limit}"
    return ""


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _renew(connection: sqlalchemy.Connection, figures: Figures, parameters: dict[str, Any]) -> None:
    parameters = parameters | {"view": figures.view}
    connection.exec_driver_sql(stage(figures), parameters)
    if figures.period:
        connection.exec_driver_sql(ADD_PERIODS, parameters)
    else:
        # Two statements: Citus deletes nothing by a temporary table.
        gone = connection.exec_driver_sql(FIND_GONE, parameters).scalars().all()
        connection.exec_driver_sql(DELETE_GONE, parameters | {"gone": list(gone)})
        connection.exec_driver_sql(RENEW_PRESENT, parameters)
    connection.exec_driver_sql("DROP TABLE staged")


def stage(figures: Figures) -> str:
    """Return a statement that creates the table `staged` of the groups that are to be shown."""
    steps, previous = [f"groups AS ({_within_period(figures)})"], "groups"
    for number, fold in enumerate(figures.folds, 1):
        keys = ", ".join(
            f"CASE WHEN is_shown THEN {key} END AS {key}" if key in fold else key
            for key in figures.keys
        )
        sums = ", ".join(
            f"{how}({name}) AS {name}"
            for name, how in {
                "size": "sum",
                **dict.fromkeys(figures.counts, "sum"),
                **figures.carried,
            }.items()
        )
        positions = ", ".join(map(str, range(1, len(figures.keys) + 1)))
        name = f"fold_{number}"
        steps.append(
            f"{name} AS (SELECT {keys}, {sums} FROM ({_marked(figures, previous)}) AS marked"
            f" GROUP BY {positions})"
        )
        previous = name
    cells = {
        **{key: key for key in figures.keys},
        **{name: rounded(name) for name in figures.counts},
        # The name, for when a place that users typed is gone with its last user.
        **{
            key.removesuffix("_id"): f"(SELECT name FROM cities WHERE id = {key})"
            for key in figures.keys
            if key.endswith("city_id")
        },
        **figures.cells,
    }
    pairs = ", ".join(f"'{name}', {expression}" for name, expression in cells.items())
    return f"""
        CREATE TEMPORARY TABLE staged ON COMMIT DROP AS
        WITH {", ".join(steps)}
        SELECT key, trigger::bigint, may_change, jsonb_build_object({pairs}) AS cells
        FROM ({_marked(figures, previous)}) AS marked WHERE is_shown
    """


def _within_period(figures: Figures) -> str:
    if not figures.period:
        return figures.groups
    end = f"({figures.keys[0]} + interval '1 {figures.period}')::date"
    return (
        f"SELECT * FROM ({figures.groups}) AS every_group"
        f" WHERE {end} > %(since)s::date AND {end} <= %(until)s"
    )


def _marked(figures: Figures, groups: str) -> str:
    """Return a query of groups with their key, and whether they are to be shown: as before, unless
    the group may change."""
    names = ", ".join(f"'{key}', {key}" for key in figures.keys)
    key = f"jsonb_build_object({names})::text"
    if figures.identity:
        key = f"coalesce({figures.identity}::text, {key})"
    lot = LOT.format("coalesce(city_id::text, key)" if "city_id" in figures.keys else "key")
    off = ", ".join(
        f"abs(coalesce({name}, 0) - coalesce((old.cells ->> '{name}')::bigint, 0))"
        for name in figures.counts
    )
    if figures.period:
        return (
            f"SELECT *, {key} AS key, size AS trigger, true AS may_change,"
            f" size >= %(k)s AS is_shown FROM {groups}"
        )
    return f"""
        SELECT *, CASE WHEN may_change THEN size >= %(k)s
                       ELSE old_trigger IS NOT NULL END AS is_shown
        FROM (
            SELECT *, {MAY_CHANGE} AS may_change
            FROM (
                SELECT keyed.*, old.size AS old_trigger, greatest({off}) AS off,
                       %(is_first)s OR {lot} %% {LOTS} = 0 AS is_lot,
                       {lot} %% {RARE_LOTS} = 0 AS is_rare_lot
                FROM (SELECT *, {key} AS key, {figures.trigger} AS trigger FROM {groups}) AS keyed
                LEFT JOIN (SELECT key, size, cells FROM published WHERE view = %(view)s) AS old
                    USING (key)
            ) AS compared
        ) AS decided
    """
