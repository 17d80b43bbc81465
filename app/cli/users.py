"""`manage.py users`."""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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

MAX_UNRESOLVED_SHOWN = 20
# Counts of an import, in the order of --json.
IMPORT_COUNTS = ("read", "placed", "unchanged", "rejected", "moved", "rooms_created")


@click.group()
def users() -> None:
    """Users: show, forget, export, import."""


@users.command()
@click.argument("user_id")
@click.option("--explain", "with_explanation", is_flag=True, help="Explain the choice of the room.")
@json_option
@with_app
def show(user_id: str, with_explanation: bool, as_json: bool) -> None:
    """Show all data stored about a user."""
    from app.domain.members.explanation import explain
    from app.services import services

    user = _find_user(user_id)
    explanation = explain(user, services().model) if with_explanation else None
    if as_json:
        from app.api.documents import user_document

        print_json(user_document(user, explanation))
        return
    print_fields(
        {
            "user": user.user_id,
            "room": user.room_id,
            "previous room": user.previous_room_id,
            "cluster": user.cluster,
            "city": f"{user.city.name}, {user.city.country or '?'} ({user.city.id})",
            "merged city": user.said_city_id,
            "interests": ", ".join(user.interests),
            "created": f"{user.created_at:%Y-%m-%d %H:%M} UTC",
            "joined": f"{user.joined_at:%Y-%m-%d %H:%M} UTC",
            "moves": len(user.moves),
        }
    )
    if explanation:
        _print_explanation(explanation)


def _print_explanation(explanation: "UserExplanation") -> None:
    chosen = f"cluster {explanation.cluster}, weight {explanation.weight:.3f}"
    runner_up = f"cluster {explanation.runner_up}, weight {explanation.runner_up_weight:.3f}"
    print_fields(
        {
            "model": explanation.model_id,
            "chosen": chosen if explanation.cluster else None,
            "shares": ", ".join(f"{key} {share:.0%}" for key, share in explanation.shares.items()),
            "runner-up": runner_up if explanation.runner_up else None,
            "margin": f"{explanation.margin:.3f}" if explanation.runner_up else None,
            "unknown": ", ".join(explanation.unknown_interests),
            "note": explanation.note,
        }
    )


