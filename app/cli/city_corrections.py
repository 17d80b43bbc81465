"""`manage.py cities merge`, `unmerge`, `rename`, `remove` and `clean`: corrections of cities."""

from typing import TYPE_CHECKING

import click

from app.cli.common import changing, confirm, json_option, print_result, print_table, with_app
from app.cli.moving import format_counts, run_move

if TYPE_CHECKING:
    from app.domain.members.empty_places import EmptyPlace
    from app.domain.moves.merging import MergePlan, MergeSide


@click.command()
@click.argument("from_id", type=int)
@click.argument("into_id", type=int)
@click.option("--force", is_flag=True, help="Merge cities that may not be the same place.")
@changing
@json_option
@with_app
def merge(from_id: int, into_id: int, force: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Merge city FROM_ID into INTO_ID: its names, its rooms, its people."""
    from app.domain.moves import merging
    from app.services import services

    try:
        plan = merging.plan_merge(services().database, from_id, into_id)
        summary = _merge_summary(plan)
        if plan.doubts and not force:
            doubts = "; ".join(plan.doubts)
            raise click.ClickException(f"{summary}. {doubts}: if they are one place, add --force")
        if dry_run:
            print_result(as_json, summary, plan)
            return
        confirm(f"{summary}. Merge?", yes)
        arguments = {"from_id": from_id, "into_id": into_id} | ({"force": True} if force else {})
        counts = run_move("cities merge", "merge", arguments, merging.merge, from_id, into_id)
    except merging.CannotMerge as error:
        raise click.ClickException(str(error)) from error
    print_result(as_json, f"merged: {format_counts(counts)}", counts)


@click.command()
@click.argument("city_id", metavar="ID", type=int)
@changing
@json_option
@with_app
def unmerge(city_id: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take the merge of city ID back: its names, its rooms, and the people who gave it."""
    from app.domain.moves import unmerging
    from app.services import services

    try:
        plan = unmerging.plan_unmerge(services().database, city_id)
    except unmerging.CannotUnmerge as error:
        raise click.ClickException(str(error)) from error
    apart = f" apart from {plan.into_name} ({plan.into_id})" if plan.into_id else ""
    summary = (
        f"{plan.name} ({city_id}) becomes a city{apart}:"
        f" {plan.people:,} people return, {plan.rooms:,} rooms open again"
    )
    if dry_run:
        print_result(as_json, summary, plan)
        return
    confirm(f"{summary}. Unmerge?", yes)
    counts = run_move("cities unmerge", "unmerge", {"city_id": city_id}, unmerging.unmerge, city_id)
    print_result(as_json, f"unmerged: {counts['people_moved']:,} people moved", counts)


@click.command()
@click.argument("city_id", metavar="ID", type=int)
@click.argument("name")
@changing
@json_option
@with_app
def rename(city_id: int, name: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Give the typed place ID the NAME that everybody sees; its former name still finds it."""
    from app.domain.cities import typed_places
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    try:
        plan = typed_places.plan_rename(database, services().cities, city_id, name)
        summary = f"{plan.former_name} ({city_id}) becomes {plan.name}"
        if dry_run:
            print_result(as_json, summary, plan)
            return
        confirm(f"{summary}. Rename?", yes)
        with record_run(database, "cities rename", {"city_id": city_id}) as run:
            typed_places.rename(database, plan)
            run.count("cities", 1)
    except typed_places.CannotChange as error:
        raise click.ClickException(str(error)) from error
    print_result(as_json, f"renamed: {summary}", plan)


@click.command()
@click.argument("city_id", metavar="ID", type=int)
@changing
@json_option
@with_app
def remove(city_id: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove the typed place ID, which has no members, rooms or redirects."""
    from app.domain.cities import typed_places
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    try:
        name = typed_places.check_removal(database, city_id)
        if dry_run:
            print_result(as_json, f"{name} ({city_id}) would be removed", {"would_remove": city_id})
            return
        confirm(f"Remove {name} ({city_id})?", yes)
        with record_run(database, "cities remove", {"city_id": city_id}) as run:
            typed_places.remove(database, city_id)
            run.count("cities", 1)
    except typed_places.CannotChange as error:
        raise click.ClickException(str(error)) from error
    print_result(as_json, f"removed: {name} ({city_id})", {"removed": city_id})


@click.command()
@changing
@json_option
@with_app
def clean(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove the places that users typed and nobody is in, with their rooms.

    A place goes with its last user. This removes those that earlier releases left.
    """
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    empty_places = services().members.empty_places
    places = empty_places.find()
    if not as_json:
        rows = [(place.id, place.name, place.country, place.rooms) for place in places]
        print_table(("id", "typed", "country", "rooms"), rows, empty="No place is empty.")
    if dry_run:
        document = _count_places(places) | {"empty": places}
        print_result(as_json, f"would remove {_describe_places(places)}", document)
        return
    confirm(f"Remove {_describe_places(places)}?", yes)
    with record_run(services().database, "cities clean", {}) as run:
        places = empty_places.remove_all()
        run.counts = _count_places(places)
    print_result(as_json, f"removed {_describe_places(places)}", run.counts)


def _count_places(places: "list[EmptyPlace]") -> dict[str, int]:
    return {"places": len(places), "rooms": sum(place.rooms for place in places)}


def _describe_places(places: "list[EmptyPlace]") -> str:
    counts = _count_places(places)
    return f"{counts['places']:,} places with {counts['rooms']:,} rooms"


def _merge_summary(plan: "MergePlan") -> str:
    distance = "" if plan.km is None else f", {plan.km:,} km away"
    towns = f", {plan.towns:,} towns follow" if plan.towns else ""
    return (
        f"{_describe(plan.origin)} becomes {_describe(plan.into)}{distance}:"
        f" {plan.people:,} people in {plan.rooms:,} rooms move{towns}"
    )


def _describe(city: "MergeSide") -> str:
    """Return a city with what tells it from its namesakes."""
    kind = "typed" if city.kind == "city" and not city.listed else None
    kind = city.kind if city.kind != "city" else kind
    people = None if city.population is None else f"{city.population:,} people"
    members = f"{city.members:,} member" + ("" if city.members == 1 else "s")
    details = (city.region, city.country, kind, people, members)
    return f"{city.name} ({', '.join(filter(None, details))})"
