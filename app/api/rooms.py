"""Rooms over HTTP."""

from posixpath import dirname, relpath

from apiflask import APIBlueprint
from flask import Response, request, url_for

from app.api.documents import assignment_document, member_document, room_document
from app.api.errors import invalid, problem
from app.api.examples import (
    CREATED_RESPONSE,
    MEMBERS,
    MOVED_RESPONSE,
    ROOM_ANSWER,
    ROOM_DETAILS,
    ROOM_REQUESTS,
    ROOMS,
)
from app.api.json import respond
from app.api.room_schemas import (
    MembersAnswer,
    MembersQuery,
    RoomAnswer,
    RoomDetailsAnswer,
    RoomRequest,
    RoomsAnswer,
    RoomsQuery,
)
from app.api.validation import accepts
from app.assignment import NoInterests
from app.domain.cities.repository import UnknownCity, UnusableName
from app.domain.rooms.filters import RoomFilter
from app.domain.rooms.queries import page
from app.domain.rooms.repository import RoomMoved, UnknownRoom
from app.infra.middleware import ROOM_CREATED
from app.services import services

ROOM = "/rooms/<int(max=9223372036854775807):room_id>"

blueprint = APIBlueprint(
    "rooms", __name__, tag={"name": "Rooms", "description": "Rooms, and putting users into them."}
)


@blueprint.post("/rooms")
@accepts(blueprint, RoomRequest, examples=ROOM_REQUESTS)
@blueprint.output(RoomAnswer, example=ROOM_ANSWER, description="The user is in an existing room.")
@blueprint.doc(operation_id="placeUser", responses={201: CREATED_RESPONSE})
def assign(body: RoomRequest) -> Response:
    """Put a user into the room of their city and interests.

    201 when this call created the room, else 200. Repeating the call changes nothing.
    """
    assignment = services().assigner.assign(body.user_id, body.interests, body.place)
    request.environ[ROOM_CREATED] = assignment.created
    return respond(assignment_document(assignment), 201 if assignment.created else 200)


@blueprint.get("/rooms")
@accepts(blueprint, RoomsQuery, "query")
@blueprint.output(RoomsAnswer, example=ROOMS)
@blueprint.doc(operation_id="listRooms")
def browse(query: RoomsQuery) -> Response:
    """List rooms, in the order of their ids, in pages.

    All rooms, or those of a city, country or cluster.
    """
    city = services().cities.find_existing(query.city, query.country) if query.city else None
    if query.city and not city:
        return respond({"items": [], "next": None, "next_after": None})
    filter_ = RoomFilter(city.id if city else None, query.country, query.cluster)
    rooms = page(services().database, filter_, query.after, query.limit)
    next_page = next_after = None
    if len(rooms) == query.limit:
        next_after = rooms[-1].id
        parameters = query.model_dump(exclude_none=True) | {"after": next_after}
        next_page = url_for(".browse", **parameters)
    items = [room_document(room) for room in rooms]
    return respond({"items": items, "next": next_page, "next_after": next_after})


@blueprint.get(ROOM)
@blueprint.output(RoomDetailsAnswer, example=ROOM_DETAILS)
@blueprint.doc(operation_id="getRoom", responses={308: MOVED_RESPONSE})
def show(room_id: int) -> Response:
    """Get a room with its city, its cluster and the number of its members.

    308 to the room that took its members, when it was merged or gathered.
    """
    return respond(room_document(services().rooms.show(room_id)))


@blueprint.get(f"{ROOM}/members")
@accepts(blueprint, MembersQuery, "query")
@blueprint.output(MembersAnswer, example=MEMBERS)
@blueprint.doc(operation_id="listMembers", responses={308: MOVED_RESPONSE})
def members(query: MembersQuery, room_id: int) -> Response:
    """List the members of a room in the order of their ids, in pages.

    Who stays in the room is listed exactly once, whoever joins and leaves between the pages.
    """
    page_ = services().room_members.page(room_id, query.after or "", query.limit)
    next_page = next_after = None
    if len(page_) == query.limit:
        next_after = page_[-1].user_id
        next_page = url_for(".members", room_id=room_id, after=next_after, limit=query.limit)
    items = [member_document(member) for member in page_]
    return respond({"items": items, "next": next_page, "next_after": next_after})


@blueprint.app_errorhandler(RoomMoved)
def handle_room_moved(moved: RoomMoved) -> Response:
    # Relative to the request's address, and so right behind any path of a router.
    endpoint, arguments = request.endpoint or "", request.view_args or {}
    old, new = url_for(endpoint, **arguments), url_for(endpoint, room_id=moved.room_id)
    location = relpath(new, dirname(old))
    if request.query_string:
        location += f"?{request.query_string.decode('latin-1')}"
    return Response(status=308, headers={"Location": location, "Cache-Control": "no-store"})


@blueprint.app_errorhandler(UnusableName)
def handle_unusable_name(error: UnusableName) -> Response:
    return invalid("city", error.reason)


@blueprint.app_errorhandler(UnknownCity)
def handle_unknown_city(error: UnknownCity) -> Response:
    return invalid("city_id", "no city has this id", "unknown_city")


@blueprint.app_errorhandler(NoInterests)
def handle_no_interests(error: NoInterests) -> Response:
    message = f"select at least one that the model knows: {', '.join(error.known)}"
    return invalid("interests", message, "no_interests")


@blueprint.app_errorhandler(UnknownRoom)
def handle_unknown_room(error: UnknownRoom) -> Response:
    return problem(404, "There is no room with this id.", "unknown_room")