@users.command()
@click.argument("user_id")
@changing
@json_option
@with_app
def forget(user_id: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase all data stored about a user."""
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    user = _find_user(user_id)
    counts = {"users": 1, "moves": len(user.moves), "room_id": user.room_id}
    summary = f"1 user from room {user.room_id}, and {len(user.moves)} moves"
    if dry_run:
        print_json(counts) if as_json else click.echo(f"would erase {summary}")
        return
    confirm(f"Erase {summary}? It cannot be undone.", yes)
    # The arguments are not recorded: the run's row must not hold the id that is erased.
    with record_run(services().database, "users forget", {}) as run:
        services().members.forget(user_id)
        run.count("users", 1)
    print_json(counts) if as_json else click.echo(f"erased {summary}")


@users.command()
@format_option
@with_app
def export(form: str) -> None:
    """Write all users to standard output; `users import` reads this CSV."""
    from app.domain.members.export import COLUMNS, export_users
    from app.services import services

    write_rows(form, COLUMNS, export_users(services().database))


@users.command("import")
@click.argument("file", metavar="FILE.csv", type=click.Path(allow_dash=True))
@click.option("--rejects", type=click.Path(path_type=Path), help="File for rejected rows.")
@changing
@json_option
@with_app
def import_users(file: str, rejects: Path | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Place the users of a CSV file (gzip too; `-`: standard input).

    Columns: _id, city (or city_id), country, and one for each interest (0, 1, true, false, yes, no,
    si, x) or one named interests with keys. Can be stopped and run again.
    """
    from app.domain.imports.csv_reader import UnreadableFile

    source = Path("import" if file == "-" else file)
    rejects = rejects or source.parent / f"{source.stem}.rejects.csv"
    if source.exists() and rejects.exists() and rejects.samefile(source):
        raise click.ClickException(f"{rejects} is the file to import: use another for --rejects")
    try:
        if dry_run:
            forecast = _forecast(file, rejects)
            print_json(forecast) if as_json else _print_forecast(forecast, rejects)
            return
        if not yes:
            _confirm_import(file, rejects)
        counts = _import(file, rejects)
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException(
            "stopped: placed users are kept; run the command again"
        ) from None
    if as_json:
        print_json(counts)
        return
    click.echo(f"{counts['rooms_created']:,} rooms created, {counts['moved']:,} users moved")
    _print_counts(counts, rejects, "placed")


def _confirm_import(file: str, rejects: Path) -> None:
    require_terminal(f"Place the users of {file}?")
    forecast = _forecast(file, rejects)
    _print_forecast(forecast, rejects, err=True)
    confirm(
        f"Place {forecast['placed']:,} users, {forecast['moved']:,} of them from another room, "
        f"and create {forecast['rooms_created']:,} rooms?",
        yes=False,
    )


def _import(file: str, rejects: Path) -> dict[str, int]:
    from app.domain.imports.csv_reader import UserReader, count_lines, open_users
    from app.domain.imports.importer import Importer
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    with (
        open_users(file) as lines,
        _rejects_file(rejects) as reject,
        record_run(database, "users import", {"file": Path(file).name}) as run,
        progress_bar() as progress,
    ):
        importer = Importer(database, services().cities, services().model)
        advance = partial(progress, "placing users", count_lines(file))
        reader = UserReader(lines)
        importer.run(reader, run, reject, advance)
        counts = {name: run.counts.get(name, 0) for name in IMPORT_COUNTS}
        return {"lines": reader.lines} | counts


def _forecast(file: str, rejects: Path) -> dict[str, Any]:
    from app.domain.imports.csv_reader import UserReader, count_lines, open_users
    from app.domain.imports.dry_run import DryRun
    from app.services import services

    with open_users(file) as lines, _rejects_file(rejects) as reject, progress_bar() as progress:
        dry_run = DryRun(services().database, services().cities, services().model)
        advance = partial(progress, "reading users", count_lines(file))
        reader = UserReader(lines)
        result = dry_run.run(reader, reject, advance)
    return {
        "lines": reader.lines,
        **{name: result.counts[name] for name in IMPORT_COUNTS},
        "rooms": sum(size > 0 for size in result.rooms.values()),
        "members": result.members,
        "alone": result.alone,
        "unresolved": dict(result.unresolved.most_common(MAX_UNRESOLVED_SHOWN)),
        "in_areas": result.areas.total(),
        "areas": dict(result.areas.most_common(MAX_UNRESOLVED_SHOWN)),
    }


def _print_forecast(forecast: dict[str, Any], rejects: Path, err: bool = False) -> None:
    share = forecast["alone"] / max(forecast["members"], 1)
    click.echo(
        f"there would be {forecast['rooms']:,} rooms, {forecast['rooms_created']:,} of them new;"
        f" {forecast['alone']:,} of {forecast['members']:,} members ({share:.0%}) alone",
        err=err,
    )
    if forecast["unresolved"]:
        cities = _most_users(forecast["unresolved"])
        click.echo(f"not in the gazetteer, most users first: {cities}", err=err)
    if forecast["areas"]:
        areas = _most_users(forecast["areas"])
        click.echo(
            f"{forecast['in_areas']:,} users name only an area or no place: {areas}", err=err
        )
    _print_counts(forecast, rejects, "would be placed", err)


def _most_users(users_by_name: dict[str, int]) -> str:
    return "; ".join(f"{name} ({users:,})" for name, users in users_by_name.items())


def _print_counts(counts: dict[str, Any], rejects: Path, verb: str, err: bool = False) -> None:
    if counts["rejected"]:
        click.echo(f"rejected rows and their errors: {rejects}", err=err)
    if further := counts["lines"] - counts["read"]:
        click.echo(
            f"{counts['lines']:,} lines = {counts['read']:,} rows + {further:,} further lines of "
            "rows with line breaks in quoted cells",
            err=err,
        )
    click.echo(
        f"{counts['read']:,} read = {counts['placed']:,} {verb} + {counts['unchanged']:,} unchanged"
        f" + {counts['rejected']:,} rejected",
        err=err,
    )


@contextmanager
def _rejects_file(path: Path) -> Iterator[Callable[[Any], None]]:
    """Yield a function that writes a rejected row; the first one creates the file.

    It holds ids and is private from its first moment on, so an existing file is never reused.
    """
    with _writable(path):
        if not path.parent.is_dir():
            raise NotADirectoryError(0, f"there is no directory {path.parent}")
        if path.exists() and not path.is_file():
            raise OSError(0, "it is not a file")  # unlinking /dev/null would remove it
        path.unlink(missing_ok=True)
    with ExitStack() as stack:
        writer: Any = None

        def reject(row: Any) -> None:
            nonlocal writer
            with _writable(path):
                if writer is None:
                    file = stack.enter_context(_create_private(path))
                    writer = csv.writer(file)
                    writer.writerow(("line", "_id", "field", "reason"))
                writer.writerow(row)

        yield reject


def _create_private(path: Path) -> IO[str]:
    """Create a text file that only its owner may read. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Turn an OSError into a message that names the file."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error


def _find_user(user_id: str) -> "UserRecord":
    """Return the user with an id. Raises click.ClickException if there is none."""
    from app.domain.input_limits import is_user_id
    from app.domain.members.repository import UnknownUser
    from app.services import services

    try:
        if not is_user_id(user_id):
            raise UnknownUser
        return services().members.show(user_id)
    except UnknownUser as unknown:
        raise click.ClickException(
            "there is no user with this id; ids are those that the app sends"
        ) from unknown
