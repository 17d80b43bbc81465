"""Examples of requests and responses for the OpenAPI document; the tests send them."""

from typing import Any

ROOM_REQUESTS = {
    "typed": {
        "summary": "A typed city, and interests as a list",
        "value": {
            "_id": "6172f1a95cd4e7a2b4c3d2e1",
            "city": "Sevilla",
            "country": "ES",
            "interests": ["surf", "coffee"],
        },
    },
    "picked": {
        "summary": "A city picked from the autocomplete, and interests as booleans",
        "value": {
            "_id": "6172f1a95cd4e7a2b4c3d2e2",
            "city_id": 2510911,
            "interests": {"surf": True, "coffee": True, "museums": False},
        },
    },
}
CITY = {"id": 2510911, "name": "Sevilla", "country": "ES", "listed": True, "kind": "city"}
ROOM_ANSWER: dict[str, Any] = {
    "_id": "6172f1a95cd4e7a2b4c3d2e1",
    "room_id": 17,
    "cluster": 1,
    "city": CITY,
    "hub": None,
    "created": False,
    "joined": True,
    "previous_room_id": None,
    "unknown_interests": [],
    "did_you_mean": [],
}
CREATED_RESPONSE: Any = {
    "description": "The user is in a room that this call created.",
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/RoomAnswer"},
            "example": ROOM_ANSWER | {"created": True},
        }
    },
}
ROOM_DETAILS = {
    "room_id": 17,
    "city": CITY,
    "cluster": {
        "id": 1,
        "label": {
            "es": "Comida china, cine y hamburguesas",
            "en": "Chinese food, movies and burgers",
        },
    },
    "members": 12,
    "created_at": "2026-11-24T12:00:00Z",
}
MEMBERS: dict[str, Any] = {
    "items": [
        {"_id": "6172f1a95cd4e7a2b4c3d2e1", "joined_at": "2026-11-24T12:00:00Z", "city": CITY}
    ],
    "next": None,
    "next_after": None,
}
ROOMS: dict[str, Any] = {"items": [ROOM_DETAILS], "next": None, "next_after": None}
MOVED_RESPONSE: Any = {
    "description": "The room was merged or gathered: Location is the room that took its members.",
    "headers": {
        "Location": {
            "description": "The address of the room that took its members.",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference"},
            "example": "/rooms/17",
        }
    },
}
USER = {
    "_id": "6172f1a95cd4e7a2b4c3d2e1",
    "room_id": 17,
    "cluster": 1,
    "city": CITY,
    "said_city_id": None,
    "interests": ["coffee", "surf"],
    "model_id": "2021-10-24-d65a7ae0",
    "previous_room_id": None,
    "created_at": "2026-11-24T12:00:00Z",
    "joined_at": "2026-11-24T12:00:00Z",
    "updated_at": "2026-11-24T12:00:00Z",
    "moves": [],
}
CHANGES = {
    "items": [
        {
            "id": 1,
            "user_id": "6172f1a95cd4e7a2b4c3d2e1",
            "from_room": 12,
            "to_room": 17,
            "reason": "merge",
            "at": "2026-11-24T12:00:00Z",
        }
    ],
    "next": 1,
    "next_after": 1,
}
CLUSTER_REQUEST = {
    "_id": "6172f1a95cd4",
    "interests": {"theaters": True, "museums": True, "surf": False},
}
INTERESTS: dict[str, Any] = {
    "items": [{"key": "surf", "group": "sport", "label": {"es": "Surf", "en": "Surfing"}}]
}
CLUSTERS: dict[str, Any] = {
    "model_id": "2021-10-24-d65a7ae0",
    "items": [
        {
            "id": 3,
            "label": {"es": "Copas, fiestas y conciertos", "en": "Drinks, parties and concerts"},
            "top_interests": [{"key": "drinks", "weight": 2.205}],
        }
    ],
}
SUGGESTION = {
    "id": 2510911,
    "name": "Sevilla",
    "country": "ES",
    "region": "Andalucía",
    "kind": "city",
    "matched": "Seville",
}
