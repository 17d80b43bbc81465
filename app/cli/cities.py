"""`manage.py cities`."""

from typing import TYPE_CHECKING, Any

import click

from app.cli.city_corrections import clean, merge, remove, rename, unmerge
from app.cli.common import (
    changing,
    confirm,
    json_option,
    print_json,
    print_result,
    print_table,
    progress_bar,
    with_app,
)
from app.cli.moving import format_counts, run_move

if TYPE_CHECKING:
    from app.domain.moves.gathering import GatherPlan


@click.group()
def cities() -> None:
    """Cities: load, find, correct, gather, release."""


for correction in (merge, unmerge, rename, remove, clean):
    cities.add_command(correction)


@cities.command("load")
@click.option("--force", is_flag=True, help="Load even if this version is loaded.")
@changing
@json_option
@with_app
def load_cities(force: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Load the gazetteer: cities of 5,000 people and more (every release does; no confirmation)."""
    from app.domain.cities import gazetteer_loader
    from app.domain.cities.gazetteer import fingerprint
    from app.domain.runs.admin_runs import record_run
    from app.services import services

    database = services().database
    loaded = None if force else gazetteer_loader.find_loaded(database)
    if dry_run and loaded is None:
        print_result(as_json, f"would load {fingerprint()}", {"would_load": fingerprint()})
        return
    if loaded is None:
        with record_run(database, "cities load", {}) as run, progress_bar() as progress:
            loaded = gazetteer_loader.load(database, progress)
            run.counts = {"cities": loaded.cities, "names": loaded.names}
    state = "were loaded before" if loaded.was_there else "loaded"
    message = f"{loaded.cities:,} cities with {loaded.names:,} names {state} ({loaded.fingerprint})"
    print_result(as_json, message, loaded)


@cities.command()
@click.argument("name")
@click.option("--country", help="ISO 3166-1 alpha-2 code, as in a request.")
@json_option
@with_app
def find(name: str, country: str | None, as_json: bool) -> None:
    """Show the city or area that a typed NAME resolves to, and all other cities with the name."""
    from app.domain.cities.repository import UnusableName
    from app.services import services

    try:
        resolved = services().cities.find_existing(name, country.upper() if country else None)
    except UnusableName as error:
        raise click.ClickException(f"{name!r} {error.reason}") from error
    namesakes = services().autocomplete.namesakes(name, country)
    if as_json:
        print_json({"meant": resolved, "bearers": namesakes})
        return
    rows: list[tuple[Any, ...]] = [
        (
            "→" if resolved and city.id == resolved.id else "",
            city.id,
            city.name,
            city.country,
            city.region,
            city.population,
            "official" if city.official else "",
        )
        for city in namesakes
    ]
    if resolved and resolved.id not in [city.id for city in namesakes]:
        kind = "" if resolved.kind == "city" else resolved.kind
        rows.insert(0, ("→", resolved.id, resolved.name, resolved.country, None, None, kind))
    columns = ("", "id", "city", "country", "region", "population", "name")
    print_table(columns, rows, empty=f"No city has the name {name!r}.")


@cities.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@with_app
def unlisted(limit: int, as_json: bool) -> None:
    """List the cities that users typed and the gazetteer lacks, most members first."""
    from app.domain.cities.unlisted import list_unlisted
    from app.services import services

    cities = list_unlisted(services().database, services().autocomplete, limit)
    if as_json:
        print_json(cities)
        return
    rows = [
        (
            city.id,
            city.name,
            city.country,
            city.members,
            "; ".join(f"{guess.name}, {guess.country} ({guess.id})" for guess in city.guesses),
        )
        for city in cities
    ]
    columns = ("id", "typed", "country", "members", "may be")
    print_table(columns, rows, empty="All cities that users typed are in the gazetteer.")
    if rows:
        click.echo("Correct one with: manage.py cities merge ID ID_OF_THE_RIGHT_CITY", err=True)


@cities.command("unify")
@changing
@json_option
@with_app
def unify_places(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Bring unlisted places together that are one by today's reading of their names."""
    from app.domain.moves import merging, unifying
    from app.services import services

    database, resolver = services().database, services().cities
    plan = unifying.plan_unify(database, resolver)
    people = sum(unification.people for unification in plan)
    summary = f"{len(plan):,} places with {people:,} people become another place"
    if not as_json:
        rows = [
            (one.from_id, one.name, one.country, one.people, "→", one.into_name, one.into_country)
            for one in plan
        ]
        columns = ("id", "typed", "country", "members", "", "becomes", "country")
        print_table(columns, rows, empty="No unlisted place is another one.")
    if dry_run or not plan:
        print_result(as_json, summary, {"places": plan, "people": people})
        return
    confirm(f"{summary}. Unify?", yes)
    try:
        counts = run_move("cities unify", "merge", {}, unifying.unify, plan, resolver)
    except merging.CannotMerge as error:
        raise click.ClickException(str(error)) from error
    print_result(as_json, f"unified: {format_counts(counts)}", counts | {"places": len(plan)})


@cities.command()
@click.option("--radius", type=click.FloatRange(1, 500), default=30, show_default=True, help="km")
@click.option(
    "--min-members",
    type=click.IntRange(2),
    default=20,
    show_default=True,
    help="A city with this many members keeps its rooms and is a hub.",
)
@changing
@json_option
@with_app
def gather(radius: float, min_members: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Let small towns share the rooms of a hub, so that fewer people are in rooms under 5."""
    from app.domain.moves import gathering
    from app.services import services

    plan = gathering.plan_gather(services().database, radius, min_members)
    statistics = _gather_statistics(plan)
    if not as_json:
        _print_gather_plan(plan, statistics, err=not dry_run)
    if dry_run:
        if as_json:
            print_json(statistics)
        return
    confirm(f"Gather {len(plan.gatherings):,} towns with {plan.people:,} people?", yes)
    arguments = {"radius": radius, "min_members": min_members}
    counts = run_move("cities gather", "gather", arguments, gathering.gather, plan)
    print_result(as_json, f"gathered: {format_counts(counts)}", statistics | counts)


@cities.command()
@click.argument("city_ids", type=int, nargs=-1)
@changing
@json_option
@with_app
def release(city_ids: tuple[int, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Give gathered towns (all, or those with CITY_IDS) their own rooms again."""
    from app.domain.moves import gathering
    from app.services import services

    try:
        towns = gathering.releasable_towns(services().database, city_ids)
    except gathering.CannotRelease as error:
        raise click.ClickException(str(error)) from error
    people = _count_people(towns)
    summary = f"{len(towns):,} towns get their own rooms back, with {people:,} people"
    if dry_run:
        print_result(as_json, summary, {"towns": towns, "people": people})
        return
    confirm(f"{summary}. Release?", yes)
    arguments = {"city_ids": list(city_ids)}
    counts = run_move("cities release", "release", arguments, gathering.release, towns)
    message = f"released: {format_counts(counts)}"
    print_result(as_json, message, counts | {"towns": len(towns)})


def _count_people(towns: list[int]) -> int:
    from app.services import services

    statement = "SELECT count(*) AS people FROM memberships WHERE city_id = ANY(%(towns)s)"
    people: int = services().database.execute(statement, {"towns": towns})[0].people
    return people


def _gather_statistics(plan: "GatherPlan") -> dict[str, Any]:
    km = plan.distances_km
    return {
        "towns": len(plan.gatherings),
        "people": plan.people,
        "members": plan.members,
        "in_rooms_under_5_now": plan.lonely_now,
        "in_rooms_under_5_then": plan.lonely_then,
        "median_km": round(km[len(km) // 2], 1) if km else None,
        "largest_km": round(km[-1], 1) if km else None,
    }


def _print_gather_plan(plan: "GatherPlan", statistics: dict[str, Any], err: bool) -> None:
    members = max(plan.members, 1)
    lines = [
        f"{len(plan.gatherings):,} towns with {plan.people:,} people would share a hub's rooms",
        f"in rooms under 5 now: {plan.lonely_now:,} of {plan.members:,} members"
        f" ({plan.lonely_now / members:.0%})",
        f"in rooms under 5 then: {plan.lonely_then:,} ({plan.lonely_then / members:.0%})",
    ]
    if statistics["median_km"] is not None:
        lines.append(
            f"distance to the hub: median {statistics['median_km']} km,"
            f" largest {statistics['largest_km']} km"
        )
    click.echo("\n".join(lines), err=err)
