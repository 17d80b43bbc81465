"""`make run`: everything a developer needs in one process, on the embedded Postgres."""

import os
import sys

from flask_migrate import upgrade
from gunicorn.app.wsgiapp import WSGIApplication

from app.config import INSTANCE, ROOT, read_environment
from app.current import services
from app.factory import build_app


def main() -> None:
    """Prepare the database, then become gunicorn's arbiter."""
    os.environ.setdefault("APP_ENV", "development")
    settings = read_environment()
    INSTANCE.mkdir(exist_ok=True)
    (INSTANCE / "development").touch()
    with build_app(settings).app_context():
        upgrade()
        services().clusters.register(services().model)
    # Not another process: this one is counted as a user of the embedded Postgres from here on.
    sys.argv = ["gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]
    WSGIApplication("%(prog)s").run()


if __name__ == "__main__":
    main()
