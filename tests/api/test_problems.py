"""Problem documents: every error has the same shape."""

from flask.testing import FlaskClient


def test_an_unknown_path_is_a_problem_document(client: FlaskClient) -> None:
    problem = client.get("/nothing").json
    assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert (problem["status"], problem["title"]) == (404, "Not Found")


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
