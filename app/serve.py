"""`make run`: everything a developer needs in one process, on the embedded Postgres."""

import fcntl
import os
import socket
import sys
import tempfile


def main() -> None:
    """Prepare the database, then become gunicorn's arbiter."""
    # Named before what counts is imported, which looks for it once.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="nomad-rooms-figures-")
    from gunicorn.app.wsgiapp import WSGIApplication

    from app.config import INSTANCE, ROOT, read_environment
    from app.current import services
    from app.schema.application import migrating_app
    from app.schema.upgrading import upgrade

    os.environ.setdefault("APP_ENV", "development")
    settings = read_environment()
    if not is_free(settings.port):
        sys.exit(f"port {settings.port} is in use; take another: PORT={settings.port + 1} make run")
    INSTANCE.mkdir(exist_ok=True)
    (INSTANCE / "development").touch()
    with migrating_app(settings).app_context(), (INSTANCE / "prepare.lock").open("w") as lock:
        # Two started together would both make the tables.
        fcntl.flock(lock, fcntl.LOCK_EX)
        upgrade(services().database, settings.analytics_min_group)
        load_cities()
        services().clusters.register(services().model)
    # Not another process: this one is counted as a user of the embedded Postgres from here on.
    sys.argv = ["gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]
    WSGIApplication("%(prog)s").run()


def is_free(port: int) -> bool:
    """Whether nobody listens at a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def load_cities() -> None:
    """Load the gazetteer unless it is there."""
    from app.cities import loading
    from app.cli import progress_bar
    from app.current import services

    database = services().database
    if loading.loaded(database) is None:
        with progress_bar() as progress:
            loading.load(database, progress)


if __name__ == "__main__":
    main()
