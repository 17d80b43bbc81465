#!/usr/bin/env python
"""Nomad Rooms from a terminal: `python manage.py --help`."""

from app.cli.common import LazyGroup, main

manage = LazyGroup(
    "manage.py",
    help="Inspect and mend rooms, cities, clusters and users.",
    parts={
        "analysts": ("app.cli.analysts:analysts", "Analysts: grant, revoke, queries."),
        "cities": ("app.cli.cities:cities", "Cities: load, find, merge, gather, release."),
        "clusters": ("app.cli.clusters:clusters", "Clusters: list, show, plot."),
        "db": ("app.cli.database:group", "Bring the database's schema up to date."),
        "demo": ("app.cli.demo:demo", "A made-up population, for development."),
        "model": ("app.cli.model:model", "The model that predicts clusters."),
        "rooms": ("app.cli.rooms:rooms", "Rooms and how many are in them."),
        "runs": ("app.cli.runs:runs", "What admins did."),
        "stats": ("app.cli.stats:stats", "How many users and rooms, and how they grow."),
        "users": ("app.cli.users:users", "Users: show, forget, export, import."),
    },
)

if __name__ == "__main__":
    main(manage)
