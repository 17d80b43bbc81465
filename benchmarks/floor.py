"""The floor: a bare Flask view that runs the same upsert with psycopg2, and nothing else.

No validation, no key, no prediction, no look for city or room, no log line: what is left is what
Flask, psycopg2 and Postgres cost whoever builds on them.
"""

import os
import threading
from datetime import UTC, datetime
from typing import Any

import psycopg2
from flask import Flask, jsonify, request

from app.members.service import JOIN

app = Flask(__name__)
local = threading.local()


def connection() -> Any:
    if not hasattr(local, "connection"):
        local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        local.connection.autocommit = True
    return local.connection


@app.get("/readyz")
def ready() -> str:
    return "ok"


@app.post("/rooms")
def join() -> Any:
    body = request.get_json()
    with connection().cursor() as cursor:
        cursor.execute(
            JOIN,
            {
                "user": body["_id"],
                "city": int(os.environ["FLOOR_CITY"]),
                "room": int(os.environ["FLOOR_ROOM"]),
                "interests": sorted(key for key, ticked in body["interests"].items() if ticked),
                "model": os.environ["FLOOR_MODEL"],
                "now": datetime.now(UTC),
            },
        )
        room, previous, joined = cursor.fetchone()
    return jsonify(_id=body["_id"], room_id=room, previous_room_id=previous, joined=joined)
