"""The JSON documents of responses, for the API, the pages and manage.py's --json.

Plain dicts, which orjson writes fastest; the pydantic models of the schemas describe them.
"""

from functools import cache
from typing import Any

from app.assignment import Assignment
from app.domain.members.explanation import UserExplanation
from app.domain.members.repository import UserRecord
from app.domain.members.room_members import RoomMember
from app.domain.rooms.repository import RoomDetails
from model.interests import load_interests
from model.predict import Model

# More digits than a bar can show would only be noise.
WEIGHT_DECIMALS = 4


def assignment_document(assignment: Assignment) -> dict[str, Any]:
    """Return a RoomAnswer."""
    placement = assignment.placement
    return {
        "_id": assignment.user_id,
        "room_id": placement.room_id,
        "cluster": placement.cluster,
        "city": assignment.city,
        "hub": placement.hub,
        "created": assignment.created,
        "joined": placement.joined,
        "previous_room_id": placement.previous_room_id,
        "unknown_interests": assignment.profile.unknown,
        "did_you_mean": assignment.did_you_mean,
    }


def room_document(room: RoomDetails) -> dict[str, Any]:
    """Return a RoomDetailsAnswer."""
    return {
        "room_id": room.id,
        "city": room.city,
        "cluster": {"id": room.cluster, "label": {"es": room.label_es, "en": room.label_en}},
        "members": room.members,
        "created_at": room.created_at,
    }


def member_document(member: RoomMember) -> dict[str, Any]:
    """Return a MemberAnswer."""
    return {"_id": member.user_id, "joined_at": member.joined_at, "city": member.city}


def user_document(user: UserRecord, explanation: UserExplanation | None = None) -> dict[str, Any]:
    """Return a UserAnswer."""
    document = {
        "_id": user.user_id,
        "room_id": user.room_id,
        "cluster": user.cluster,
        "city": user.city,
        "said_city_id": user.said_city_id,
        "interests": user.interests,
        "model_id": user.model_id,
        "previous_room_id": user.previous_room_id,
        "created_at": user.created_at,
        "joined_at": user.joined_at,
        "updated_at": user.updated_at,
        "moves": user.moves,
    }
    return document if explanation is None else document | {"explanation": explanation}


@cache
def interests_document(model: Model) -> dict[str, Any]:
    """Return an InterestsAnswer. The key of an unpublished interest serves as its label."""
    published = {interest.key: interest for interest in load_interests()}
    items = []
    for key in model.interests:
        interest = published.get(key)
        group = interest.group if interest else None
        label = dict(interest.labels) if interest else {"es": key, "en": key}
        items.append({"key": key, "group": group, "label": label})
    return {"items": items}


@cache
def clusters_document(model: Model) -> dict[str, Any]:
    """Return a ClustersAnswer, without retired clusters, which no user joins any more."""
    return {
        "model_id": model.id,
        "items": [
            {
                "id": cluster.id,
                "label": {"es": cluster.label_es, "en": cluster.label_en},
                "top_interests": [
                    {"key": key, "weight": round(weight, WEIGHT_DECIMALS)}
                    for key, weight in cluster.top_interests
                ],
            }
            for cluster in model.clusters
        ],
    }
