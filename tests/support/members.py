"""Members in rooms of random clusters, as an earlier model may have placed them."""

import csv
import io
from contextlib import closing

import numpy as np
import psycopg2

from model.predict import Model

SELECTED_SHARE = 0.3
BATCH_SIZE = 50_000
ROOMS = """
    INSERT INTO rooms (city_id, cluster_id) SELECT town.id, clusters.id
    FROM (SELECT id FROM cities WHERE listed AND country_code = 'ES' ORDER BY id LIMIT %s) AS town,
        clusters
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
"""
ALL_ROOMS = "SELECT rooms.id, city_id FROM rooms ORDER BY rooms.id"
COPY = """
    COPY memberships
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    FROM STDIN WITH (FORMAT csv)
"""


def place_anywhere(url: str, model: Model, members: int, towns: int = 20, seed: int = 0) -> None:
    """Put members with random interests into random rooms: each of a town and a cluster."""
    rng = np.random.default_rng(seed)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(ROOMS, (towns,))
        cursor.execute(ALL_ROOMS)
        rooms = cursor.fetchall()
        for first in range(0, members, BATCH_SIZE):
            count = min(BATCH_SIZE, members - first)
            selected = rng.random((count, len(model.interests))) < SELECTED_SHARE
            selected[~selected.any(axis=1), 0] = True
            room = rng.integers(len(rooms), size=count)
            file = io.StringIO()
            csv.writer(file).writerows(
                (
                    f"member-{first + row:08}",
                    rooms[room[row]][1],
                    rooms[room[row]][0],
                    "{" + ",".join(sorted(np.array(model.interests)[keys].tolist())) + "}",
                    model.id,
                    *["2026-10-01T12:00:00Z"] * 3,
                )
                for row, keys in enumerate(selected)
            )
            file.seek(0)
            cursor.copy_expert(COPY, file)
