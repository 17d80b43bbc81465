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

# A small plan can spare five; Metabase takes 15 by default.
MAX_CONNECTIONS, STATEMENT_TIMEOUT_S = 5, 30


@click.group()
def analysts() -> None:
    """Analysts: grant, revoke, queries."""


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
@click.option("--new-password", is_flag=True, help="Set a new password even if the role exists.")
@changing
@json_option
@with_app
def grant(
    role: str,
    connections: int,
    timeout: int,
    new_password: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Let ROLE read the views of the schema analytics, and nothing else.

    A role that does not exist is created, with a password that is shown only once.
    """
    from app.domain.analytics import grants, roles
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    try:
        found = grants.find_role(database, role)
        roles.check_grantable(found)
        if dry_run:
            _print_plan(role, found.exists, as_json)
            return
        confirm(f"Let {role} read the views of groups of people?", yes)
        arguments = {"role": role, "connections": connections, "timeout": timeout}
        with record_run(database, "analysts grant", arguments) as run:
            granted = grants.grant(database, role, connections, timeout, new_password)
            run.count("views", granted.views)
    except roles.CannotGrant as error:
        raise click.ClickException(str(error)) from error
    address = grants.address_of(database, role, granted.password)
    if as_json:
        print_json({"role": role, "url": address} | asdict(granted))
    else:
        _print_granted(
            role, address, f"{connections} connections, {timeout} s a statement", granted
        )


def _print_plan(role: str, exists: bool, as_json: bool) -> None:
    if as_json:
        print_json({"role": role, "is_new": not exists})
    else:
        verb = "granted" if exists else "created and granted"
        click.echo(f"{role} would be {verb} the views; nothing was changed")


def _print_granted(role: str, url: str, limits: str, granted: "Granted") -> None:
    print_fields(
        {
            "role": role,
            "may read": f"the {granted.views} views of the schema analytics, and nothing else",
            "limits": granted.unset or limits,
            "password": granted.password or "unchanged; --new-password sets another",
            "connect": f"psql '{url}'",
            "left open": ", ".join(granted.left_open) or "nothing that can be closed",
        }
    )
    if granted.password:
        click.echo("The password is shown only once.")
    if granted.left_open:
        click.echo("docs/analysts.md explains what is left open and what it allows.")


@analysts.command()
@click.argument("role")
@changing
@with_app
def revoke(role: str, dry_run: bool, yes: bool) -> None:
    """Revoke the views from ROLE and end its sessions; drop it if `grant` created it."""
    from app.domain.analytics import grants, roles
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    try:
        found = grants.find_role(database, role)
        roles.check_revocable(found)
        outcome = "dropped" if found.created_by_grant else "left without any right to the views"
        if dry_run:
            click.echo(f"{role} would be {outcome}; nothing was changed")
            return
        confirm(f"Revoke the views from {role}?", yes)
        with record_run(database, "analysts revoke", {"role": role}):
            grants.revoke(database, role)
    except roles.CannotRevoke as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{role} is {outcome}")


@analysts.command()
@click.argument("name", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV and nothing else.")
@click.option(
    "--plot",
    "file",
    type=click.Path(path_type=Path),
    help="Also draw the result into a file (.png or .svg).",
)
@json_option
def queries(name: str | None, as_csv: bool, file: Path | None, as_json: bool) -> None:
    """List the queries, or run the one called NAME."""
    if as_csv and as_json:
        raise click.ClickException("give --csv or --json, not both")
    if name is not None:
        _run(name, file, as_csv, as_json)
    elif file:
        raise click.ClickException("--plot draws one query's result: give the query's name")
    else:
        _list(as_csv, as_json)


def _list(as_csv: bool, as_json: bool) -> None:
    from app.domain.analytics.queries import questions

    _print(("name", "title"), [(each.name, each.title) for each in questions()], as_csv, as_json)


@with_app
def _run(name: str, file: Path | None, as_csv: bool, as_json: bool) -> None:
    from app.domain.analytics import queries
    from app.services import services

    try:
        question = queries.find_question(name)
    except queries.UnknownQuestion as error:
        raise click.ClickException(
            f"there is no query {name}; `manage.py analysts queries` lists all of them"
        ) from error
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
            draw(question, result, file)
        except NothingToDraw as error:
            raise click.ClickException("the result has no number to draw") from error
