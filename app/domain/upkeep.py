"""What each web worker does every hour, because no request or command may come that would do it."""

import logging
import time
from threading import Thread

from app.domain.analytics import publication
from app.domain.members.empty_places import EmptyPlaces
from app.domain.moves.change_feed import delete_old_changes
from app.infra.database import Database

log = logging.getLogger(__name__)

INTERVAL_S = 3_600


def start_hourly_upkeep(database: Database) -> None:
    """Start a thread that now and every hour deletes the moves that are past their 30 days, and the
    empty typed places that killed processes and failed joins have left, and publishes the figures
    for analysts when that is due."""

    def run() -> None:
        while True:
            for work in (delete_old_changes, remove_empty_places, publish_figures):
                try:
                    work(database)
                except Exception as error:  # no failure may end the thread
                    log.warning("%s failed: %s", work.__name__, type(error).__name__)
            time.sleep(INTERVAL_S)

    Thread(target=run, name="upkeep", daemon=True).start()


def remove_empty_places(database: Database) -> None:
    """Remove all typed places in which nobody is. Raises DatabaseUnavailable."""
    EmptyPlaces(database).remove_all()


def publish_figures(database: Database) -> None:
    """Publish the figures for analysts if that is due. Raises DatabaseUnavailable."""
    if publication.publish(database, dry_run=True):
        return
    # A worker may have a single connection for its requests, and a publication takes long.
    apart = database.apart()
    try:
        publication.publish(apart)
    finally:
        apart.close()
