"""`manage.py analysts`."""

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
    from app.domain.analytics.queries import Answer

# As many as a small plan can spare; Metabase wants 15 unless it is told.
CONNECTIONS, TIMEOUT_S = 5, 30


@click.group()
def analysts() -> None:
    """Analysts: grant, revoke, queries."""


@analysts.command()
@click.argument("role")
@click.option("--connections", type=click.IntRange(1, 100), default=CONNECTIONS, show_default=True)
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=TIMEOUT_S,
    show_default=True,
    help="Seconds that a statement may take.",
)
@click.option("--new-password", is_flag=True, help="Also for a role that is there.")
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

    A role that is not there is made, with a password that is shown this once.
    """
    from app.domain.analytics import grants, roles
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    database = services().database
    try:
        found = grants.look(database, role)
        roles.refuse_unfit(found)
        if dry_run:
            if as_json:
                print_json({"role": role, "is_new": not found.exists})
                return
            verb = "would be granted" if found.exists else "would be made and granted"
            click.echo(f"{role} {verb} the views; nothing was changed")
            return
        confirm(f"Let {role} read the views of groups of people?", yes)
        arguments = {"role": role, "connections": connections, "timeout": timeout}
        with recorded(database, "analysts grant", arguments) as run:
            granted = grants.grant(database, role, connections, timeout, new_password)
            run.count("views", granted.views)
    except roles.CannotGrant as error:
        raise click.ClickException(str(error)) from error
    url = database.engine.url.set(drivername="postgresql", username=role).set(
        password=granted.password
    )
    address = url.render_as_string(hide_password=False)
    if as_json:
        print_json({"role": role, "url": address, **_fields(granted)})
        return
    print_fields(
        {
            "role": role,
            "may read": f"the {granted.views} views of the schema analytics, and nothing else",
            "limits": granted.unset or f"{connections} connections, {timeout} s a statement",
            "password": granted.password or "as before; --new-password makes another",
            "connect": f"psql '{address}'",
            "left open": ", ".join(granted.left_open) or "nothing that can be closed",
        }
    )
    if granted.password:
        click.echo("The password is shown this once.")
    if granted.left_open:
        click.echo("docs/analysts.md says what is left open, and what it could do.")


def _fields(granted: Any) -> dict[str, Any]:
    return {name: getattr(granted, name) for name in granted.__slots__}


@analysts.command()
@click.argument("role")
@changing
@with_app
def revoke(role: str, dry_run: bool, yes: bool) -> None:
    """Take ROLE's right away and end its sessions; drop it, if `grant` made it."""
    from app.domain.analytics import grants, roles
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    database = services().database
    try:
        found = grants.look(database, role)
        roles.refuse_unknown(found)
        fate = "dropped" if found.is_ours else "left, without any right to the views"
        if dry_run:
            click.echo(f"{role} would be {fate}; nothing was changed")
            return
        confirm(f"Take {role}'s right to the views away?", yes)
        with recorded(database, "analysts revoke", {"role": role}):
            grants.revoke(database, role)
    except roles.CannotRevoke as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{role} is {fate}")


@analysts.command()
@click.argument("name", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV and nothing else.")
@click.option(
    "--plot",
    "file",
    type=click.Path(path_type=Path),
    help="Also draw it into a file (.png or .svg).",
)
@json_option
def queries(name: str | None, as_csv: bool, file: Path | None, as_json: bool) -> None:
    """List the questions there are, or ask the one called NAME."""
    if as_csv and as_json:
        raise click.ClickException("give --csv or --json, not both")
    if name is None:
        if file:
            raise click.ClickException("--plot draws one question: give its name")
        _list(as_csv, as_json)
    else:
        _ask(name, file, as_csv, as_json)


def _list(as_csv: bool, as_json: bool) -> None:
    from app.domain.analytics.queries import questions

    listed = [(question.name, question.title) for question in questions()]
    if as_json:
        print_json([{"name": name, "title": title} for name, title in listed])
    elif as_csv:
        write_rows("csv", ("name", "title"), listed)
    else:
        print_table(("name", "title"), listed, empty="")


@with_app
def _ask(name: str, file: Path | None, as_csv: bool, as_json: bool) -> None:
    from app.domain.analytics import queries
    from app.services import services

    try:
        question = queries.question(name)
    except queries.UnknownQuestion as unknown:
        raise click.ClickException(
            f"there is no question {name}; `manage.py analysts queries` lists those there are"
        ) from unknown
    answer = queries.answer(services().database, question)
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    elif as_csv:
        write_rows("csv", answer.columns, answer.rows)
    else:
        click.echo(f"{question.title}\n", err=True)
        print_table(answer.columns, answer.rows, empty="No group is large enough to be shown yet.")
    if file:
        _draw(question, answer, file)


def _draw(question: Any, answer: "Answer", file: Path) -> None:
    from app.domain.analytics.chart import NothingToDraw, draw
    from app.infra.plotting import drawing

    with drawing(file):
        try:
            draw(question, answer, file)
        except NothingToDraw as nothing:
            raise click.ClickException("the answer has nothing to draw") from nothing
