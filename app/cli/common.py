"""What all commands share: groups loaded when called, tables or JSON, errors in one line."""

import csv
import functools
import importlib
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from app.infra.database import Database

P = ParamSpec("P")
R = TypeVar("R")


class LazyGroup(click.Group):
    """A group whose parts are imported when they are called, so that --help is instant.

    `parts`: name of the command → ("module:attribute", one line of help).
    """

    def __init__(self, name: str, *, parts: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(name, **options)
        self.parts = parts

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.parts)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.parts:
            return None
        module, _, attribute = self.parts[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click does it, but for the import of every part only to ask for its help."""
        options = click.Command.shell_complete(self, ctx, incomplete)
        parts = [
            CompletionItem(name, help=self.parts[name][1])
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return [*parts, *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.parts[name][1]) for name in self.list_commands(ctx)])


@contextmanager
def application() -> "Iterator[Database]":
    """Inside an application of commands; gives its database, whose connections end with it."""
    from app.factory import create_cli_app
    from app.services import services

    with create_cli_app().app_context():
        try:
            yield services().database
        finally:
            services().database.close()


def with_app(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command inside the application, built when the command is."""

    @functools.wraps(command)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with application():
            return command(*args, **kwargs)

    return inside


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")(
        command
    )


def print_json(document: Any) -> None:
    """Print a document for a machine."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
    click.echo(orjson.dumps(document, option=option).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print rows for a person; `empty` says what to do when there are none."""
    if not rows:
        click.echo(empty, err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for position, column in enumerate(columns):
        is_number = isinstance(rows[0][position], int | float)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    # A pipe has no width; 80 columns would break ids in two.
    width = None if sys.stdout.isatty() else 200
    # Users type the names of cities: brackets in one are no markup.
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print one thing's fields, a line each."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        click.echo(f"{click.style(name.ljust(width), dim=True)}  {'' if value is None else value}")


def format_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add --csv and --jsonl, of which CSV is what is meant without either."""
    for name in ("jsonl", "csv"):
        command = click.option(
            f"--{name}", "form", flag_value=name, default="csv", help=f"Write {name.upper()}."
        )(command)
    return command


def write_rows(form: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to standard output as they come, as CSV or as JSON lines.

    A list in a cell of CSV is written as JSON.
    """
    import orjson

    rows = iter(rows)
    # Nothing is written of a database that is down, not even the names of columns.
    rows = itertools.chain(list(itertools.islice(rows, 1)), rows)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            [orjson.dumps(cell).decode() if isinstance(cell, list) else cell for cell in row]
            for row in rows
        )
        return
    for row in rows:
        sys.stdout.write(orjson.dumps(dict(zip(columns, row, strict=True))).decode() + "\n")


@contextmanager
def progress_bar() -> Iterator[Callable[..., None]]:
    """A bar on stderr; yields a function that is told what is done: its step, of how many things,
    and how many of them (1).

    Not a terminal: each step is a line, so that a log shows where it is.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def done(step: str, total: int, things: int = 1) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None)
                if not console.is_terminal:
                    click.echo(step, err=True)
            bar.advance(tasks[step], things)

        yield done


def changing(command: Callable[P, R]) -> Callable[P, R]:
    """Add --dry-run and --yes, which every command that changes something takes."""
    command = click.option("--yes", is_flag=True, help="Do not ask first.")(command)
    return click.option(
        "--dry-run", is_flag=True, help="Make the same checks and tell the plan, change nothing."
    )(command)


def require_terminal(question: str) -> None:
    """click.ClickException when nobody is there to ask."""
    if not sys.stdin.isatty():
        raise click.ClickException(f"{question} There is no terminal to ask: give --yes.")


def confirm(question: str, yes: bool) -> None:
    """Ask before changing something, unless --yes was given; exits 1 when the answer is no."""
    if yes:
        return
    require_terminal(question)
    click.confirm(question, abort=True, err=True)


def main(group: click.Group) -> NoReturn:
    """Run manage.py: exit 0 when done, 1 with one line on stderr for everything else."""
    from app.config import use_development_environment

    use_development_environment()
    try:
        code = group.main(prog_name=group.name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _stop(_wanting(error.ctx))
    except click.ClickException as error:
        _stop(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _stop("stopped")
    except BrokenPipeError:
        # `manage.py rooms list | head` closed the pipe; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _stop(_explained(error))
    sys.exit(code if isinstance(code, int) else 0)


def _wanting(context: click.Context | None) -> str:
    """What a group without a command wants."""
    if context is None or not isinstance(context.command, click.Group):
        return "a command is missing; --help lists them"
    known = ", ".join(context.command.list_commands(context))
    return f"{context.command_path} wants one of: {known}; --help tells more"


def _explained(error: Exception) -> str:
    """One line for an exception; one that nobody foresaw is raised on, with its trace."""
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    from app.config import ConfigurationError
    from app.infra.database import Conflict, DatabaseUnavailable, NotRegistered
    from local_postgres import PostgresUnavailable
    from model.artifact import ArtifactError

    if isinstance(error, ConfigurationError):
        return "cannot start: " + "; ".join(error.errors)
    if isinstance(error, DatabaseUnavailable):
        return f"the database cannot be reached ({error}); is DATABASE_URL right, and is it up?"
    if isinstance(error, Conflict):
        return f"another command or a join changed the same rows ({error}); run it again"
    if isinstance(error, NotRegistered):
        return f"the model is not registered ({error}); run `manage.py model register`"
    # psycopg2's own: from a raw cursor, as COPY and roles need.
    if isinstance(error, DBAPIError | psycopg2.Error):
        message = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return f"the database refused: {message}"
    if isinstance(error, PostgresUnavailable | ArtifactError):
        return str(error)
    raise error


def _stop(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)
