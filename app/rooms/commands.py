"""`manage.py rooms`."""

import click

from app.cli import json_option, print_fields, print_json, print_table, with_app


@click.group()
def rooms() -> None:
    """Rooms and how many are in them."""


@rooms.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@with_app
def list_rooms(limit: int, as_json: bool) -> None:
    """List rooms, the fullest first."""
    from app.current import services
    from app.rooms.schemas import document

    found = services().rooms.fullest(limit)
    if as_json:
        print_json([document(room) for room in found])
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
        empty="No rooms yet: POST /rooms makes the first.",
    )


@rooms.command()
@click.argument("room_id", type=click.IntRange(1, 2**63 - 1))
@json_option
@with_app
def show(room_id: int, as_json: bool) -> None:
    """Show one room."""
    from app.current import services
    from app.rooms.schemas import document
    from app.rooms.service import RoomMoved, UnknownRoom

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
        print_json(document(room))
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
