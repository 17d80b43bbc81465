"""The baseline: bare Flask views, with the minimum that any service on Flask and Postgres costs.

`POST /rooms` runs the service's upsert with psycopg2: no validation, no key, no prediction, no
lookup of city or room, no log line. `POST /cluster` returns a constant.

BASELINE_SPIN_US adds that many microseconds of work, to test whether the method detects them.
"""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
from flask import Flask, jsonify, request

from app.domain.members.joins import Join, join_statement

app = Flask(__name__)
local = threading.local()
STATEMENT = join_statement()
SPIN_S = float(os.environ.get("BASELINE_SPIN_US", "0")) / 1e6


def connection() -> Any:
    """Return this thread's connection."""
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
    deadline = time.perf_counter() + SPIN_S
    while time.perf_counter() < deadline:
        pass
    now, city = datetime.now(UTC), int(os.environ["BASELINE_CITY"])
    values = Join(
        user_id=body["_id"],
        city_id=city,
        said_city_id=city,
        room_id=int(os.environ["BASELINE_ROOM"]),
        interests=sorted(key for key, value in body["interests"].items() if value),
        model_id=os.environ["BASELINE_MODEL"],
        now=now,
        valid_until=now + timedelta(minutes=1),
    )
    with connection().cursor() as cursor:
        cursor.execute(STATEMENT.sql, dict(zip(STATEMENT.types, values, strict=True)))
        _, room, previous, joined = cursor.fetchone()
    return jsonify(_id=body["_id"], room_id=room, previous_room_id=previous, joined=joined)


@app.post("/cluster")
def constant() -> Any:
    return jsonify(_id="6172f1a95cd4", cluster=2)
