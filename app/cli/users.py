"""`manage.py users`."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import (
    changing,
    confirm,
    format_option,
    json_option,
    print_fields,
    print_json,
    progress_bar,
    require_terminal,
    with_app,
    write_rows,
)

if TYPE_CHECKING:
    from app.domain.members.explanation import UserExplanation
    from app.domain.members.repository import UserRecord

MOST_UNRESOLVED = 20


@click.group()
def users() -> None:
    """Users: show, forget, export, import."""


@users.command()
@click.argument("user_id")
@click.option("--explain", "is_asked_why", is_flag=True, help="Tell why the user is in the room.")
@json_option
@with_app
def show(user_id: str, is_asked_why: bool, as_json: bool) -> None:
    """Show all that is stored about a user."""
    from app.domain.members.explanation import explain
    from app.services import services

    user = _found(user_id)
    why = explain(user, services().model) if is_asked_why else None
    if as_json:
        from app.api.documents import user_document

        print_json(user_document(user, why))
        return
    print_fields(
        {
            "user": user.user_id,
            "room": user.room_id,
            "before": user.previous_room_id,
            "cluster": user.cluster,
            "city": f"{user.city.name}, {user.city.country or '?'} ({user.city.id})",
            "interests": ", ".join(user.interests),
            "came": f"{user.created_at:%Y-%m-%d %H:%M} UTC",
            "joined": f"{user.joined_at:%Y-%m-%d %H:%M} UTC",
            "moves": len(user.moves),
        }
    )
    if why:
        _tell_why(why)


def _tell_why(why: "UserExplanation") -> None:
    chosen = f"cluster {why.cluster}, weight {why.weight:.3f}"
    following = f"cluster {why.runner_up}, weight {why.runner_up_weight:.3f}, {why.margin:.3f} less"
    print_fields(
        {
            "model": why.model_id,
            "chooses": chosen if why.cluster else None,
            "because": ", ".join(f"{key} {share:.0%}" for key, share in why.shares.items()),
            "next": following if why.runner_up else None,
            "unknown": ", ".join(why.unknown_interests),
            "note": why.note,
        }
    )


@users.command()
@click.argument("user_id")
@changing
@json_option
@with_app
def forget(user_id: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase all that is stored about a user."""
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    user = _found(user_id)
    plan = {"users": 1, "moves": len(user.moves), "room_id": user.room_id}
    told = f"1 user from room {user.room_id}, and {len(user.moves)} moves"
    if dry_run:
        print_json(plan) if as_json else click.echo(f"would erase {told}")
        return
    confirm(f"Erase {told}? It cannot be undone.", yes)
    # The run's row must not hold the very id that is to be forgotten.
    with recorded(services().database, "users forget", {}) as run:
        services().members.forget(user_id)
        run.count("users", 1)
    print_json(plan) if as_json else click.echo(f"erased {told}")


@users.command()
@format_option
@with_app
def export(form: str) -> None:
    """Write all users to standard output; `users import` takes the CSV back."""
    from app.domain.members.export import COLUMNS, export_users
    from app.services import services

    write_rows(form, COLUMNS, export_users(services().database))


