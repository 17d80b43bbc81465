"""`make run`: prepares the embedded Postgres and serves, in one process."""

import fcntl
import os
import socket
import sys


def main() -> None:
    """Prepare the database, then become gunicorn's arbiter; print one line if that fails."""
    from app.cli.error_messages import error_message
    from app.config import ROOT

    os.environ.setdefault("APP_ENV", "development")
    try:
        prepare()
        from gunicorn.app.wsgiapp import WSGIApplication
    except KeyboardInterrupt:
        sys.exit("stopped")
    except Exception as error:
        sys.exit(error_message(error))
    # gunicorn runs in this process, which holds the embedded Postgres open as long as it lives.
    sys.argv = ["gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]
    WSGIApplication("%(prog)s").run()


def prepare() -> None:
    """Check the port; start the embedded Postgres, migrate, load the cities, register the model."""
    from app.config import INSTANCE, create_metrics_directory, read_environment

    settings = read_environment()
    check_port(settings.port)
    create_metrics_directory()
    from app.cli.migrations import create_migrating_app, upgrade
    from app.services import services

    INSTANCE.mkdir(exist_ok=True)
    (INSTANCE / "development").touch()
    with (
        create_migrating_app(settings).app_context(),
        (INSTANCE / "prepare.lock").open("w") as lock,
    ):
        # Two servers that start together would both create the tables.
        fcntl.flock(lock, fcntl.LOCK_EX)
        upgrade(services().database, settings.analytics_min_group)
        load_cities()
        services().clusters.register(services().model)


def check_port(port: int) -> None:
    """Exit with one line if the server cannot listen on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            sys.exit(f"port {port} requires root; use one from 1024 on: PORT=5000 make run")
        except OSError:
            sys.exit(f"port {port} is in use; use another: PORT={port + 1} make run")


def load_cities() -> None:
    """Load the gazetteer, unless this version of it is loaded."""
    from app.cli.common import progress_bar
    from app.domain.cities import gazetteer_loader
    from app.services import services

    database = services().database
    if gazetteer_loader.find_loaded(database) is None:
        with progress_bar() as progress:
            gazetteer_loader.load(database, progress)


if __name__ == "__main__":
    main()
