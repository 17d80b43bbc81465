"""`manage.py analysts`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import (
    changing,
    confirm,
    json_option,
    print_fields,
    print_json,
    print_table,
    with_app,
    write_rows,
)

if TYPE_CHECKING:
    from app.domain.analytics.grants import Granted
    from app.domain.analytics.queries import Question, Result
    from app.domain.analytics.roles import Role

# A small plan can spare five; Metabase takes 15 by default.
MAX_CONNECTIONS, STATEMENT_TIMEOUT_S = 5, 30


@click.group()
def analysts() -> None:
    """Analysts: grant, revoke, publish, queries."""


@analysts.command()
@click.argument("role")
@click.option(
    "--connections", type=click.IntRange(1, 100), default=MAX_CONNECTIONS, show_default=True
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=STATEMENT_TIMEOUT_S,
    show_default=True,
    help="Maximum seconds of a statement.",
)
@click.option("--schema", help="Also let it create tables in this schema of its own.")
@click.option("--new-password", is_flag=True, help="Set a new password even if the role exists.")
@changing
@json_option
@with_app
def grant(
    role: str,
    connections: int,
    timeout: int,
    schema: str | None,
    new_password: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Let ROLE read the views of the schema analytics, and nothing else.

    A role that does not exist is created, with a password that is shown only once. With --schema
    its tools, dbt for example, may create tables and views in a schema of its own.
    """
    from app.domain.analytics import grants, own_schemas, roles
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    try:
        found = grants.find_role(database, role)
        roles.check_grantable(found)
        if schema is not None:
            grants.check_schema(database, schema, found)
        if dry_run:
            _print_plan(found, schema, as_json)
            return
        confirm(f"Let {role} read the views of groups of people?", yes)
        limits = (connections, timeout, new_password, schema)
        arguments = {"role": role, "connections": connections, "timeout": timeout, "schema": schema}
        with record_run(database, "analysts grant", arguments) as run:
            granted = grants.grant(database, role, *limits)
            run.count("views", granted.views)
    except (roles.CannotGrant, own_schemas.UnusableSchema) as error:
        raise click.ClickException(str(error)) from error
    address = grants.address_of(database, role, granted.password)
    if as_json:
        print_json({"role": role, "url": address} | asdict(granted))
    else:
        _print_granted(
            role, address, f"{connections} connections, {timeout} s a statement", granted
        )


def _print_plan(role: "Role", schema: str | None, as_json: bool) -> None:
    own = role.schema.name if role.schema else None
    if as_json:
        print_json({"role": role.name, "is_new": not role.exists, "schema": schema or own})
        return
    verb = "granted" if role.exists else "created and granted"
    more = f" and a new schema {schema}" if schema and schema != own else ""
    click.echo(f"{role.name} would be {verb} the views{more}; nothing was changed")


def _print_granted(role: str, url: str, limits: str, granted: "Granted") -> None:
    schema = f"create tables and views in the schema {granted.schema}" if granted.schema else ""
    print_fields(
        {
            "role": role,
            "may read": f"the {granted.views} views of the schema analytics, and nothing else",
            "may write": schema or "nothing",
            "limits": granted.unset or limits,
            "password": granted.password or "unchanged; --new-password sets another",
            "connect": f"psql '{url}'",
            "left open": ", ".join(granted.left_open) or "nothing that can be closed",
        }
    )
    if granted.password:
        click.echo("The password is shown only once.")
    if granted.to_run:
        click.echo(f"{role} sets its defaults itself: connect and run {'; '.join(granted.to_run)};")
    if granted.left_open:
        click.echo("docs/analysts.md explains what is left open and what it allows.")


@analysts.command()
@click.argument("role")
@click.option("--drop-schema", is_flag=True, help="Also drop the tables in its own schema.")
@changing
@with_app
def revoke(role: str, drop_schema: bool, dry_run: bool, yes: bool) -> None:
    """Revoke the views from ROLE and end its sessions; drop it if `grant` created it.

    A schema of its own is dropped if it is empty, or with --drop-schema. Otherwise it is kept with
    the role, which can no longer log in.
    """
    from app.domain.analytics import grants, roles
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    try:
        found = grants.find_role(database, role)
        roles.check_revocable(found)
        outcome = _outcome(found, roles.keeps_schema(found, drop_schema))
        if dry_run:
            click.echo(f"{role} would be {outcome}; nothing was changed")
            return
        confirm(f"Revoke the views from {role}? It would be {outcome}.", yes)
        arguments = {"role": role, "drop_schema": drop_schema}
        with record_run(database, "analysts revoke", arguments):
            grants.revoke(database, role, drop_schema)
    except roles.CannotRevoke as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{role} is {outcome}")


