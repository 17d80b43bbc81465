"""Views for analysts: the kind of each place, so that areas are told from cities."""

from alembic import context, op

revision = "0016"
down_revision = "0015"

GROUPS, LARGER_GROUPS = "GROUP BY 1, 2, 3, 4\n", "GROUP BY 1, 2, 3, 4, 5\n"
# Each view with the revisions of its SQL and its comments before, and the parts that change. The
# new column is the last, because CREATE OR REPLACE VIEW keeps the others in their order, and the
# analysts' rights.
CHANGES: dict[str, tuple[str, dict[str, str]]] = {
    "rooms": (
        "0008",
        {
            "AS country, room.cluster_id,": "AS country, room.cluster_id, city.kind,",
            "cluster_id, sum(members) AS members, sum(recent) AS recent, min(month) AS month\n"
            "        FROM by_country": "cluster_id, kind, sum(members) AS members,"
            " sum(recent) AS recent, min(month) AS month\n        FROM by_country",
            GROUPS: LARGER_GROUPS,
            "END AS established_at": "END AS established_at, folded.kind",
        },
    ),
    "cities": (
        "0008",
        {
            "AS country, city.listed,": "AS country, city.listed, city.kind,",
            "listed, is_gathered, sum(said)": "listed, kind, is_gathered, sum(said)",
            GROUPS: LARGER_GROUPS,
            "rooms::bigint AS rooms": "rooms::bigint AS rooms, folded.kind",
        },
    ),
    "weekly_joins": (
        "0009",
        {" AS joins\n        FROM folded": " AS joins, city.kind\n        FROM folded"},
    ),
    "city_interests": (
        "0009",
        {" AS members\n        FROM liked": " AS members, city.kind\n        FROM liked"},
    ),
}
KIND = (
    "city; area: a country, region or island that people gave instead of a city; placeless: people"
    " without a place."
)
COMMENTS = {
    "rooms": KIND,
    "cities": KIND,
    "weekly_joins": f"{KIND} Null: a row ''other''.",
    "city_interests": KIND,
}


def upgrade() -> None:
    for name, (revision_before, changes) in CHANGES.items():
        sql = sql_of(name, revision_before)
        for old, new in changes.items():
            assert old in sql, f"{name} has no {old!r}"
            sql = sql.replace(old, new)
        op.execute(f"CREATE OR REPLACE VIEW analytics.{name} WITH (security_barrier) AS {sql}")
        op.execute(f"COMMENT ON COLUMN analytics.{name}.kind IS '{COMMENTS[name]}'")


def sql_of(name: str, its_revision: str) -> str:
    sql: str = context.script.get_revision(its_revision).module.VIEWS[name][0]
    return sql


def downgrade() -> None:
    # Default privileges give analysts their rights on a view that is created again.
    plain = context.script.get_revision("0012").module
    for name, (its_revision, _) in CHANGES.items():
        op.execute(f"DROP VIEW analytics.{name}")
        view = f"analytics.{name} WITH (security_barrier)"
        op.execute(f"CREATE VIEW {view} AS {sql_of(name, its_revision)}")
        _, comment, columns = context.script.get_revision(its_revision).module.VIEWS[name]
        plain.set_comments(name, comment, columns)
        plain.set_comments(name, *plain.VIEWS[name])
