"""Shared by all commands: lazily imported groups, output as table or JSON, errors in one line."""

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

from app.infra.csv_cells import escape

if TYPE_CHECKING:
    from app.infra.database import Database

P = ParamSpec("P")
R = TypeVar("R")

PIPE_WIDTH = 200


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that --help is instant.

    `lazy_commands`: name of the command → ("module:attribute", one line of help).
    """

    def __init__(
        self, name: str, *, lazy_commands: Mapping[str, tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(name, **options)
        self.lazy_commands = dict(sorted(lazy_commands.items()))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy_commands)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy_commands:
            return None
        module, _, attribute = self.lazy_commands[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the same as click.Group, which would import every command to read its help."""
        options = click.Command.shell_complete(self, ctx, incomplete)
        commands = [
            CompletionItem(name, help=help_)
            for name, (_, help_) in self.lazy_commands.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in self.lazy_commands.items()])


@contextmanager
def application() -> "Iterator[Database]":
    """Enter an application for commands; yield its database, which is closed afterwards."""
    from app.factory import create_cli_app
    from app.services import services

    with create_cli_app().app_context():
        try:
            yield services().database
        finally:
            services().database.close()


def with_app(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command inside the application, which is created only when the command runs."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with application():
            return command(*args, **kwargs)

    return wrapper


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")(
        command
    )


def print_json(document: Any) -> None:
    """Print a document as JSON."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
    click.echo(orjson.dumps(document, option=option).decode())


def print_result(as_json: bool, message: str, document: Any) -> None:
    """Print a message, or with --json a document."""
    print_json(document) if as_json else click.echo(message)


def print_json_items(items: Iterable[Any]) -> None:
    """Stream items to standard output as one JSON array, an item a line."""
    import orjson

    separator = "["
    for item in items:
        sys.stdout.write(f"{separator}\n{orjson.dumps(item, option=orjson.OPT_UTC_Z).decode()}")
        separator = ","
    sys.stdout.write("[]\n" if separator == "[" else "\n]\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print rows as a table; without rows, print `empty` on stderr."""
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
    # A pipe has no width, and rich's default of 80 columns would break ids in two.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    # Users type the names of cities: brackets in one are not markup.
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print name and value of each field, a line each."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        click.echo(f"{click.style(name.ljust(width), dim=True)}  {'' if value is None else value}")


def format_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add --csv, the default, and --jsonl."""
    for name in ("jsonl", "csv"):
        command = click.option(
            f"--{name}", "form", flag_value=name, default="csv", help=f"Write {name.upper()}."
        )(command)
    return command


def write_rows(form: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Stream rows to standard output as CSV or JSON lines.

    CSV is for people too: a list in a cell is JSON, and no cell is a spreadsheet's formula.
    """
    import orjson

    rows = iter(rows)
    # Read one row first: if the database is down, not even the header is written.
    rows = itertools.chain(list(itertools.islice(rows, 1)), rows)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            [
                orjson.dumps(cell).decode() if isinstance(cell, list) else escape(cell)
                for cell in row
            ]
            for row in rows
        )
        return
    for row in rows:
        sys.stdout.write(orjson.dumps(dict(zip(columns, row, strict=True))).decode() + "\n")


@contextmanager
def progress_bar() -> Iterator[Callable[..., None]]:
    """Show a progress bar on stderr; yield the function that advances it.

    The function's arguments: name of the step, total (0 if unknown), how many items were done (1).
    Without a terminal each step is printed as a line, for logs.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def advance(step: str, total: int, count: int = 1) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None)
                if not console.is_terminal:
                    click.echo(step, err=True)
            bar.advance(tasks[step], count)

        yield advance


def changing(command: Callable[P, R]) -> Callable[P, R]:
    """Add --dry-run and --yes, options of every command that changes something."""
    command = click.option("--yes", is_flag=True, help="Skip the confirmation.")(command)
    return click.option(
        "--dry-run", is_flag=True, help="Run all checks and print the plan; change nothing."
    )(command)


def require_terminal(question: str) -> None:
    """Raise click.ClickException if standard input is not a terminal."""
    if not sys.stdin.isatty():
        raise click.ClickException(f"{question} Without a terminal, confirm with --yes.")


def confirm(question: str, yes: bool) -> None:
    """Prompt for confirmation unless `yes`; exit with code 1 if it is refused."""
    if yes:
        return
    require_terminal(question)
    click.confirm(question, abort=True, err=True)


def main(group: click.Group) -> NoReturn:
    """Run manage.py: exit with code 0 on success, with 1 and one line on stderr otherwise."""
    from app.cli.error_messages import error_message
    from app.config import use_development_environment

    use_development_environment()
    try:
        code = group.main(prog_name=group.name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _fail(_missing_command_message(error.ctx))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped")
    except BrokenPipeError:
        # `manage.py rooms list | head` closed the pipe, so a message would have no reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _fail(error_message(error))
    sys.exit(code if isinstance(code, int) else 0)


def _missing_command_message(context: click.Context | None) -> str:
    if context is None or not isinstance(context.command, click.Group):
        return "a command is missing; see --help"
    commands = ", ".join(context.command.list_commands(context))
    return f"{context.command_path} needs one of the commands {commands}; see --help"


def _fail(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)
