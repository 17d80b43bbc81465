"""Settings: the only module that reads the environment.

Everything is checked at start and all errors are named at once, so that a deploy fails before its
first request.
"""

import atexit
import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from app.infra.country_codes import COUNTRY_CODES
from app.infra.database_url import DRIVER, UnusableURL, read_database_url

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ENVIRONMENTS = ("production", "development", "testing")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
MIN_KEY_LENGTH = 16
# Heroku's smallest database takes 20 connections, and during a deploy the old web dyno, the new
# one and the release phase run at the same time.
MAX_DATABASE_CONNECTIONS = 20
# Each worker needs a connection of its own.
MAX_WORKERS = MAX_DATABASE_CONNECTIONS // 2
# The variable that prometheus_client reads in each worker.
METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
METRICS_DIRECTORY_PREFIX = "nomad-rooms-metrics-"
# What CHAT_URL_TEMPLATE has in place of the number of a room.
ROOM_ID_PLACEHOLDER = "{room_id}"


class ConfigurationError(Exception):
    """The environment cannot be used; the text lists every error, one a line."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("Cannot start:\n" + "\n".join(f"  - {error}" for error in errors))
        self.errors = errors


@dataclass(frozen=True)
class Settings:
    """The service's settings: made by `read_environment`, or by hand in tests."""

    app_env: str = "production"
    # None only in development, where the embedded Postgres is started or joined.
    database_url: str | None = field(default=None, repr=False)
    direct_database_url: str | None = field(default=None, repr=False)
    # Off behind a pooler in transaction mode, which hands prepared names to other clients.
    prepare_statements: bool = True
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    metrics_key: str | None = field(default=None, repr=False)
    cors_origins: tuple[str, ...] = ()
    # The address of a room's chat, with ROOM_ID_PLACEHOLDER; None: the page shows the room's id.
    chat_url_template: str | None = None
    default_country: str = "ES"
    analytics_min_group: int = 5
    # A platform may request more workers (WEB_CONCURRENCY) than there are connections for.
    requested_workers: int = 2
    # With few threads joins rarely wait for each other, and group commit (app.infra.batcher) has
    # nothing to group.
    threads: int = 16
    port: int = 5000
    log_level: str = "INFO"

    def without_pooler(self) -> "Settings":
        """Return the settings for migrations and commands: on DIRECT_DATABASE_URL, if given."""
        if not self.direct_database_url:
            return self
        return replace(self, database_url=self.direct_database_url, prepare_statements=True)

    @property
    def workers(self) -> int:
        """Worker processes of a server."""
        return min(self.requested_workers, MAX_WORKERS)

    @property
    def pool_size(self) -> int:
        """Connections of one worker: one a thread, at most half of a small plan's in total."""
        return max(1, min(self.threads, MAX_WORKERS // self.workers))


def read_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that environment variables give.

    Raises ConfigurationError, naming all that is missing or malformed.
    """
    errors: list[str] = []
    app_env = environ.get("APP_ENV") or "production"
    if app_env not in ENVIRONMENTS:
        errors.append(f"APP_ENV is {app_env!r}: it must be one of {', '.join(ENVIRONMENTS)}")
    api_keys = _comma_separated(environ.get("API_KEYS", ""))
    metrics_key = environ.get("METRICS_KEY", "").strip() or None
    database_url = environ.get("DATABASE_URL")
    if app_env != "development":
        if not database_url:
            errors.append("DATABASE_URL is missing: postgresql://user:password@host/database")
        if not api_keys:
            errors.append("API_KEYS is missing: one or more secrets, separated by commas")
    if app_env == "production":
        for name, keys in (("API_KEYS", api_keys), ("METRICS_KEY", (metrics_key,))):
            if any(key and len(key) < MIN_KEY_LENGTH for key in keys):
                errors.append(f"{name} has a key of under {MIN_KEY_LENGTH} characters: too short")
    country = (environ.get("DEFAULT_COUNTRY") or "ES").upper()
    if country not in COUNTRY_CODES:
        errors.append(f"DEFAULT_COUNTRY is {country!r}: it must be an ISO 3166-1 alpha-2 code")
    log_level = (environ.get("LOG_LEVEL") or "INFO").upper()
    if log_level not in LOG_LEVELS:
        errors.append(f"LOG_LEVEL is {log_level!r}: it must be one of {', '.join(LOG_LEVELS)}")
    direct_url = environ.get("DIRECT_DATABASE_URL")
    settings = Settings(
        app_env=app_env,
        database_url=_database_url("DATABASE_URL", database_url, errors),
        direct_database_url=_database_url("DIRECT_DATABASE_URL", direct_url, errors),
        prepare_statements=_switch(environ, "DATABASE_PREPARE", not direct_url, errors),
        api_keys=api_keys,
        metrics_key=metrics_key,
        cors_origins=_comma_separated(environ.get("CORS_ORIGINS", "")),
        chat_url_template=_chat_url_template(environ, errors),
        default_country=country,
        # In a group of two, each member could compute the other's figures.
        analytics_min_group=_integer(environ, "ANALYTICS_MIN_GROUP", 5, 3, 1000, errors),
        requested_workers=_integer(environ, "WEB_CONCURRENCY", 2, 1, 1000, errors),
        threads=_integer(environ, "WEB_THREADS", 16, 1, 64, errors),
        port=_integer(environ, "PORT", 5000, 1, 65535, errors),
        log_level=log_level,
    )
    if errors:
        raise ConfigurationError(errors)
    return settings


def use_development_environment(
    environ: MutableMapping[str, str] = os.environ, instance: Path = INSTANCE
) -> None:
    """After `make run`, let manage.py work on the same embedded database without any variable.

    Only manage.py calls this, never the web entry: a server whose variables were lost must refuse
    to start instead of serving from a database without backups.
    """
    unset = not environ.get("APP_ENV") and not environ.get("DATABASE_URL")
    if unset and (instance / "development").exists():
        environ["APP_ENV"] = "development"


def create_metrics_directory(environ: MutableMapping[str, str] = os.environ) -> None:
    """Create the directory in which the workers' metrics meet, removed when this process exits.

    Call it before app.infra.metrics is imported. A directory that this process's command made
    before (`make run` becomes gunicorn) is kept.
    """
    made_before = Path(environ.get(METRICS_DIRECTORY, "")).name.startswith(METRICS_DIRECTORY_PREFIX)
    if made_before:
        return
    directory = tempfile.mkdtemp(prefix=METRICS_DIRECTORY_PREFIX)
    environ[METRICS_DIRECTORY] = directory
    owner = os.getpid()

    def remove() -> None:
        # Workers inherit the exit handler.
        if os.getpid() == owner:
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)


def metrics_directory(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the directory in which the workers' metrics meet; None: a single process."""
    return environ.get(METRICS_DIRECTORY) or None


def psycopg2_url(url: str) -> str:
    """Return the URL with psycopg2 as its driver: Heroku still writes `postgres://`, and SQLAlchemy
    2.1 takes a bare `postgresql://` for psycopg 3."""
    return f"{DRIVER}://" + url.partition("://")[2]


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _integer(
    environ: Mapping[str, str], name: str, default: int, low: int, high: int, errors: list[str]
) -> int:
    text = environ.get(name)
    if not text:
        return default
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    errors.append(f"{name} is {text!r}: it must be a whole number from {low} to {high}")
    return default


def _switch(environ: Mapping[str, str], name: str, default: bool, errors: list[str]) -> bool:
    text = (environ.get(name) or ("on" if default else "off")).lower()
    if text not in ("on", "off"):
        errors.append(f"{name} is {text!r}: it must be on or off")
    return text == "on"


def _chat_url_template(environ: Mapping[str, str], errors: list[str]) -> str | None:
    template = environ.get("CHAT_URL_TEMPLATE", "").strip()
    if not template:
        return None
    # With the largest id, which is no port.
    example = template.replace(ROOM_ID_PLACEHOLDER, str(2**63 - 1))
    try:
        url = urlsplit(example)
        # Port 0 takes no connections.
        is_url = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # brackets that hold no IPv6 address, or a port that is no number to 65535
        is_url = False
    # Browsers read a backslash as a slash; what is before an @ would look like the host.
    if (
        is_url
        and example != template
        and example.isprintable()
        and not set(example) & set(" {}@\\")
    ):
        return template
    # The value is not repeated: it may hold a password.
    errors.append(
        f"CHAT_URL_TEMPLATE must be an http or https address with {ROOM_ID_PLACEHOLDER} in it "
        "and no other braces, no @, backslash or space, such as https://chat.example/{room_id}"
    )
    return None


def _database_url(name: str, url: str | None, errors: list[str]) -> str | None:
    if not url:
        return None
    try:
        return read_database_url(url)
    except UnusableURL as error:
        errors.append(f"{name} {error}")
        return None
