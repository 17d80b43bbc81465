"""`manage.py model train` and `manage.py model evaluate`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import application, changing, confirm, json_option, print_json, progress_bar
from app.cli.training_options import FEWEST_CLUSTERS, MOST_CLUSTERS, Clusters, Range, Time
from app.cli.training_reports import print_comparison, print_plan
from app.domain.clusters.training_profiles import members
from app.infra.plotting import check_picture, drawing, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from app.infra.database import Database
    from model.predict import Model
    from model.training.profiles import Profiles
    from model.training.stability import Choice
    from model.training.train import Trained

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
    from model.training.train import NO_TIME

    if (data is None) is not from_db or (published and from_db):
        raise click.UsageError(
            "give --data FILE or --from-db, one of them (--published wants --data)"
        )
    if plot:
        check_picture(plot)
    directory = output or artifact.DIRECTORY
    with ExitStack() as stack:
        stack.enter_context(_in_one_line())
        database = stack.enter_context(application()) if from_db else None
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
    from model.interests import load_interests
    from model.training.evaluation import MOST_PEOPLE
    from model.training.evaluation import evaluate as measure
    from model.training.profiles import read_profiles

    if plot:
        check_picture(plot)
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
    print_comparison(measured)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """What is wrong with a file, as the line that the command ends with."""
    from model.training.survey import SurveyError

    try:
        yield
    except SurveyError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{where}{error.strerror or error}") from error


def _people(
    data: Path | None, database: "Database | None", published: bool
) -> "tuple[Profiles, datetime]":
    """The people to train on, told about on stderr, and the time if theirs is not known."""
    from model.interests import load_interests
    from model.training.profiles import read_profiles
    from model.training.train import NO_TIME, published_people

    if database:
        people, latest = members(database)
        _tell(people, Path("memberships"))
        return people, latest
    assert data
    people = published_people(data) if published else read_profiles(data, load_interests())
    _tell(people, data)
    return people, NO_TIME


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
    from model.training.train import train_new, train_published

    if published:
        return train_published(people, trained_at), None
    choice = None
    if clusters is None:
        choice = _chosen(people)
        clusters = choice.k
    assert clusters
    return train_new(people, clusters, trained_at, before, choice), choice


def _chosen(people: "Profiles") -> "Choice":
    from model.training.stability import MOST_PEOPLE, choose

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
    from app.domain.runs.admin_runs import recorded
    from model import artifact
    from model.training.train import made, save

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
    print_plan(model, trained)


def _draw(plot: Path, found: Any) -> None:
    from model.training.plotting import draw_choice, draw_comparison

    if found is None:
        raise click.ClickException("--plot draws how auto chose: it wants --clusters auto")
    draw: Callable[[Any], Figure] = draw_comparison if isinstance(found, list) else draw_choice
    with drawing(plot):
        save(draw(found), plot, "nomad-rooms")
