"""`manage.py rooms`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from app.cli.common import (
    format_option,
    json_option,
    print_fields,
    print_json,
    print_table,
    with_app,
    write_rows,
)
from app.domain.rooms.filters import ORDERS, RoomFilter

if TYPE_CHECKING:
    from app.domain.rooms.repository import RoomDetails

P = ParamSpec("P")
R = TypeVar("R")


@click.group()
def rooms() -> None:
    """Rooms and how many are in them."""


def filters(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options that say which rooms."""
    for option in (
        click.option("--city", help="As a user would type it."),
        click.option("--country", help="ISO 3166-1 alpha-2 code."),
        click.option("--cluster", type=click.IntRange(1, 32767), help="Number of the cluster."),
        click.option("--min-members", type=click.IntRange(0)),
        click.option("--max-members", type=click.IntRange(0)),
        click.option("--quiet", is_flag=True, help="Under 5 members, or nobody new for 30 days."),
    ):
        command = option(command)
    return command


def asked_for(
    city: str | None, country: str | None, cluster: int | None, **fields: Any
) -> RoomFilter:
    """A filter from options; click.ClickException when no city is called so, or no such cluster."""
    from app.domain.cities.repository import UnusableName
    from app.domain.clusters.repository import UnknownCluster
    from app.infra.country_codes import COUNTRY_CODES
    from app.services import services

    country = country.upper() if country else None
    if country and country not in COUNTRY_CODES:
        raise click.ClickException(f"{country} is no ISO 3166-1 alpha-2 code, such as ES")
    if cluster is not None:
        try:
            services().clusters.show(cluster)
        except UnknownCluster as unknown:
            raise click.ClickException(
                f"there is no cluster {cluster}; `manage.py clusters list` shows those there are"
            ) from unknown
    fields["cluster"] = cluster
    if city is None:
        return RoomFilter(country=country, **fields)
    try:
        found = services().cities.find_existing(city, country)
    except UnusableName as error:
        raise click.ClickException(f"{city!r} has no letter and no digit") from error
    if found is None:
        raise click.ClickException(
            f"no city is called {city!r}; `manage.py cities find {city!r}` looks further"
        )
    return RoomFilter(city_id=found.id, **fields)


@rooms.command("list")
@filters
@click.option("--sort", type=click.Choice(list(ORDERS)), default="members", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with the columns of an export.")
@with_app
def list_rooms(sort: str, limit: int, as_json: bool, as_csv: bool, **asked: Any) -> None:
    """List rooms, the fullest first."""
    from app.domain.rooms.queries import table
    from app.services import services

    if as_json and as_csv:
        raise click.UsageError("--json or --csv: one of them")
    found = table(services().database, asked_for(**asked), sort, limit)
    if as_csv:
        write_rows("csv", EXPORTED, map(_exported, found))
        return
    if as_json:
        from app.api.documents import room_document

        print_json([room_document(room) for room in found])
        return
    print_table(
        ("room", "city", "country", "cluster", "label", "members", "created"),
        [
            (
                room.id,
                room.city.name,
                room.city.country,
                room.cluster,
                room.label_en,
                room.members,
                f"{room.created_at:%Y-%m-%d %H:%M}",
            )
            for room in found
        ],
        empty="No such rooms: POST /rooms makes them as people come.",
    )


EXPORTED = ("room_id", "city_id", "city", "country", "cluster", "label", "members", "created_at")


def _exported(room: "RoomDetails") -> tuple[Any, ...]:
    return (
        room.id,
        room.city.id,
        room.city.name,
        room.city.country,
        room.cluster,
        room.label_en,
        room.members,
        room.created_at.isoformat(),
    )


@rooms.command()
@filters
@format_option
@with_app
def export(form: str, **asked: Any) -> None:
    """Write rooms to standard output, as CSV or JSON lines."""
    from app.domain.rooms.queries import stream
    from app.services import services

    write_rows(form, EXPORTED, map(_exported, stream(services().database, asked_for(**asked))))


@rooms.command()
@click.argument("room_id", type=click.IntRange(1, 2**63 - 1))
@json_option
@with_app
def show(room_id: int, as_json: bool) -> None:
    """Show one room."""
    from app.domain.rooms.repository import RoomMoved, UnknownRoom
    from app.services import services

    try:
        room = services().rooms.show(room_id)
    except RoomMoved as moved:
        raise click.ClickException(
            f"room {room_id} is gone; room {moved.room_id} took its members in"
        ) from moved
    except UnknownRoom as unknown:
        raise click.ClickException(
            f"there is no room {room_id}; `manage.py rooms list` shows those there are"
        ) from unknown
    if as_json:
        from app.api.documents import room_document

        print_json(room_document(room))
        return
    print_fields(
        {
            "room": room.id,
            "city": room.city.name,
            "country": room.city.country,
            "cluster": f"{room.cluster}, {room.label_en}",
            "members": room.members,
            "created": f"{room.created_at:%Y-%m-%d %H:%M} UTC",
        }
    )
