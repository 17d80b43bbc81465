"""Rooms over HTTP."""

from apiflask import APIBlueprint
from flask import Response, url_for

from app.current import services
from app.rooms.examples import ANSWER, CREATED, DETAILS, REQUESTS
from app.rooms.joining import join
from app.rooms.listing import page
from app.rooms.orders import RoomFilter
from app.rooms.schemas import (
    RoomAnswer,
    RoomDetailsAnswer,
    RoomRequest,
    RoomsAnswer,
    RoomsQuery,
    answer,
    document,
)
from app.rooms.service import RoomMoved
from app.web.inputs import takes
from app.web.json import respond

blueprint = APIBlueprint("rooms", __name__, tag="Rooms")


@blueprint.post("/rooms")
@takes(blueprint, RoomRequest, examples=REQUESTS)
@blueprint.output(RoomAnswer, example=ANSWER, description="The user is in a room that was there.")
@blueprint.doc(responses={201: CREATED})
def assign(joining: RoomRequest) -> Response:
    """Put a user into the room of their city and interests.

    201 when this call created the room, else 200. Sending it again changes nothing.
    """
    assignment, guesses = join(joining)
    return respond(answer(assignment, guesses), 201 if assignment.created else 200)


@blueprint.get("/rooms")
@takes(blueprint, RoomsQuery, "query")
@blueprint.output(RoomsAnswer, example={"items": [DETAILS], "next": None})
def browse(query: RoomsQuery) -> Response:
    """Rooms in the order of their ids, page by page; of a city, a country or a cluster."""
    city = services().cities.known(query.city, query.country) if query.city else None
    asked = RoomFilter(city.id if city else None, query.country, query.cluster)
    # A city that nobody ever named has no rooms.
    found = (
        []
        if query.city and not city
        else page(services().database, asked, query.after, query.limit)
    )
    following = None
    if len(found) == query.limit:
        kept = query.model_dump(exclude_none=True) | {"after": found[-1].id}
        following = url_for(".browse", **kept)
    return respond({"items": [document(room) for room in found], "next": following})


@blueprint.get("/rooms/<int(max=9223372036854775807):room_id>")
@blueprint.output(RoomDetailsAnswer, example=DETAILS)
@blueprint.doc(responses={308: "The room was taken in; Location is the one that did."})
def show(room_id: int) -> Response:
    """A room, its city and cluster, and how many are in it.

    308 to the room that took it in, when it was merged or gathered away.
    """
    try:
        return respond(document(services().rooms.show(room_id)))
    except RoomMoved as moved:
        location = url_for(".show", room_id=moved.room_id)
        return Response(status=308, headers={"Location": location, "Cache-Control": "no-store"})
