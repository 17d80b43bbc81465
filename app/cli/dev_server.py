"""`make run`: prepares the embedded Postgres and serves, in one process."""

import fcntl
import os
import socket
import sys


def main() -> None:
    """Prepare the database, then become gunicorn's arbiter."""
    from app.config import INSTANCE, ROOT, create_metrics_directory, read_environment

    os.environ.setdefault("APP_ENV", "development")
    settings = read_environment()
    if not is_free(settings.port):
        sys.exit(f"port {settings.port} is in use; use another: PORT={settings.port + 1} make run")
    create_metrics_directory()
    from gunicorn.app.wsgiapp import WSGIApplication

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
    # gunicorn runs in this process, which holds the embedded Postgres open as long as it lives.
    sys.argv = ["gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]
    WSGIApplication("%(prog)s").run()


def is_free(port: int) -> bool:
    """Return whether no process listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


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
