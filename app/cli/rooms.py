"""`manage.py rooms`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from app.cli.clusters import find_cluster
from app.cli.common import (
    format_option,
    json_option,
    print_fields,
    print_json,
    print_json_items,
    print_table,
    with_app,
    write_rows,
)
from app.domain.rooms.filters import ORDERS, RoomFilter

if TYPE_CHECKING:
    from app.domain.members.room_members import RoomMember
    from app.domain.rooms.repository import RoomDetails

MEMBERS_SHOWN_WITH_ROOM = 10

P = ParamSpec("P")
R = TypeVar("R")


@click.group()
def rooms() -> None:
    """Rooms: list, show, members, export."""


def filters(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options that filter rooms."""
    for option in (
        click.option("--city", help="Name, as a user would type it."),
        click.option("--country", help="ISO 3166-1 alpha-2 code."),
        click.option("--cluster", type=click.IntRange(1, 32767), help="Number of the cluster."),
        click.option("--min-members", type=click.IntRange(0)),
        click.option("--max-members", type=click.IntRange(0)),
        click.option("--quiet", is_flag=True, help="Under 5 members, or no new one for 30 days."),
    ):
        command = option(command)
    return command


def room_filter(
    city: str | None, country: str | None, cluster: int | None, **fields: Any
) -> RoomFilter:
    """Return the filter of the options. Raises click.ClickException for unknown values."""
    from app.domain.cities.repository import UnusableName
    from app.infra.country_codes import COUNTRY_CODES
    from app.services import services

    country = country.upper() if country else None
    if country and country not in COUNTRY_CODES:
        raise click.ClickException(f"{country} is not an ISO 3166-1 alpha-2 code, such as ES")
    if cluster is not None:
        find_cluster(cluster)
    fields["cluster"] = cluster
    if city is None:
        return RoomFilter(country=country, **fields)
    try:
        found = services().cities.find_existing(city, country)
    except UnusableName as error:
        raise click.ClickException(f"{city!r} {error.reason}") from error
    if found is None:
        raise click.ClickException(
            f"no city has the name {city!r}; `manage.py cities find NAME` finds cities by name"
        )
    return RoomFilter(city_id=found.id, **fields)


@rooms.command("list")
@filters
@click.option("--sort", type=click.Choice(list(ORDERS)), default="members", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with the columns of an export.")
@with_app
def list_rooms(sort: str, limit: int, as_json: bool, as_csv: bool, **filter_options: Any) -> None:
    """List rooms, by default those with the most members first."""
    from app.domain.rooms.queries import table
    from app.services import services

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    rooms = table(services().database, room_filter(**filter_options), sort, limit)
    if as_csv:
        write_rows("csv", COLUMNS, map(_export_row, rooms))
        return
    if as_json:
        from app.api.documents import room_document

        print_json([room_document(room) for room in rooms])
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
            for room in rooms
        ],
        empty="No such rooms. POST /rooms creates a room when its first user joins.",
    )


COLUMNS = (
    "room_id",
    "city_id",
    "city",
    "country",
    "cluster",
    "label",
    "members",
    "created_at",
    "kind",
)


def _export_row(room: "RoomDetails") -> tuple[Any, ...]:
    return (
        room.id,
        room.city.id,
        room.city.name,
        room.city.country,
        room.cluster,
        room.label_en,
        room.members,
        room.created_at.isoformat(),
        room.city.kind,
    )


@rooms.command()
@filters
@format_option
@with_app
def export(form: str, **filter_options: Any) -> None:
    """Write rooms to standard output, as CSV or JSON lines."""
    from app.domain.rooms.queries import stream
    from app.services import services

    rooms = stream(services().database, room_filter(**filter_options))
    write_rows(form, COLUMNS, map(_export_row, rooms))


@rooms.command()
@click.argument("room_id", type=click.IntRange(1, 2**63 - 1))
@json_option
@with_app
def show(room_id: int, as_json: bool) -> None:
    """Show one room, and its first ten members."""
    from app.services import services

    with _existing(room_id):
        room = services().rooms.show(room_id)
        members = services().room_members.page(room_id, "", MEMBERS_SHOWN_WITH_ROOM)
    if as_json:
        from app.api.documents import member_document, room_document

        first_members = [member_document(member) for member in members]
        print_json(room_document(room) | {"first_members": first_members})
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
    if members:
        click.echo()
        _print_members(members)
    if room.members > len(members):
        click.echo(f"All members: manage.py rooms members {room.id}", err=True)


@rooms.command("members")
@click.argument("room_id", type=click.IntRange(1, 2**63 - 1))
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="For a table."
)
@with_app
def list_members(room_id: int, as_json: bool, as_csv: bool, limit: int) -> None:
    """List the members of a room, with the city that each gave; all of them as CSV and JSON."""
    from app.services import services

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    with _existing(room_id):
        members = services().room_members.all(room_id)
        if as_csv:
            write_rows("csv", MEMBER_COLUMNS, map(_member_row, members))
        elif as_json:
            from app.api.documents import member_document

            print_json_items(map(member_document, members))
        else:
            _print_members(list(islice(members, limit)))
            if next(members, None):
                click.echo("There are more members: --csv and --json print all.", err=True)


MEMBER_COLUMNS = ("_id", "joined_at", "city_id", "city", "country", "kind")


def _member_row(member: "RoomMember") -> tuple[Any, ...]:
    city = member.city
    return (
        member.user_id,
        member.joined_at.isoformat(),
        city.id,
        city.name,
        city.country,
        city.kind,
    )


def _print_members(members: list["RoomMember"]) -> None:
    rows = [
        (
            member.user_id,
            f"{member.joined_at:%Y-%m-%d %H:%M}",
            member.city.name,
            member.city.country,
            member.city.id,
        )
        for member in members
    ]
    columns = ("member", "joined", "city", "country", "city id")
    print_table(columns, rows, empty="The room has no members.")


@contextmanager
def _existing(room_id: int) -> Iterator[None]:
    """Turn the exceptions of a missing room into one line that says where its members are."""
    from app.domain.rooms.repository import RoomMoved, UnknownRoom

    try:
        yield
    except RoomMoved as moved:
        raise click.ClickException(
            f"room {room_id} was closed; its members are in room {moved.room_id}"
        ) from moved
    except UnknownRoom as unknown:
        raise click.ClickException(
            f"there is no room {room_id}; `manage.py rooms list` lists them"
        ) from unknown
