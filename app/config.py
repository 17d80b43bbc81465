"""Settings: the only module that reads the environment.

Everything is checked at start and every fault is named at once, so that a deploy fails on its
first line and not on its first request.
"""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.cities.countries import COUNTRY_CODES

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
ENVIRONMENTS = ("production", "development", "testing")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Heroku's smallest database takes 20 connections, and during a deploy the old web dyno, the new
# one and the release phase are all alive.
DATABASE_CONNECTIONS = 20


class ConfigurationError(Exception):
    """The environment cannot be used; its text names every fault, one a line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Settings:
    """What the service is told at start; `read_environment` makes it, tests build it by hand."""

    app_env: str = "production"
    # None only in development: the embedded Postgres is started or joined.
    database_url: str | None = field(default=None, repr=False)
    direct_database_url: str | None = field(default=None, repr=False)
    # Statements prepared once a connection; a pooler that deals connections out by transaction
    # takes them from under us.
    prepares: bool = True
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    metrics_key: str | None = field(default=None, repr=False)
    cors_origins: tuple[str, ...] = ()
    default_country: str = "ES"
    analytics_min_group: int = 5
    workers: int = 2
    threads: int = 4
    port: int = 5000
    log_level: str = "INFO"

    def past_pooler(self) -> "Settings":
        """The same, on DIRECT_DATABASE_URL where it is given: for migrations and commands."""
        if not self.direct_database_url:
            return self
        return replace(self, database_url=self.direct_database_url, prepares=True)

    @property
    def pool_size(self) -> int:
        """Connections one worker may hold: one a thread, and in all half of a small plan's."""
        return max(1, min(self.threads, DATABASE_CONNECTIONS // 2 // self.workers))


def read_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables.

    Raises ConfigurationError, naming all that is missing or malformed.
    """
    faults: list[str] = []
    app_env = environ.get("APP_ENV") or "production"
    if app_env not in ENVIRONMENTS:
        faults.append(f"APP_ENV is {app_env!r}: it must be one of {', '.join(ENVIRONMENTS)}")
    api_keys = _listed(environ.get("API_KEYS", ""))
    database_url = environ.get("DATABASE_URL")
    if app_env != "development":
        if not database_url:
            faults.append("DATABASE_URL is missing: postgresql://user:password@host/database")
        if not api_keys:
            faults.append("API_KEYS is missing: one or more secrets, separated by commas")
    if app_env == "production" and any(len(key) < 16 for key in api_keys):
        faults.append("API_KEYS has a key of under 16 characters, which can be guessed")
    if app_env == "production" and 0 < len(environ.get("METRICS_KEY", "")) < 16:
        faults.append("METRICS_KEY has under 16 characters, which can be guessed")
    country = (environ.get("DEFAULT_COUNTRY") or "ES").upper()
    if country not in COUNTRY_CODES:
        faults.append(f"DEFAULT_COUNTRY is {country!r}: it must be an ISO 3166-1 alpha-2 code")
    log_level = (environ.get("LOG_LEVEL") or "INFO").upper()
    if log_level not in LOG_LEVELS:
        faults.append(f"LOG_LEVEL is {log_level!r}: it must be one of {', '.join(LOG_LEVELS)}")
    settings = Settings(
        app_env=app_env,
        database_url=_database_url("DATABASE_URL", database_url, faults),
        direct_database_url=_database_url(
            "DIRECT_DATABASE_URL", environ.get("DIRECT_DATABASE_URL"), faults
        ),
        prepares=_switch(
            environ, "DATABASE_PREPARE", not environ.get("DIRECT_DATABASE_URL"), faults
        ),
        api_keys=api_keys,
        metrics_key=environ.get("METRICS_KEY", "").strip() or None,
        cors_origins=_listed(environ.get("CORS_ORIGINS", "")),
        default_country=country,
        # A group of one is a person, and of two each knows the other.
        analytics_min_group=_number(environ, "ANALYTICS_MIN_GROUP", 5, 3, 1000, faults),
        workers=_number(environ, "WEB_CONCURRENCY", 2, 1, 10, faults),
        threads=_number(environ, "WEB_THREADS", 4, 1, 64, faults),
        port=_number(environ, "PORT", 5000, 1, 65535, faults),
        log_level=log_level,
    )
    if faults:
        raise ConfigurationError(faults)
    return settings


def adopt_development(
    environ: MutableMapping[str, str] = os.environ, instance: Path = INSTANCE
) -> None:
    """After `make run`, let manage.py work with no variable set, on the same embedded database.

    Only a terminal calls this, never the web entry: a server whose variables were lost must
    refuse to start, not fall back to a database that nobody backs up.
    """
    unset = not environ.get("APP_ENV") and not environ.get("DATABASE_URL")
    if unset and (instance / "development").exists():
        environ["APP_ENV"] = "development"


def with_driver(url: str) -> str:
    """The URL with its driver named: Heroku still writes `postgres://`, and SQLAlchemy 2.1 takes
    a bare `postgresql://` for psycopg 3."""
    return "postgresql+psycopg2://" + url.partition("://")[2]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(
    environ: Mapping[str, str], name: str, default: int, low: int, high: int, faults: list[str]
) -> int:
    text = environ.get(name)
    if not text:
        return default
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    faults.append(f"{name} is {text!r}: it must be a whole number from {low} to {high}")
    return default


def _switch(environ: Mapping[str, str], name: str, default: bool, faults: list[str]) -> bool:
    text = (environ.get(name) or ("on" if default else "off")).lower()
    if text not in ("on", "off"):
        faults.append(f"{name} is {text!r}: it must be on or off")
    return text == "on"


def _database_url(name: str, url: str | None, faults: list[str]) -> str | None:
    if not url:
        return None
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg2"):
        # The value is not repeated: it may hold a password.
        faults.append(f"{name} must begin with postgresql:// or postgres://")
        return None
    return with_driver(url)
