"""`manage.py model train` and `manage.py model evaluate`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import application, changing, confirm, json_option, print_json, progress_bar
from app.cli.plots import check_picture, drawing
from app.cli.training_options import LIMITS, ClusterCountType, ClusterRangeType, DateTimeType
from app.cli.training_reports import print_comparison, print_plan
from app.domain.clusters.training_profiles import read_member_profiles
from app.infra.plotting import save
from model.training.cluster_counts import CLUSTER_COUNTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from app.infra.database import Database
    from model.predict import Model
    from model.training.profiles import Profiles
    from model.training.stability import Choice
    from model.training.train import TrainedModel

FILE = click.Path(path_type=Path, dir_okay=False)
columns_option = click.option(
    "--columns",
    multiple=True,
    metavar="HEADING",
    help="Read this column alone: heading or number; repeatable.  [default: all]",
)
plot_option = click.option("--plot", type=FILE, help="Draw the figures into a .png or .svg file.")


@click.command()
@click.option("--data", type=FILE, help="A form export, or a CSV of 0/1 (a column an interest).")
@columns_option
@click.option("--from-db", is_flag=True, help="Train on the members' interests.")
@click.option(
    "--clusters",
    type=ClusterCountType(),
    default="auto",
    show_default=True,
    help=f"Number of clusters, {LIMITS}.",
)
@click.option("--published", is_flag=True, help="Refit the published model of 4 clusters.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for nmf.joblib and nmf.json.  [default: model/]",
)
@click.option(
    "--previous",
    metavar="DIR|none",
    help="Keep the cluster numbers of this model.  [default: the one in the output directory]",
)
@click.option(
    "--trained-at", type=DateTimeType(), help="The model's date.  [default: the last answer's]"
)
@plot_option
@changing
@json_option
def train(
    data: Path | None,
    columns: tuple[str, ...],
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
    """Train a model on a survey or on the members; clusters keep their numbers."""
    from model import artifact
    from model.training.train import DEFAULT_DATE

    if (data is None) is not from_db or ((published or columns) and from_db):
        raise click.UsageError(
            "give either --data FILE or --from-db (--published and --columns need --data)"
        )
    if plot:
        check_picture(plot)
    directory = output or artifact.DIRECTORY
    with ExitStack() as stack:
        stack.enter_context(_file_errors())
        database = stack.enter_context(application()) if from_db else None
        profiles, changed_at = _read_profiles(data, columns, database, published)
        date = trained_at or profiles.last_at or changed_at
        if date == DEFAULT_DATE:
            why = profiles.undated or "the data have no times"
            click.echo(f"{why}: the model is dated {date:%Y-%m-%d}; see --trained-at", err=True)
        kept = _previous_model(directory, previous)
        trained, choice = _train(profiles, clusters, published, date, kept)
        if plot:
            _draw(plot, choice)
        _write(directory, trained, profiles, dry_run, yes, as_json, database)


@click.command()
@click.option(
    "--data", type=FILE, required=True, help="A form export, or a CSV of 0/1, as for train."
)
@click.option(
    "--clusters", type=ClusterRangeType(), default=LIMITS, show_default=True, help="How many."
)
@columns_option
@plot_option
@json_option
def evaluate(
    data: Path, clusters: range, columns: tuple[str, ...], plot: Path | None, as_json: bool
) -> None:
    """Measure NMF on held-out people, beside k-means, the published rule and chance."""
    from model.interests import load_interests
    from model.training.evaluation import MAX_PEOPLE
    from model.training.evaluation import evaluate as measure
    from model.training.profiles import read_profiles

    if plot:
        check_picture(plot)
    with _file_errors():
        profiles = read_profiles(data, load_interests(), columns)
        _report_profiles(profiles, data)
        if len(profiles.ticks) > MAX_PEOPLE:
            click.echo(f"measured on {MAX_PEOPLE} of {len(profiles.ticks)} people", err=True)
        # For few fits, starting processes takes longer than the fits.
        workers = -1 if len(clusters) > 3 else 1
        with progress_bar() as progress:
            entries = measure(profiles.ticks, clusters, progress, workers=workers)
        if plot:
            _draw(plot, entries)
    if as_json:
        print_json([entry.as_dict() for entry in entries])
        return
    print_comparison(entries)


@contextmanager
def _file_errors() -> Iterator[None]:
    """Turn errors in a file, or in reading and writing one, into one line for the terminal."""
    from model.training.errors import TrainingDataError

    try:
        yield
    except TrainingDataError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{file}{error.strerror or error}") from error


def _read_profiles(
    data: Path | None, columns: tuple[str, ...], database: "Database | None", published: bool
) -> "tuple[Profiles, datetime]":
    """Return the profiles to train on, and the date for data without times."""
    from model.interests import load_interests
    from model.training.profiles import read_profiles, read_published_profiles
    from model.training.train import DEFAULT_DATE

    if database:
        profiles, changed_at = read_member_profiles(database)
        _report_profiles(profiles, Path("memberships"))
        return profiles, changed_at
    assert data
    read = read_published_profiles if published else read_profiles
    profiles = read(data, load_interests(), columns)
    _report_profiles(profiles, data)
    return profiles, DEFAULT_DATE


def _report_profiles(profiles: "Profiles", source: Path) -> None:
    for answer in profiles.unknown:
        click.echo(f"{source}, {answer}", err=True)
    if profiles.learned:
        click.echo(
            f"new interests, selected by enough people: {', '.join(profiles.learned)}", err=True
        )
    if profiles.left_out:
        click.echo(f"skipped {profiles.left_out} people who selected no interest", err=True)


def _previous_model(directory: Path, previous: str | None) -> "Model | None":
    """Return the model whose cluster numbers are kept."""
    from model import artifact

    if previous == "none":
        return None
    return artifact.load(Path(previous)) if previous else _load_if_exists(directory)


def _load_if_exists(directory: Path) -> "Model | None":
    from model import artifact

    return artifact.load(directory) if (directory / artifact.CARD).exists() else None


def _train(
    profiles: "Profiles",
    clusters: int | None,
    published: bool,
    trained_at: datetime,
    previous: "Model | None",
) -> "tuple[TrainedModel, Choice | None]":
    from model.training.train import train_new, train_published

    if published:
        return train_published(profiles, trained_at), None
    choice = None
    if clusters is None:
        choice = _choose_clusters(profiles)
        clusters = choice.k
    assert clusters
    return train_new(profiles, clusters, trained_at, previous, choice), choice


def _choose_clusters(profiles: "Profiles") -> "Choice":
    from model.training.stability import MAX_PEOPLE, choose

    if len(profiles.ticks) > MAX_PEOPLE:
        click.echo(
            f"the number of clusters is chosen on {MAX_PEOPLE} of {len(profiles.ticks)} people",
            err=True,
        )
    with progress_bar() as progress:
        choice = choose(profiles.ticks, CLUSTER_COUNTS, progress, workers=-1)
    if choice.k is None:
        raise click.ClickException(f"{choice.why}; --clusters K trains K clusters anyway")
    click.echo(choice.why, err=True)
    return choice


def _write(
    directory: Path,
    trained: "TrainedModel",
    profiles: "Profiles",
    dry_run: bool,
    yes: bool,
    as_json: bool,
    database: "Database | None",
) -> None:
    from app.domain.runs.admin_runs import record_run
    from model.training.train import build_model, save_model

    model, people = build_model(trained), len(profiles.ticks)
    existing = _load_if_exists(directory)
    is_new = existing is None or existing.id != model.id
    is_written = is_new and not dry_run
    if is_written:
        if existing:
            confirm(f"Replace model {existing.id} in {directory} by {model.id}?", yes)
        with ExitStack() as stack:
            if database:
                run = stack.enter_context(record_run(database, "model train", {"model": model.id}))
                run.count("people", people)
            save_model(directory, trained)
    if as_json:
        card = {name: trained.card.get(name) for name in ("metrics", "clusters", "retired")}
        card |= {"moves": trained.card.get("moves"), "chosen": trained.card.get("clusters_chosen")}
        card |= {"learned": profiles.learned, "unknown": profiles.unknown}
        card |= {"left_out": profiles.left_out}
        print_json({"model_id": model.id, "people": people, "written": is_written} | card)
        return
    state = "was written to" if is_written else "would be written to" if is_new else "is already in"
    click.echo(f"model {model.id}, trained on {people} people, {state} {directory}")
    print_plan(model, trained)


def _draw(plot: Path, figures: Any) -> None:
    from model.training.plotting import draw_choice, draw_comparison

    if figures is None:
        raise click.ClickException("--plot draws the choice of --clusters auto, so it needs that")
    draw: Callable[[Any], Figure] = draw_comparison if isinstance(figures, list) else draw_choice
    with drawing(plot):
        save(draw(figures), plot, "nomad-rooms")
