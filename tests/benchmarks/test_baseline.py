"""The baseline of `make bench` runs the service's statement, whatever its parameters are."""

from collections.abc import Callable

from benchmarks.variants import baseline_environment, gunicorn_command
from tests.support.http import SURFER, session
from tests.support.serving import Gunicorn


def test_the_baseline_puts_a_user_into_its_room(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    environment = baseline_environment(new_database)
    command = gunicorn_command("benchmarks.baseline:app")
    server = serve(command, WEB_CONCURRENCY="1", WEB_THREADS="1", **environment)
    body = {"_id": "6172f1a95cd4", "interests": SURFER}
    response = session().post(f"{server.url}/rooms", json=body)
    assert response.json() == {
        "_id": "6172f1a95cd4",
        "room_id": int(environment["BASELINE_ROOM"]),
        "previous_room_id": None,
        "joined": True,
    }