def _outcome(role: "Role", keeps_schema: bool) -> str:
    """Return what `revoke` makes of a role and its schema."""
    outcome = "dropped" if role.created_by_grant else "left without any right to the views"
    if role.schema is None:
        return outcome
    content = f"its schema {role.schema.name} and the {role.schema.objects} objects in it"
    if not keeps_schema:
        return f"{outcome}, with {content}"
    if role.created_by_grant:
        outcome = "unable to log in"
    return f"{outcome}, with {content} kept (--drop-schema drops them)"


@analysts.command()
@changing
@json_option
@with_app
def publish(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Publish the figures that analysts see, if a publication is due.

    The service does so every hour. See docs/analysts.md.
    """
    from app.domain.analytics import publication
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    reason = publication.publish(database, dry_run=True)
    if not reason and not dry_run:
        confirm("Publish the figures of all whole days?", yes)
        with record_run(database, "analysts publish", {}):
            reason = publication.publish(database)
    if as_json:
        print_json({"is_due" if dry_run else "is_published": not reason, "reason": reason or None})
    elif reason:
        click.echo(f"Nothing is due: {reason}.")
    else:
        click.echo("A publication is due; nothing was changed" if dry_run else "Published.")


@analysts.command()
@click.argument("name", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV and nothing else.")
@click.option(
    "--plot",
    "file",
    type=click.Path(path_type=Path),
    help="Also draw the result into a file (.png or .svg).",
)
@click.option("--sql", "as_sql", is_flag=True, help="Print the query's SQL and do not run it.")
@json_option
def queries(name: str | None, as_csv: bool, file: Path | None, as_sql: bool, as_json: bool) -> None:
    """List the queries, or run the one called NAME."""
    if as_csv + as_json + as_sql > 1:
        raise click.ClickException("give only one of --csv, --json and --sql")
    if as_sql:
        if name is None or file:
            raise click.ClickException("--sql prints one query: give its name, and no --plot")
        click.echo(_find(name).sql)
    elif name is not None:
        _run(name, file, as_csv, as_json)
    elif file:
        raise click.ClickException("--plot draws one query's result: give the query's name")
    else:
        _list(as_csv, as_json)


def _list(as_csv: bool, as_json: bool) -> None:
    from app.domain.analytics.queries import questions

    _print(("name", "title"), [(each.name, each.title) for each in questions()], as_csv, as_json)


def _find(name: str) -> "Question":
    from app.domain.analytics import queries

    try:
        return queries.find_question(name)
    except queries.UnknownQuestion as error:
        raise click.ClickException(
            f"there is no query {name}; `manage.py analysts queries` lists all of them"
        ) from error


@with_app
def _run(name: str, file: Path | None, as_csv: bool, as_json: bool) -> None:
    from app.domain.analytics import queries
    from app.services import services

    question = _find(name)
    result = queries.run(services().database, question)
    if not as_csv and not as_json:
        click.echo(f"{question.title}\n", err=True)
    _print(result.columns, result.rows, as_csv, as_json)
    if file:
        _draw(question, result, file)


def _print(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], as_csv: bool, as_json: bool
) -> None:
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif as_csv:
        write_rows("csv", columns, rows)
    else:
        print_table(columns, rows, empty="No group is large enough to be shown yet.")


def _draw(question: "Question", result: "Result", file: Path) -> None:
    from app.cli.plots import drawing
    from app.domain.analytics.chart import NothingToDraw, draw

    with drawing(file):
        try:
            left_out = draw(question, result, file)
        except NothingToDraw as error:
            raise click.ClickException("the result has no number to draw") from error
    if left_out:
        click.echo(f"The picture shows {left_out}", err=True)
