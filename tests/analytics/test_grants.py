"""`analysts grant` and `analysts revoke`, run by a database's owner who is no superuser."""

import json
import re
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy.engine import make_url

from tests.support.analysts import LEFT_OPEN, OWNER_PASSWORD, VIEWS, Analyst, url_of
from tests.support.databases import Sql, sql_on
from tests.support.manage import Manage


def test_an_owner_who_may_create_roles_creates_an_analyst(
    as_owner: Manage, owned: tuple[str, str], role: str
) -> None:
    planned = as_owner("analysts", "grant", role, "--dry-run")
    assert (planned.returncode, "would be created" in planned.stdout) == (0, True)
    planned = as_owner("analysts", "grant", role, "--dry-run", "--json")
    assert json.loads(planned.stdout) == {"role": role, "is_new": True, "schema": None}
    assert as_owner("analysts", "grant", role).returncode == 1  # no terminal to confirm

    done = as_owner("analysts", "grant", role, "--yes", "--json", "--connections", "2")
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert set(output["left_open"]) == LEFT_OPEN
    assert output["views"] == len(VIEWS)
    analyst = Analyst(output["url"])
    assert analyst.query("SELECT current_user, count(*) FROM clusters") == [(role, 4)]
    for statement in ("TABLE public.memberships", "CREATE TEMPORARY TABLE fill (n int)"):
        with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
            analyst.query("SET default_transaction_read_only = off", statement)
    assert sql_on(owned[1])(
        "SELECT rolconnlimit, rolcanlogin, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = %s",
        (role,),
    ) == [(2, True, False, False)]

    with closing(psycopg2.connect(output["url"])) as session:
        dropped = as_owner("analysts", "revoke", role, "--yes")
        assert dropped.returncode == 0, dropped.stderr
        with pytest.raises(psycopg2.OperationalError), session.cursor() as cursor:
            cursor.execute("TABLE rooms")
    with pytest.raises(psycopg2.OperationalError):
        analyst.query("SELECT 1")


def test_the_password_is_shown_once_and_not_stored(
    as_owner: Manage, owned: tuple[str, str], role: str
) -> None:
    done = as_owner("analysts", "grant", role, "--yes")
    (password,) = re.findall(r"^password\s+(\S+)$", done.stdout, re.MULTILINE)
    (address,) = re.findall(r"^connect\s+psql '(.*)'$", done.stdout, re.MULTILINE)
    assert make_url(address).password == password
    runs = as_owner("runs", "list", "--json").stdout
    assert role in runs
    assert password not in runs
    again = as_owner("analysts", "grant", role, "--yes")
    assert "unchanged" in again.stdout
    Analyst(address).query("SELECT 1")
    renewed = json.loads(
        as_owner("analysts", "grant", role, "--yes", "--json", "--new-password").stdout
    )
    assert renewed["password"] not in (None, password)
    stored = sql_on(owned[1])("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,))
    assert stored[0][0].startswith("SCRAM-SHA-256$")
    as_owner("analysts", "revoke", role, "--yes")


def test_views_of_the_next_release_are_granted_too(
    as_owner: Manage, owned: tuple[str, str], role: str
) -> None:
    output = json.loads(as_owner("analysts", "grant", role, "--yes", "--json").stdout)
    owner = sql_on(owned[0])
    owner("CREATE VIEW analytics.next AS SELECT 1 AS n")
    try:
        assert Analyst(output["url"]).query("TABLE analytics.next") == [(1,)]
    finally:
        owner("DROP VIEW analytics.next")
        as_owner("analysts", "revoke", role, "--yes")


def test_an_owner_without_createrole_gets_instructions_and_can_grant_existing_roles(
    as_owner: Manage, owned: tuple[str, str], role: str, without_roles: Sql
) -> None:
    refused = as_owner("analysts", "grant", role, "--yes")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    for instruction in ("pg:credentials:create", "Dataclips", "CREATE ROLE"):
        assert instruction in refused.stderr

    without_roles(f"CREATE ROLE {role} LOGIN PASSWORD 'y'")
    output = as_owner("analysts", "grant", role, "--yes", "--json").stdout
    assert OWNER_PASSWORD not in output + as_owner("analysts", "grant", role, "--yes").stdout
    done = json.loads(output)
    assert done["password"] is None
    assert "did not create this role" in done["unset"]
    analyst = Analyst(url_of(owned[0], role, "y"))
    assert "; ".join(done["to_run"]) in as_owner("analysts", "grant", role, "--yes").stdout
    analyst.query(*done["to_run"])
    assert analyst.query("SHOW statement_timeout") == [("30s",)]
    # What \\dv lists.
    seen = "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND pg_table_is_visible(oid)"
    in_catalogs = "relnamespace::regnamespace::text IN ('pg_catalog', 'information_schema')"
    assert analyst.query(f"{seen} AND NOT {in_catalogs}") == [(len(VIEWS),)]
    assert len(analyst.query("TABLE analytics.clusters")) == 4
    with pytest.raises(errors.InsufficientPrivilege):
        analyst.query("TABLE public.rooms")
    refused = as_owner("analysts", "grant", role, "--yes", "--new-password")
    assert "may not set a password" in refused.stderr
    revoked = as_owner("analysts", "revoke", role, "--yes")
    assert (revoked.returncode, "without any right" in revoked.stdout) == (0, True), revoked.stderr
    with pytest.raises(errors.InsufficientPrivilege):
        analyst.query("TABLE analytics.clusters")


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("CREATE ROLE {role} SUPERUSER", "has SUPERUSER"),
        ("CREATE ROLE {role} CREATEROLE", "has CREATEROLE"),
        ("CREATE ROLE {role} IN ROLE pg_read_all_data", "a member of pg_read_all_data"),
        ("CREATE ROLE {role}; GRANT SELECT ON memberships TO {role}", "may access memberships"),
        ("CREATE ROLE {role}; GRANT SELECT (user_id) ON memberships TO {role}", "memberships"),
    ],
)
def test_a_role_with_other_privileges_is_refused(
    as_owner: Manage, owned: tuple[str, str], role: str, setup: str, message: str
) -> None:
    sql = sql_on(owned[1])
    sql(setup.format(role=role))
    refused = as_owner("analysts", "grant", role, "--yes")
    sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert message in refused.stderr


