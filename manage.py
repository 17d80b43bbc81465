#!/usr/bin/env python
"""Nomad Rooms' command line: `python manage.py --help`."""

from app.cli.common import LazyGroup, main

manage = LazyGroup(
    "manage.py",
    help="Inspect and correct rooms, cities, clusters and users.",
    lazy_commands={
        "analysts": ("app.cli.analysts:analysts", "Analysts: grant, revoke, queries."),
        "cities": ("app.cli.cities:cities", "Cities: load, find, merge, gather, release."),
        "clusters": ("app.cli.clusters:clusters", "Clusters: list, show, plot."),
        "db": ("app.cli.database:group", "The database's schema: upgrade, check, distribute."),
        "demo": ("app.cli.demo:demo", "Create a synthetic population, for development."),
        "model": ("app.cli.model:model", "The model that predicts clusters."),
        "rooms": ("app.cli.rooms:rooms", "Rooms: list, show, export."),
        "runs": ("app.cli.runs:runs", "The commands that admins ran."),
        "stats": ("app.cli.stats:stats", "Numbers of users and rooms, and their growth."),
        "users": ("app.cli.users:users", "Users: show, forget, export, import."),
    },
)

if __name__ == "__main__":
    main(manage)
