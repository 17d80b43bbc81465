"""One join asked for over HTTP, by the API's clients or by the page."""

from flask.globals import request_ctx

from app.assignment import Assignment
from app.cities.service import City
from app.current import services
from app.metrics import JOINS, MOVES, ROOMS
from app.rooms.schemas import RoomRequest
from app.web.observe import COUNTED


def join(asked: RoomRequest) -> tuple[Assignment, list[City]]:
    """Put a user into their room and count it; also the cities that an unlisted one may be.

    Raises what Assigner.assign raises.
    """
    parts = services()
    assignment = parts.assigner.assign(asked.user_id, asked.interests, asked.place)
    counted = [ROOMS] if assignment.created else []
    if assignment.standing.joined:
        counted.append(MOVES if assignment.standing.previous_room_id else JOINS)
    request_ctx.request.environ[COUNTED] = counted
    guesses = [] if assignment.city.listed else parts.suggestions.guess(assignment.city)
    return assignment, guesses
