"""One shape of error, whatever went wrong."""

from flask.testing import FlaskClient


def test_a_path_that_is_not_there_is_a_problem_document(client: FlaskClient) -> None:
    problem = client.get("/nothing").json
    assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert (problem["status"], problem["title"]) == (404, "Not Found")


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    response = client.put("/cluster")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert response.content_type == "application/problem+json"


def test_a_request_id_is_taken_over_or_made(client: FlaskClient) -> None:
    given = client.get("/livez", headers={"X-Request-ID": "abc-123"})
    assert given.headers["X-Request-ID"] == "abc-123"
    bad = client.get("/livez", headers={"X-Request-ID": "a b" * 40})
    assert len(bad.headers["X-Request-ID"]) == 32
