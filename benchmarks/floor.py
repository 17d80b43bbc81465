"""The floors: bare Flask views.

`POST /rooms` runs the same upsert with psycopg2, and nothing else: no validation, no key, no
prediction, no look for city or room, no log line. What is left is what Flask, psycopg2 and Postgres
cost whoever builds on them. `POST /cluster` returns a constant.

FLOOR_SPIN_US makes a floor that is slower by that many microseconds of work, to see whether the
method can see it.
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

import psycopg2
from flask import Flask, jsonify, request

from app.domain.members.joins import joining

app = Flask(__name__)
local = threading.local()
UPSERT = joining().sql
SPIN_S = float(os.environ.get("FLOOR_SPIN_US", "0")) / 1e6


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
    until = time.perf_counter() + SPIN_S
    while time.perf_counter() < until:
        pass
    with connection().cursor() as cursor:
        cursor.execute(
            UPSERT,
            {
                "user0": body["_id"],
                "city0": int(os.environ["FLOOR_CITY"]),
                "room0": int(os.environ["FLOOR_ROOM"]),
                "interests0": sorted(key for key, ticked in body["interests"].items() if ticked),
                "model0": os.environ["FLOOR_MODEL"],
                "now0": datetime.now(UTC),
            },
        )
        _, room, previous, joined = cursor.fetchone()
    return jsonify(_id=body["_id"], room_id=room, previous_room_id=previous, joined=joined)


@app.post("/cluster")
def constant() -> Any:
    return jsonify(_id="6172f1a95cd4", cluster=2)
