"""What browsers are told: CORS, and the headers of pages."""

from app import create_app
from app.config import Settings, psycopg2_url
from tests.support.serving import KEY


def test_only_the_origins_named_may_ask_from_a_page(database_url: str) -> None:
    settings = Settings(
        app_env="testing",
        database_url=psycopg2_url(database_url),
        api_keys=(KEY,),
        cors_origins=("https://app.example",),
    )
    client = create_app(settings).test_client()
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    welcome = client.options("/rooms", headers={"Origin": "https://app.example"} | asked)
    assert welcome.status_code == 200
    assert welcome.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "authorization" in welcome.headers["Access-Control-Allow-Headers"].lower()
    stranger = client.options("/rooms", headers={"Origin": "https://evil.example"} | asked)
    assert "Access-Control-Allow-Origin" not in stranger.headers
    refused = client.post("/rooms", headers={"Origin": "https://app.example"})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_without_origins_no_page_may_ask(database_url: str) -> None:
    client = create_app(Settings(database_url=psycopg2_url(database_url))).test_client()
    answer = client.get("/livez", headers={"Origin": "https://app.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_two_keys_are_valid_at_once_so_that_they_can_be_changed(database_url: str) -> None:
    keys = ("the-key-of-yesterday", "the-key-of-tomorrow")
    client = create_app(
        Settings(database_url=psycopg2_url(database_url), api_keys=keys)
    ).test_client()
    for key, status in ((keys[0], 200), (keys[1], 200), ("neither", 401)):
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get("/changes", headers=headers).status_code == status


def test_pages_may_load_nothing_from_elsewhere(database_url: str) -> None:
    client = create_app(Settings(database_url=psycopg2_url(database_url))).test_client()
    headers = client.get("/docs").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
