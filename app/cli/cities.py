"""`manage.py cities`."""

from typing import Any

import click

from app.cli.common import (
    changing,
    confirm,
    json_option,
    print_json,
    print_table,
    progress_bar,
    with_app,
)


@click.group()
def cities() -> None:
    """Cities: load, find, merge, gather, release."""


@cities.command("load")
@click.option("--force", is_flag=True, help="Load again what is there already.")
@changing
@json_option
@with_app
def load_cities(force: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Load the gazetteer: cities of 5,000 people and more (part of every release: never asks)."""
    from app.domain.cities import gazetteer_loader
    from app.domain.cities.gazetteer import fingerprint
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    database = services().database
    done = None if force else gazetteer_loader.loaded(database)
    if dry_run and done is None:
        _tell(as_json, f"would load {fingerprint()}", {"would_load": fingerprint()})
        return
    if done is None:
        with recorded(database, "cities load", {}) as run, progress_bar() as progress:
            done = gazetteer_loader.load(database, progress)
            run.counts = {"cities": done.cities, "names": done.names}
    if as_json:
        print_json(done)
        return
    state = "are there already" if done.was_there else "are loaded"
    click.echo(f"{done.cities:,} cities with {done.names:,} names {state} ({done.fingerprint})")


@cities.command()
@click.argument("name")
@click.option("--country", help="ISO 3166-1 alpha-2 code, as a request may give it.")
@json_option
@with_app
def find(name: str, country: str | None, as_json: bool) -> None:
    """Tell which city a typed NAME means, and which others it may be."""
    from app.domain.cities.repository import UnusableName
    from app.services import services

    try:
        meant = services().cities.find(name, country.upper() if country else None)
    except UnusableName as error:
        raise click.ClickException(f"{name!r} has no letter and no digit") from error
    others = services().autocomplete.bearers(name, country)
    if as_json:
        print_json({"meant": meant, "bearers": others})
        return
    rows: list[tuple[Any, ...]] = [
        (
            "→" if meant and bearer.id == meant.id else "",
            bearer.id,
            bearer.name,
            bearer.country,
            bearer.region,
            bearer.population,
            "official" if bearer.official else "",
        )
        for bearer in others
    ]
    if meant and meant.id not in [bearer.id for bearer in others]:
        rows.insert(0, ("→", meant.id, meant.name, meant.country, None, None, ""))
    columns = ("", "id", "city", "country", "region", "population", "name")
    print_table(columns, rows, empty=f"No listed city is called {name!r}.")


@cities.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@with_app
def unlisted(limit: int, as_json: bool) -> None:
    """List the places that users typed and the gazetteer lacks, most members first."""
    from app.domain.cities.unlisted import list_unlisted
    from app.services import services

    parts = services()
    found = list_unlisted(parts.database, parts.autocomplete, limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            place.id,
            place.name,
            place.country,
            place.members,
            "; ".join(f"{guess.name}, {guess.country} ({guess.id})" for guess in place.guesses),
        )
        for place in found
    ]
    columns = ("id", "typed", "country", "members", "may be")
    print_table(columns, rows, empty="Every place that a user typed is in the gazetteer.")
    if rows:
        click.echo("Mend one with: manage.py cities merge ID ID_OF_THE_REAL_ONE", err=True)


@cities.command()
@click.argument("from_id", type=int)
@click.argument("into_id", type=int)
@changing
@json_option
@with_app
def merge(from_id: int, into_id: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make city FROM_ID mean INTO_ID for ever: its names, its rooms, its people."""
    from app.domain.moves import merging
    from app.services import services

    database = services().database
    try:
        plan = merging.plan_merge(database, from_id, into_id)
        told = (
            f"{plan.from_name} ({from_id}) becomes {plan.into_name} ({into_id}): "
            f"{plan.people:,} people in {plan.rooms:,} rooms move"
            + (f", {plan.towns:,} towns follow" if plan.towns else "")
        )
        if dry_run:
            _tell(as_json, told, plan)
            return
        confirm(f"{told}. Merge?", yes)
        arguments = {"from_id": from_id, "into_id": into_id}
        counts = _move("cities merge", "merge", arguments, merging.merge, from_id, into_id)
    except merging.CannotMerge as error:
        raise click.ClickException(str(error)) from error
    _tell(as_json, f"merged: {_counted(counts)}", counts)


@cities.command()
@click.option("--radius", type=click.FloatRange(1, 500), default=30, show_default=True, help="km")
@click.option(
    "--min-members",
    type=click.IntRange(2),
    default=20,
    show_default=True,
    help="A city of so many keeps its rooms, and is a hub.",
)
@changing
@json_option
@with_app
def gather(radius: float, min_members: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Let small towns share the rooms of a hub, so that fewer people are in rooms under 5."""
    from app.domain.moves import gathering
    from app.services import services

    plan = gathering.plan_gather(services().database, radius, min_members)
    report = _gather_report(plan)
    if not as_json:
        for line in report["told"]:
            click.echo(line, err=not dry_run)
    if dry_run:
        if as_json:
            print_json(report["figures"])
        return
    confirm(f"Gather {len(plan.gatherings):,} towns with {plan.people:,} people?", yes)
    arguments = {"radius": radius, "min_members": min_members}
    counts = _move("cities gather", "gather", arguments, gathering.gather, plan)
    _tell(as_json, f"gathered: {_counted(counts)}", report["figures"] | counts)


@cities.command()
@click.argument("city_ids", type=int, nargs=-1)
@changing
@json_option
@with_app
def release(city_ids: tuple[int, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Let gathered towns (all, or those of CITY_IDS) have rooms of their own again."""
    from app.domain.moves import gathering
    from app.services import services

    try:
        towns = gathering.releasable_towns(services().database, city_ids)
    except gathering.CannotRelease as error:
        raise click.ClickException(str(error)) from error
    told = f"{len(towns):,} towns get their own rooms back, with {_people_of(towns):,} people"
    if dry_run:
        _tell(as_json, told, {"towns": towns, "people": _people_of(towns)})
        return
    confirm(f"{told}. Release?", yes)
    arguments = {"city_ids": list(city_ids)}
    counts = _move("cities release", "release", arguments, gathering.release, towns)
    _tell(as_json, f"released: {_counted(counts)}", counts | {"towns": len(towns)})


def _move(
    command: str, reason: str, arguments: dict[str, Any], act: Any, *given: Any
) -> dict[str, int]:
    """Run one of the commands that move people, recorded and with a progress bar; its counts."""
    from app.domain.moves.relocation import Relocation
    from app.domain.runs.admin_runs import recorded
    from app.services import services

    database = services().database
    with recorded(database, command, arguments) as run, progress_bar() as progress:
        act(Relocation(database, run, reason, progress), *given)
    return {"people_moved": 0, "rooms_closed": 0} | run.counts


def _counted(counts: dict[str, int]) -> str:
    return f"{counts['people_moved']:,} people moved, {counts['rooms_closed']:,} rooms closed"


def _tell(as_json: bool, told: str, document: Any) -> None:
    if as_json:
        print_json(document)
    else:
        click.echo(told)


def _people_of(towns: list[int]) -> int:
    from app.services import services

    rows = services().database.execute(
        "SELECT count(*) FROM memberships WHERE city_id = ANY(%(towns)s)", {"towns": towns}
    )
    people: int = rows[0][0]
    return people


def _gather_report(plan: Any) -> dict[str, Any]:
    """The plan in lines for people and in figures for machines."""
    km = plan.distances_km
    figures = {
        "towns": len(plan.gatherings),
        "people": plan.people,
        "members": plan.members,
        "in_rooms_under_5_now": plan.lonely_now,
        "in_rooms_under_5_then": plan.lonely_then,
        "median_km": round(km[len(km) // 2], 1) if km else None,
        "largest_km": round(km[-1], 1) if km else None,
    }
    of_all = max(plan.members, 1)
    told = [
        f"{figures['towns']:,} towns with {figures['people']:,} people share a hub's rooms",
        f"in rooms under 5 now: {plan.lonely_now:,} of {plan.members:,} members"
        f" ({plan.lonely_now / of_all:.0%})",
        f"in rooms under 5 then: {plan.lonely_then:,} ({plan.lonely_then / of_all:.0%})",
    ]
    if km:
        told.append(
            f"distance to the hub: median {figures['median_km']} km,"
            f" largest {figures['largest_km']} km"
        )
    return {"figures": figures, "told": told}
