"""Reads a database's URL: every spelling of libpq, and SQLAlchemy's of several hosts."""

import re
from urllib.parse import parse_qsl, quote, urlencode

DRIVER = "postgresql+psycopg2"
SCHEMES = ("postgres", "postgresql", DRIVER)
# What SQLAlchemy and libpq read as intended: at most one @ before the query, and ports of digits.
HOST = r"(\[[^/?\]]+\]|[^/:?@,\[\]]*)(:[0-9]*)?"
PLACE = re.compile(
    rf"(?P<user>[^:/@?]*(:[^@]*)?@)?(?P<hosts>{HOST}(,{HOST})*)(?P<database>/[^?@]*)?"
    r"(\?(?P<options>.*))?",
    re.DOTALL,
)


class UnusableURL(Exception):
    """The URL cannot be used. The text does not repeat it: it may hold a password."""


def read_database_url(url: str) -> str:
    """Return the URL as SQLAlchemy reads it, with psycopg2 as its driver.

    Several hosts become `?host=A,B&port=1,2`, which libpq reads too. Raises UnusableURL.
    """
    # `manage.py --help` needs neither.
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import make_dsn
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    scheme, separator, place = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise UnusableURL("must begin with postgresql:// or postgres://")
    parts = PLACE.fullmatch(place)
    if not parts:
        raise UnusableURL(
            "is not postgresql://user:password@host:port/database, with several hosts as"
            " host:port,host:port: percent-encode special characters of the password"
        )
    options = parse_qsl(parts["options"] or "", keep_blank_values=True)
    hosts = [value for name, value in options if name == "host"]
    try:
        if len(hosts) > 1:
            others = urlencode([each for each in options if each[0] != "host"], quote_via=quote)
            before, after = parts["user"] or "", parts["database"] or ""
            url = _with_hosts_as_option(f"{before}{','.join(hosts)}{after}?{others}")
        elif "," in parts["hosts"] or any(
            name in ("host", "hostaddr", "port") and "," in value for name, value in options
        ):
            url = _with_hosts_as_option(place)
        else:
            url = f"{DRIVER}://{place}"
        address = make_url(url)
        # Both check what they are given before a connection does.
        make_dsn(**address.get_dialect()().create_connect_args(address)[1])
    except (ArgumentError, ProgrammingError, ValueError) as error:
        raise UnusableURL(
            "has a part that PostgreSQL's libpq does not know: give"
            " postgresql://user:password@host:port,host:port/database?option=value, with as many"
            " ports as hosts or one, and special characters percent-encoded"
        ) from error
    return url


def _with_hosts_as_option(place: str) -> str:
    """Return the URL of a place with several hosts, which libpq parses.

    Raises psycopg2.ProgrammingError.
    """
    from psycopg2.extensions import parse_dsn
    from sqlalchemy import URL

    options = parse_dsn(f"postgresql://{place}")
    user, password, database = (options.pop(name, None) for name in ("user", "password", "dbname"))
    # SQLAlchemy counts the ports by `host`. libpq connects to `hostaddr` where both are given.
    hosts = options.setdefault("host", options.get("hostaddr", ""))
    ports = options.get("port", "")
    # SQLAlchemy has no port for all hosts.
    options["port"] = ports if "," in ports else ",".join([ports] * len(hosts.split(",")))
    return URL.create(DRIVER, user, password, None, None, database, options).render_as_string(
        hide_password=False
    )
