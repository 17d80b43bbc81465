"""`manage.py model train` and `manage.py model evaluate`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import changing, confirm, json_option, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from app.db import Database
    from model.predict import Model
    from model.profiles import Profiles
    from model.stability import Choice
    from model.train import Trained

FEWEST_CLUSTERS, MOST_CLUSTERS = 2, 12
# Fewer members than this teach nothing that the shipped model does not know better.
FEWEST_MEMBERS = 100
PICTURES = (".png", ".svg")

# Profiles and how often each is there: no user's id leaves the database.
PROFILES = """
    SELECT interests, count(*), max(updated_at) FROM memberships
    WHERE interests <> '{}' GROUP BY interests
"""
BATCH = 5_000


class Clusters(click.ParamType[int | None]):
    """A number of clusters, or auto, which is None."""

    name = "K|auto"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if value == "auto":
            return None
        if not str(value).isdecimal() or not FEWEST_CLUSTERS <= int(value) <= MOST_CLUSTERS:
            self.fail(f"{value!r} is neither auto nor a number from 2 to 12", param, ctx)
        return int(value)


class Range(click.ParamType[range]):
    """Numbers of clusters: "4", or "3-8"."""

    name = "K|K-K"

    def convert(self, value: Any, param: Any, ctx: Any) -> range:
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition("-")
        are_numbers = all(end.isdecimal() for end in (first, last or first))
        ks = range(int(first), int(last or first) + 1) if are_numbers else range(0)
        if not ks or ks[0] < FEWEST_CLUSTERS or ks[-1] > MOST_CLUSTERS:
            self.fail(f"{value!r} is no number or range within 2-12, as 3-8", param, ctx)
        return ks


class Time(click.ParamType[datetime]):
    """ISO 8601; UTC unless it says otherwise."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        from model.train import time_of

        try:
            return time_of(value)
        except ValueError:
            self.fail(f"{value!r} is no time in ISO 8601, as 2024-05-06T07:08:09", param, ctx)


FILE = click.Path(path_type=Path, dir_okay=False)
plot_option = click.option("--plot", type=FILE, help="Draw it into a .png or .svg.")


