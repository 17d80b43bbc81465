"""Many clients that race to create the same rooms."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from model.predict import Model
from tests.support.http import profile_of, session

RACE_CLIENTS = 64
# Pairs of city and cluster, each with a room of its own.
PAIRS = 200
# With 64 clients of 30 pairs each, about ten clients race for each pair.
PAIRS_PER_CLIENT = 30
# Pair, status, body.
Response = tuple[int, int, Any]


def run_race(url: str, model: Model, clients: int = RACE_CLIENTS) -> list[Response]:
    """Let clients join rooms of random pairs concurrently, and return all responses."""
    profiles = [profile_of(model, cluster) for cluster in model.cluster_ids]
    with ThreadPoolExecutor(clients) as pool:
        by_client = pool.map(lambda client: _run_client(url, profiles, client), range(clients))
        return [response for responses in by_client for response in responses]


def _run_client(url: str, profiles: list[list[str]], client: int) -> list[Response]:
    """Join a room of each of the client's pairs, in the order that all clients share."""
    responses = []
    pairs = sorted(random.Random(client).sample(range(PAIRS), PAIRS_PER_CLIENT))
    with session() as http:
        for pair in pairs:
            town, profile = divmod(pair, len(profiles))
            response = http.post(
                f"{url}/rooms",
                json={
                    "_id": f"racer-{client}-{pair}",
                    "city": f"Race Town {town}",
                    "interests": profiles[profile],
                },
                timeout=30,
            )
            responses.append((pair, response.status_code, response.json()))
    return responses
