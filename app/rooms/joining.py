"""One join asked for over HTTP, by the API's clients or by the page."""

from flask import request

from app.assignment import Assignment
from app.cities.service import City
from app.current import services
from app.metrics import JOINS, MOVES, ROOMS
from app.rooms.schemas import RoomRequest


def join(asked: RoomRequest) -> tuple[Assignment, list[City]]:
    """Put a user into their room and count it; also the cities that an unlisted one may be.

    Raises what Assigner.assign raises.
    """
    assignment = services().assigner.assign(asked.user_id, asked.interests, asked.place)
    request.environ["nomad_rooms.room_created"] = assignment.created
    if assignment.created:
        ROOMS.inc()
    if assignment.standing.joined:
        (MOVES if assignment.standing.previous_room_id else JOINS).inc()
    guesses = [] if assignment.city.listed else services().suggestions.guess(assignment.city)
    return assignment, guesses
