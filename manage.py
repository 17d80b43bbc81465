#!/usr/bin/env python
"""Nomad Rooms from a terminal: `python manage.py --help`."""

from app.cli import LazyGroup, main

manage = LazyGroup(
    "manage.py",
    help="Inspect and mend rooms, cities, clusters and users.",
    parts={
        "cities": ("app.cities.commands:cities", "Cities: load, find, merge, gather, release."),
        "db": ("app.schema_commands:db", "Bring the database's schema up to date."),
        "model": ("app.clusters.commands:model", "The model that predicts clusters."),
        "rooms": ("app.rooms.commands:rooms", "Rooms and how many are in them."),
    },
)

if __name__ == "__main__":
    main(manage)
