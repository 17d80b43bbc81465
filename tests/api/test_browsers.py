"""CORS, two valid keys at once, and the security headers of pages."""

from app import create_app
from app.config import Settings, psycopg2_url
from tests.support.serving import KEY


def test_cors_allows_only_the_configured_origins(database_url: str) -> None:
    settings = Settings(
        app_env="testing",
        database_url=psycopg2_url(database_url),
        api_keys=(KEY,),
        cors_origins=("https://app.example",),
    )
    client = create_app(settings).test_client()
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    allowed = client.options("/rooms", headers={"Origin": "https://app.example"} | preflight)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
    other = client.options("/rooms", headers={"Origin": "https://evil.example"} | preflight)
    assert "Access-Control-Allow-Origin" not in other.headers
    unauthorized = client.post("/rooms", headers={"Origin": "https://app.example"})
    assert unauthorized.status_code == 401
    assert unauthorized.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_cors_is_off_without_configured_origins(database_url: str) -> None:
    client = create_app(Settings(database_url=psycopg2_url(database_url))).test_client()
    response = client.get("/livez", headers={"Origin": "https://app.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_two_keys_are_valid_at_once_so_that_they_can_be_replaced(database_url: str) -> None:
    keys = ("the-key-of-yesterday", "the-key-of-tomorrow")
    client = create_app(
        Settings(database_url=psycopg2_url(database_url), api_keys=keys)
    ).test_client()
    for key, status in ((keys[0], 200), (keys[1], 200), ("neither", 401)):
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get("/changes", headers=headers).status_code == status


def test_pages_load_nothing_from_other_hosts(database_url: str) -> None:
    client = create_app(Settings(database_url=psycopg2_url(database_url))).test_client()
    headers = client.get("/docs").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