@click.command()
@click.option("--data", type=FILE, help="A form export, or a CSV of 0/1 (a column an interest).")
@click.option("--from-db", is_flag=True, help="Train on the members' interests.")
@click.option(
    "--clusters", type=Clusters(), default="auto", show_default=True, help="How many, 2 to 12."
)
@click.option("--published", is_flag=True, help="Refit the published model: 4 clusters, its rule.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where nmf.joblib and nmf.json go.  [default: model/]",
)
@click.option(
    "--previous",
    metavar="DIR|none",
    help="The model whose numbers are kept.  [default: the one in the output directory]",
)
@click.option("--trained-at", type=Time(), help="What it bears.  [default: the last answer's time]")
@plot_option
@changing
@json_option
def train(
    data: Path | None,
    from_db: bool,
    clusters: int | None,
    published: bool,
    output: Path | None,
    previous: str | None,
    trained_at: datetime | None,
    plot: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Train a model on a survey or on the members, keeping the clusters' numbers."""
    from model import artifact
    from model.train import NO_TIME

    if (data is None) is not from_db or (published and from_db):
        raise click.UsageError(
            "give --data FILE or --from-db, one of them (--published wants --data)"
        )
    _check_picture(plot)
    directory = output or artifact.DIRECTORY
    with ExitStack() as stack:
        stack.enter_context(_in_one_line())
        database = stack.enter_context(_database()) if from_db else None
        people, latest = _people(data, database, published)
        at = trained_at or people.last_at or latest
        if at == NO_TIME:
            click.echo(f"the data have no time: the model bears {at:%Y-%m-%d}", err=True)
        before = _before(directory, previous)
        trained, choice = _trained(people, clusters, published, at, before)
        if plot:
            _draw(plot, choice)
        _write(directory, trained, people, dry_run, yes, as_json, database)


@click.command()
@click.option(
    "--data", type=FILE, required=True, help="A form export, or a CSV of 0/1, as for train."
)
@click.option(
    "--clusters", type=Range(), default="2-12", show_default=True, help="Numbers of rooms."
)
@plot_option
@json_option
def evaluate(data: Path, clusters: range, plot: Path | None, as_json: bool) -> None:
    """Measure the rooms on people left out, beside k-means, the published rule and chance."""
    from model.evaluate import MOST_PEOPLE, SPLITS
    from model.evaluate import evaluate as measure
    from model.interests import load_interests
    from model.profiles import read_profiles

    _check_picture(plot)
    with _in_one_line():
        people = read_profiles(data, load_interests())
        _tell(people, data)
        if len(people.ticks) > MOST_PEOPLE:
            click.echo(f"measured on {MOST_PEOPLE} of {len(people.ticks)} people", err=True)
        with progress_bar() as done:
            measured = measure(people.ticks, clusters, done, workers=_workers(clusters))
        if plot:
            _draw(plot, measured)
    if as_json:
        print_json([entry.as_dict() for entry in measured])
        return
    columns = ("k", "method", "held-out lift", "± over splits", "lowest", "highest", "stability")
    print_table(
        (*columns, "largest share", "balance", "error"),
        [
            (
                entry.k,
                entry.method,
                *(f"{value:.3f}" for value in _figures(entry)),
                f"{entry.largest_share:.0%}",
                f"{entry.balance:.3f}",
                f"{entry.reconstruction_error:.2f}",
            )
            for entry in measured
        ],
        empty="Nothing was measured.",
    )
    click.echo(
        f"lift and its standard deviation over {SPLITS} random halves; chance is 1", err=True
    )


def _figures(entry: Any) -> tuple[float, ...]:
    spread = (entry.held_out_spread, entry.held_out_lowest, entry.held_out_highest)
    return (entry.held_out_lift, *spread, entry.stability)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """What is wrong with a file, as the line that the command ends with."""
    from model.survey import SurveyError

    try:
        yield
    except SurveyError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{where}{error.strerror or error}") from error


@contextmanager
def _database() -> "Iterator[Database]":
    from app.core import command_app
    from app.current import services

    with command_app().app_context():
        try:
            yield services().database
        finally:
            services().database.engine.dispose()


def _people(
    data: Path | None, database: "Database | None", published: bool
) -> "tuple[Profiles, datetime]":
    """The people to train on, told about on stderr, and the time if theirs is not known."""
    from model.interests import load_interests
    from model.profiles import read_profiles
    from model.train import NO_TIME, published_people

    if database:
        people, latest = _members(database)
        _tell(people, Path("memberships"))
        return people, latest
    assert data
    people = published_people(data) if published else read_profiles(data, load_interests())
    _tell(people, data)
    return people, NO_TIME


def _members(database: "Database") -> "tuple[Profiles, datetime]":
    """The members' profiles, through a cursor on the server, and when the last one changed."""
    from model import artifact
    from model.profiles import of_rows
    from model.survey import SurveyError

    rows: list[tuple[list[str], int]] = []
    latest: list[datetime] = []
    with database.transaction() as connection:
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor(name="model_train") as cursor:
            cursor.itersize = BATCH
            cursor.execute(PROFILES)
            for interests, people, updated_at in cursor:
                rows.append((interests, people))
                latest.append(updated_at)
    members = sum(people for _, people in rows)
    if members < FEWEST_MEMBERS:
        raise SurveyError(
            f"{members} members with interests are too few to train on: {FEWEST_MEMBERS} are "
            "wanted; --data FILE trains on a survey"
        )
    return of_rows(rows, artifact.load().interests), max(latest).replace(microsecond=0)


def _tell(people: "Profiles", source: Path) -> None:
    for answer in people.unknown:
        click.echo(f"{source}, {answer}", err=True)
    if people.learned:
        click.echo(f"new interests, ticked by enough: {', '.join(people.learned)}", err=True)
    if people.left_out:
        click.echo(f"{people.left_out} people ticked no interest; left out", err=True)


def _before(directory: Path, previous: str | None) -> "Model | None":
    """The model whose numbers are kept."""
    from model import artifact

    if previous == "none":
        return None
    place = Path(previous) if previous else directory
    if not previous and not (place / artifact.CARD).exists():
        return None
    return artifact.load(place)


def _trained(
    people: "Profiles",
    clusters: int | None,
    published: bool,
    trained_at: datetime,
    before: "Model | None",
) -> "tuple[Trained, Choice | None]":
    from model.train import train_new, train_published

    if published:
        return train_published(people, trained_at), None
    choice = None
    if clusters is None:
        choice = _chosen(people)
        clusters = choice.k
    assert clusters
    return train_new(people, clusters, trained_at, before, choice), choice


def _chosen(people: "Profiles") -> "Choice":
    from model.stability import MOST_PEOPLE, choose

    if len(people.ticks) > MOST_PEOPLE:
        click.echo(
            f"the number of clusters is chosen on {MOST_PEOPLE} of {len(people.ticks)} people",
            err=True,
        )
    ks = range(FEWEST_CLUSTERS, MOST_CLUSTERS + 1)
    with progress_bar() as done:
        choice = choose(people.ticks, ks, done, workers=_workers(ks))
    if choice.k is None:
        raise click.ClickException(f"{choice.why}; --clusters K trains K all the same")
    click.echo(choice.why, err=True)
    return choice


def _workers(ks: range) -> int:
    """Processes to measure with: starting one for little work takes longer than the work."""
    return -1 if len(ks) > 3 else 1


def _write(
    directory: Path,
    trained: "Trained",
    people: "Profiles",
    dry_run: bool,
    yes: bool,
    as_json: bool,
    database: "Database | None",
) -> None:
    from app.runs.service import recorded
    from model import artifact
    from model.train import made, save

    model = made(trained)
    standing = artifact.load(directory) if (directory / artifact.CARD).exists() else None
    is_new = standing is None or standing.id != model.id
    if is_new and not dry_run:
        if standing:
            confirm(f"Replace model {standing.id} in {directory} by {model.id}?", yes)
        with ExitStack() as stack:
            if database:
                run = stack.enter_context(recorded(database, "model train", {"model": model.id}))
                run.count("people", len(people.ticks))
            save(directory, trained)
    written = is_new and not dry_run
    if as_json:
        card = {name: trained.card.get(name) for name in ("metrics", "clusters", "retired")}
        told = {"moves": trained.card.get("moves"), "chosen": trained.card.get("clusters_chosen")}
        read = {"learned": people.learned, "unknown": people.unknown, "left_out": people.left_out}
        print_json(
            {"model_id": model.id, "people": len(people.ticks), "written": written}
            | card
            | told
            | read
        )
        return
    verb = "is written" if written else "would be written" if is_new else "is there already"
    click.echo(f"model {model.id}, of {len(people.ticks)} people, {verb}: {directory}")
    _print_plan(model, trained)


def _print_plan(model: "Model", trained: "Trained") -> None:
    sizes = model.metrics["cluster_sizes"]
    print_table(
        ("cluster", "label", "people"),
        [(cluster.id, cluster.label_en, sizes[str(cluster.id)]) for cluster in model.clusters],
        empty="",
    )
    moves = trained.card.get("moves")
    if not moves:
        return
    numbers = [str(number) for number in model.cluster_ids]
    print_table(
        (f"of {moves['previous']}", *(f"to {number}" for number in numbers)),
        [(old, *(row[number] for number in numbers)) for old, row in moves["matrix"].items()],
        empty="",
    )
    click.echo(
        f"{moves['share']:.1%} would change cluster; {moves['share_with_minimum_gain']:.1%} with a "
        f"minimum gain of {moves['minimum_gain']:.0%}"
    )
    if model.retired:
        click.echo(f"retired, never used again: {', '.join(map(str, model.retired))}")


def _check_picture(plot: Path | None) -> None:
    if not plot:
        return
    if plot.suffix not in PICTURES:
        raise click.ClickException(f"{plot} must end with .png or .svg")
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.ClickException("drawing needs matplotlib: pip install -r requirements-dev.txt")


def _draw(plot: Path, found: Any) -> None:
    from model.pictures import draw_choice, draw_comparison

    if found is None:
        raise click.ClickException("--plot draws how auto chose: it wants --clusters auto")
    draw: Callable[[Any, Path], None] = draw_comparison if isinstance(found, list) else draw_choice
    draw(found, plot)
    click.echo(f"{plot} is drawn", err=True)
