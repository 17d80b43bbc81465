"""/livez and /readyz."""

from urllib.parse import urlsplit

from app import create_app
from tests.support.databases import Server, direct_url, settings_of, sql_on


def problems(url: str) -> list[str]:
    settings = settings_of(url)
    app = create_app(settings)
    response = app.test_client().get("/readyz")
    with app.app_context():
        app.extensions["nomad_rooms"].database.close()
    if response.status_code == 200:
        assert response.json == {"status": "ok"}
        return []
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    return [error["message"] for error in response.json["errors"]]


def test_a_released_database_is_ready(new_database: str) -> None:
    assert problems(new_database) == []


def test_an_empty_database_needs_an_upgrade(server: Server) -> None:
    url = server.create()
    assert "db upgrade" in problems(url)[0]
    server.drop(url)


def test_a_database_without_the_model_needs_its_registration(new_database: str) -> None:
    sql_on(new_database)("DELETE FROM clusters; DELETE FROM models")
    assert "model register" in problems(new_database)[0]


def test_an_older_schema_is_not_ready_and_a_newer_one_is(new_database: str) -> None:
    sql = sql_on(new_database)
    sql("UPDATE alembic_version SET version_num = '0001'")
    assert "db upgrade" in problems(new_database)[0]
    sql("UPDATE alembic_version SET version_num = '9999'")
    assert problems(new_database) == []


def test_a_read_only_database_is_not_ready(new_database: str) -> None:
    direct = direct_url(new_database)  # a pooler's open connections would keep the old setting
    name = urlsplit(direct).path[1:]
    sql_on(direct)(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert problems(direct) == ["the database is read-only"]


def test_a_missing_database_is_not_ready(server: Server) -> None:
    assert "unavailable" in problems(server.url_of("never_made"))[0]


def test_an_unregistered_cluster_is_503(new_database: str) -> None:
    sql_on(new_database)("DELETE FROM clusters; DELETE FROM models")
    app = create_app(settings_of(new_database))
    body = {"_id": "a", "city": "Zuheros", "interests": ["surf"]}
    response = app.test_client().post("/rooms", json=body)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