@users.command("import")
@click.argument("file", metavar="FILE.csv", type=click.Path(allow_dash=True))
@click.option("--rejects", type=click.Path(path_type=Path), help="Where bad rows are told.")
@changing
@json_option
@with_app
def import_users(file: str, rejects: Path | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Place the users of a CSV file (gzip too; `-`: standard input).

    Columns: _id, city (or city_id), country, and one for each interest (0, 1, true, false, yes, no,
    si, x) or one called interests with keys. Safe to stop and to run again.
    """
    from app.domain.imports.csv_reader import UnreadableFile

    source = Path("import" if file == "-" else file)
    rejects = rejects or source.parent / f"{source.stem}.rejects.csv"
    if source.exists() and rejects.exists() and rejects.samefile(source):
        raise click.ClickException(f"{rejects} is what is imported: name another file for rejects")
    try:
        if dry_run:
            plan = _forecast(file, rejects)
            print_json(plan) if as_json else _tell_plan(plan, rejects)
            return
        if not yes:
            _ask(file, rejects)
        counts = _place(file, rejects)
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("stopped; what is placed stays: run it again") from None
    if as_json:
        print_json(counts)
        return
    click.echo(f"{counts['rooms_created']:,} rooms created, {counts['moved']:,} users moved")
    _tell_sum(counts, rejects, "placed")


def _ask(file: str, rejects: Path) -> None:
    require_terminal(f"Place the users of {file}?")
    plan = _forecast(file, rejects)
    _tell_plan(plan, rejects, err=True)
    confirm(
        f"Place {plan['placed']:,} users, {plan['moved']:,} of them from another room, and make"
        f" {plan['rooms_created']:,} rooms?",
        yes=False,
    )


COUNTED = ("read", "placed", "unchanged", "rejected", "moved", "rooms_created")


def _place(file: str, rejects: Path) -> dict[str, Any]:
    from app.domain.imports.csv_reader import count_lines, open_users, read_users
    from app.domain.imports.importer import Importer
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    parts = services()
    with (
        open_users(file) as lines,
        _rejects_file(rejects) as reject,
        recorded(parts.database, "users import", {"file": Path(file).name}) as run,
        progress_bar() as progress,
    ):
        total = count_lines(file)
        importer = Importer(parts.database, parts.cities, parts.model)
        importer.run(read_users(lines), run, reject, partial(progress, "placing users", total))
        return {name: run.counts.get(name, 0) for name in COUNTED}


def _forecast(file: str, rejects: Path) -> dict[str, Any]:
    from app.domain.imports.csv_reader import count_lines, open_users, read_users
    from app.domain.imports.dry_run import DryRun
    from app.services import services

    parts = services()
    with open_users(file) as lines, _rejects_file(rejects) as reject, progress_bar() as progress:
        total = count_lines(file)
        importer = DryRun(parts.database, parts.cities, parts.model)
        found = importer.run(read_users(lines), reject, partial(progress, "reading users", total))
    return {
        **{name: found.counts[name] for name in COUNTED},
        "rooms": sum(size > 0 for size in found.rooms.values()),
        "members": found.members,
        "alone": found.alone,
        "unresolved": dict(found.unresolved.most_common(MOST_UNRESOLVED)),
    }


def _tell_plan(plan: dict[str, Any], rejects: Path, err: bool = False) -> None:
    share = plan["alone"] / max(plan["members"], 1)
    click.echo(
        f"there would be {plan['rooms']:,} rooms, {plan['rooms_created']:,} of them new;"
        f" {plan['alone']:,} of {plan['members']:,} members ({share:.0%}) alone",
        err=err,
    )
    if plan["unresolved"]:
        named = (f"{name} ({number:,})" for name, number in plan["unresolved"].items())
        click.echo("not in the gazetteer, most users first: " + "; ".join(named), err=err)
    _tell_sum(plan, rejects, "would be placed", err)


def _tell_sum(counts: dict[str, Any], rejects: Path, verb: str, err: bool = False) -> None:
    if counts["rejected"]:
        click.echo(f"what is wrong with the rejected rows stands in {rejects}", err=err)
    click.echo(
        f"{counts['read']:,} read = {counts['placed']:,} {verb} + {counts['unchanged']:,} unchanged"
        f" + {counts['rejected']:,} rejected",
        err=err,
    )


@contextmanager
def _rejects_file(path: Path) -> Iterator[Callable[[Any], None]]:
    """Made when the first bad row comes: no file is good news."""
    with _writable(path):
        if not path.parent.is_dir():
            raise NotADirectoryError(0, f"there is no directory {path.parent}")
        path.unlink(missing_ok=True)
    with ExitStack() as stack:
        writer: Any = None

        def reject(row: Any) -> None:
            nonlocal writer
            with _writable(path):
                if writer is None:
                    file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
                    writer = csv.writer(stack.enter_context(file))
                    writer.writerow(("line", "_id", "field", "reason"))
                writer.writerow(row)

        yield reject


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error


def _found(user_id: str) -> "UserRecord":
    """The user of an id; click.ClickException when nobody bears it."""
    from app.domain.input_limits import is_user_id
    from app.domain.members.repository import UnknownUser
    from app.services import services

    try:
        if not is_user_id(user_id):
            raise UnknownUser
        return services().members.show(user_id)
    except UnknownUser as unknown:
        raise click.ClickException(
            "there is no user of this id; ids are those that the app sends"
        ) from unknown
