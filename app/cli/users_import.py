"""`manage.py users import`."""

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
    json_option,
    print_json,
    progress_bar,
    require_terminal,
    with_app,
)
from app.infra.csv_cells import escape

if TYPE_CHECKING:
    from collections import Counter

    from app.domain.imports.interest_keys import InterestKeys
    from app.domain.imports.user_files import UserFile

MAX_SHOWN = 20
# Counts of an import, in the order of --json.
IMPORT_COUNTS = ("read", "placed", "unchanged", "rejected", "moved", "rooms_created")


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--rejects", type=click.Path(path_type=Path), help="File for rejected rows.")
@click.option("--strict", is_flag=True, help="Stop if an interest is unknown to the model.")
@changing
@json_option
@with_app
def import_users(
    file: str, rejects: Path | None, strict: bool, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Place the users of a file: CSV or JSON lines, gzipped or not; `-`: standard input.

    Columns: _id, city (or city_id), country, and one for each interest (0, 1, true, false, yes, no,
    si, x) or one named interests with keys. An interest is a key of the model, one of its labels in
    Spanish or English, or an alias. Can be stopped and run again.

    \b
    From MongoDB, as JSON lines:
      mongoexport -c users -f _id,city,country,interests -o users.json
      python manage.py users import users.json --dry-run

    \b
    From Excel, saved as "CSV UTF-8" or "Unicode text":
      python manage.py users import users.txt --dry-run
    """
    from app.domain.imports.user_files import open_users
    from model.text_files import UnreadableFile

    source = Path("import" if file == "-" else file)
    rejects = rejects or source.parent / f"{source.stem}.rejects.csv"
    if source.exists() and rejects.exists() and rejects.samefile(source):
        raise click.ClickException(f"{rejects} is the file to import: use another for --rejects")
    if not (yes or dry_run):
        require_terminal(f"Place the users of {file}?")
    keys = _interest_keys()
    try:
        with open_users(file, keys) as user_file:
            if strict or not yes or dry_run:
                forecast = _forecast(user_file, keys, rejects)
                _check_strict(forecast, strict)
            if dry_run:
                print_json(forecast) if as_json else _print_forecast(forecast, rejects)
                return
            if not yes:
                _confirm_import(forecast, rejects)
            counts = _import(user_file, Path(file).name, keys, rejects)
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException(
            "stopped: placed users are kept; run the command again"
        ) from None
    print_json(counts) if as_json else _print_result(counts, rejects)


def _interest_keys() -> "InterestKeys":
    from app.domain.imports.interest_keys import InterestKeys
    from app.services import services

    return InterestKeys(services().model.interests)


def _check_strict(forecast: dict[str, Any], strict: bool) -> None:
    if strict and forecast["unknown_interests"]:
        unknown = _shown(_describe_unknown(forecast["unknown_interests"]))
        raise click.ClickException(f"no user was placed: unknown interests: {unknown}")


def _confirm_import(forecast: dict[str, Any], rejects: Path) -> None:
    _print_forecast(forecast, rejects, err=True)
    confirm(
        f"Place {forecast['placed']:,} users, {forecast['moved']:,} of them from another room, "
        f"and create {forecast['rooms_created']:,} rooms?",
        yes=False,
    )


def _import(
    user_file: "UserFile", name: str, keys: "InterestKeys", rejects: Path
) -> dict[str, Any]:
    from app.domain.imports.importer import Importer
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    with (
        _rejects_file(rejects) as reject,
        record_run(database, "users import", {"file": name}) as run,
        progress_bar() as progress,
    ):
        importer = Importer(database, services().cities, services().model)
        advance = partial(progress, "placing users", user_file.line_count)
        unknown = importer.run(user_file, run, reject, advance)
    return {
        "lines": user_file.lines,
        **{name: run.counts.get(name, 0) for name in IMPORT_COUNTS},
        "unknown_interests": _unknown_interests(unknown, keys),
    }


def _forecast(user_file: "UserFile", keys: "InterestKeys", rejects: Path) -> dict[str, Any]:
    from app.domain.imports.dry_run import DryRun
    from app.services import services

    with _rejects_file(rejects) as reject, progress_bar() as progress:
        dry_run = DryRun(services().database, services().cities, services().model)
        advance = partial(progress, "reading users", user_file.line_count)
        result = dry_run.run(user_file, reject, advance)
    return {
        "lines": user_file.lines,
        **{name: result.counts[name] for name in IMPORT_COUNTS},
        "unknown_interests": _unknown_interests(result.unknown_interests, keys),
        "rooms": sum(size > 0 for size in result.rooms.values()),
        "members": result.members,
        "alone": result.alone,
        "unresolved": dict(result.unresolved.most_common()),
        "in_areas": result.areas.total(),
        "areas": dict(result.areas.most_common(MAX_SHOWN)),
    }


def _unknown_interests(users: "Counter[str]", keys: "InterestKeys") -> dict[str, Any]:
    """Return the unknown keys, most users first, each with its users and a similar known key."""
    return {
        key: {"users": count, "did_you_mean": keys.near(key)} for key, count in users.most_common()
    }


def _print_forecast(forecast: dict[str, Any], rejects: Path, err: bool = False) -> None:
    share = forecast["alone"] / max(forecast["members"], 1)
    click.echo(
        f"there would be {forecast['rooms']:,} rooms, {forecast['rooms_created']:,} of them new;"
        f" {forecast['alone']:,} of {forecast['members']:,} members ({share:.0%}) alone",
        err=err,
    )
    _print_unknown(forecast["unknown_interests"], err)
    if forecast["unresolved"]:
        cities = _most_users(forecast["unresolved"])
        click.echo(f"not in the gazetteer, most users first: {cities}", err=err)
    if forecast["areas"]:
        areas = _most_users(forecast["areas"])
        click.echo(
            f"{forecast['in_areas']:,} users name only an area or no place: {areas}", err=err
        )
    _print_counts(forecast, rejects, "would be placed", err)


def _print_result(counts: dict[str, Any], rejects: Path) -> None:
    click.echo(f"{counts['rooms_created']:,} rooms created, {counts['moved']:,} users moved")
    _print_unknown(counts["unknown_interests"])
    _print_counts(counts, rejects, "placed")


def _print_unknown(interests: dict[str, Any], err: bool = False) -> None:
    if interests:
        unknown = _shown(_describe_unknown(interests))
        click.echo(f"unknown interests, stored without effect: {unknown}", err=err)


def _describe_unknown(interests: dict[str, Any]) -> list[str]:
    return [
        f"{key} ({entry['users']:,} users)"
        + (f": did you mean {entry['did_you_mean']}?" if entry["did_you_mean"] else "")
        for key, entry in interests.items()
    ]


def _most_users(users_by_name: dict[str, int]) -> str:
    return _shown([f"{name} ({users:,})" for name, users in users_by_name.items()])


def _shown(texts: list[str]) -> str:
    """Return the first texts, and how many there are further."""
    further = len(texts) - MAX_SHOWN
    return "; ".join(texts[:MAX_SHOWN] + [f"and {further:,} more: see --json"] * (further > 0))


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
                writer.writerow(map(escape, row))

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
