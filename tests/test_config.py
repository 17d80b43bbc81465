"""Settings from the environment."""

import pytest

from app.config import ConfigurationError, read_environment

KEY = "sixteen-characters-at-least"
URL = "postgres://u:p@host/name"


def test_an_empty_environment_is_production_and_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_environment({})
    assert len(refusal.value.errors) == 2
    assert "DATABASE_URL" in str(refusal.value)
    assert "API_KEYS" in str(refusal.value)


def test_all_errors_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_environment(
            {
                "APP_ENV": "prod",
                "DATABASE_URL": "mysql://secret@x/y",
                "API_KEYS": KEY,
                "DEFAULT_COUNTRY": "Spain",
                "PORT": "http",
                "WEB_CONCURRENCY": "0",
                "LOG_LEVEL": "loud",
                "CHAT_URL_TEMPLATE": "javascript:alert({room_id})",
            }
        )
    message = str(refusal.value)
    for name in (
        "APP_ENV",
        "DATABASE_URL",
        "DEFAULT_COUNTRY",
        "PORT",
        "WEB_CONCURRENCY",
        "LOG_LEVEL",
        "CHAT_URL_TEMPLATE",
    ):
        assert name in message
    assert "secret" not in message


def test_a_short_key_is_refused_in_production() -> None:
    with pytest.raises(ConfigurationError, match="API_KEYS"):
        read_environment({"DATABASE_URL": URL, "API_KEYS": "short"})


def test_keys_are_a_list_and_never_printed() -> None:
    settings = read_environment({"DATABASE_URL": URL, "API_KEYS": f"{KEY}, {KEY}2,"})
    assert settings.api_keys == (KEY, f"{KEY}2")
    assert KEY not in repr(settings)


def test_development_needs_no_variables() -> None:
    settings = read_environment({"APP_ENV": "development"})
    assert settings.database_url is None
    assert settings.api_keys == ()


def test_statements_are_prepared_behind_a_pooler_only_on_request() -> None:
    direct = {"DATABASE_URL": URL, "API_KEYS": KEY}
    pooled = direct | {"DIRECT_DATABASE_URL": URL}
    assert read_environment(direct).prepare_statements
    assert not read_environment(direct | {"DATABASE_PREPARE": "off"}).prepare_statements
    assert not read_environment(pooled).prepare_statements
    assert read_environment(pooled).without_pooler().prepare_statements
    assert read_environment(pooled | {"DATABASE_PREPARE": "on"}).prepare_statements
    with pytest.raises(ConfigurationError, match="DATABASE_PREPARE"):
        read_environment(direct | {"DATABASE_PREPARE": "maybe"})


@pytest.mark.parametrize(
    "template",
    [
        "https://chat.example/{room_id}",
        "http://127.0.0.1:8080/rooms?id={room_id}&again={room_id}#latest",
        " https://{room_id}.chat.example ",
    ],
)
def test_the_chats_address_is_taken_with_the_place_of_the_rooms_id(template: str) -> None:
    settings = read_environment({"APP_ENV": "development", "CHAT_URL_TEMPLATE": template})
    assert settings.chat_url_template == template.strip()


@pytest.mark.parametrize(
    "template",
    [
        "https://chat.example/",
        "https://chat.example/{room}",
        "https://chat.example/{room_id}/{city}",
        "https://chat.example/{room_id}}",
        "https://chat.example/{{room_id}}",
        "https://chat.example/{room_id!r}",
        "chat.example/{room_id}",
        "https:///{room_id}",
        "https://[chat.example/{room_id}",
        "ftp://chat.example/{room_id}",
        "javascript:alert({room_id})//",
        "https://chat.example/a b/{room_id}",
        "https://chat.example/\x07{room_id}",
        "https://chat.example/\t{room_id}",
        "https://chat.example/\u200b{room_id}",
        "https://chat.example:99999/{room_id}",
        "https://chat.example:0/{room_id}",
        "https://chat.example:abc/{room_id}",
        "https://chat.example:-1/{room_id}",
        "https://chat.example\\@evil.example/{room_id}",
        "https://chat.example\\.evil.example/{room_id}",
        "https://user:pw@chat.example/{room_id}",
        "https://{room_id}@chat.example/",
        "https://chat.example:{room_id}/",
    ],
)
def test_an_address_that_leads_to_no_rooms_chat_is_refused_at_the_start(template: str) -> None:
    with pytest.raises(ConfigurationError, match="CHAT_URL_TEMPLATE"):
        read_environment({"APP_ENV": "development", "CHAT_URL_TEMPLATE": template})


@pytest.mark.parametrize("workers", range(1, 11))
@pytest.mark.parametrize("threads", [1, 4, 16, 64])
def test_a_deploy_fits_a_database_of_20_connections(workers: int, threads: int) -> None:
    settings = read_environment(
        {
            "DATABASE_URL": URL,
            "API_KEYS": KEY,
            "WEB_CONCURRENCY": str(workers),
            "WEB_THREADS": str(threads),
        }
    )
    assert 1 <= settings.pool_size <= threads
    assert 2 * workers * settings.pool_size <= 20


@pytest.mark.parametrize("requested", [17, 33])
def test_a_platforms_number_of_workers_is_capped_not_refused(requested: int) -> None:
    environment = {"DATABASE_URL": "postgres://x/y", "API_KEYS": KEY}
    settings = read_environment(environment | {"WEB_CONCURRENCY": str(requested)})
    assert (settings.workers, settings.pool_size) == (10, 1)