def test_an_existing_roles_defaults_in_other_databases_stay(
    as_owner: Manage, owned: tuple[str, str], role: str
) -> None:
    sql_on(owned[0])(f"CREATE ROLE {role} LOGIN PASSWORD 'y'")  # by the owner, who may limit it
    settings = (
        "SELECT setdatabase, setconfig::text FROM pg_db_role_setting WHERE setrole = %s::regrole"
    )
    sql_on(owned[0])(f"ALTER ROLE {role} SET search_path = theirs")
    before = sql_on(owned[1])(settings, (role,))
    assert as_owner("analysts", "grant", role, "--yes").returncode == 0
    analyst = Analyst(url_of(owned[0], role, "y"))
    assert analyst.query("SHOW search_path") == [("analytics",)]
    assert set(before) < set(sql_on(owned[1])(settings, (role,)))
    assert as_owner("analysts", "revoke", role, "--yes").returncode == 0
    assert sql_on(owned[1])(settings, (role,)) == before


def test_a_table_that_public_may_read_is_refused(
    as_owner: Manage, owned: tuple[str, str], role: str
) -> None:
    owner = sql_on(owned[0])
    owner("GRANT SELECT ON rooms TO PUBLIC")
    refused = as_owner("analysts", "grant", role, "--yes")
    owner("REVOKE SELECT ON rooms FROM PUBLIC")
    assert "may access rooms" in refused.stderr
    assert owner("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)) == []


@pytest.mark.parametrize("name", ["pg_analyst", "x y", "", "1st", "a" * 64, 'x";--'])
def test_an_invalid_role_name_is_one_clear_line(as_owner: Manage, name: str) -> None:
    refused = as_owner("analysts", "grant", name, "--yes")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)


def test_only_analysts_are_revoked(as_owner: Manage, owned: tuple[str, str], role: str) -> None:
    owner = make_url(owned[0]).username or ""
    for name, message in (
        (role, "no role"),
        (owner, "not an analyst"),
        ("postgres", "not an analyst"),
    ):
        refused = as_owner("analysts", "revoke", name, "--yes")
        assert (refused.returncode, message in refused.stderr) == (1, True), refused.stderr
    assert sql_on(owned[0])("SELECT count(*) FROM analytics.clusters") == [(4,)]
