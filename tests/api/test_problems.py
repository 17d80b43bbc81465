"""Problem documents: every error has the same shape."""

import pytest
from flask.testing import FlaskClient

from app.infra.problem import TITLES


def test_an_unknown_path_is_a_problem_document(client: FlaskClient) -> None:
    problem = client.get("/nothing").json
    assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert (problem["status"], problem["title"]) == (404, "Not Found")


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (404, "Not Found"),
        (413, "Request Entity Too Large"),
        (414, "Request-URI Too Long"),
        (416, "Requested Range Not Satisfiable"),
        (422, "Unprocessable Entity"),
        (503, "Service Unavailable"),
    ],
)
def test_a_title_is_the_same_in_every_version_of_python(status: int, title: str) -> None:
    assert TITLES[status] == title


def test_a_wrong_method_gets_the_allowed_ones(client: FlaskClient) -> None:
    response = client.put("/cluster")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert response.content_type == "application/problem+json"


def test_a_valid_request_id_is_kept_and_another_one_replaced(client: FlaskClient) -> None:
    valid = client.get("/livez", headers={"X-Request-ID": "abc-123"})
    assert valid.headers["X-Request-ID"] == "abc-123"
    invalid = client.get("/livez", headers={"X-Request-ID": "a b" * 40})
    assert len(invalid.headers["X-Request-ID"]) == 32
