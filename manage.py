#!/usr/bin/env python
"""Nomad Rooms from a terminal: `python manage.py --help`."""

from app.cli import LazyGroup, main

manage = LazyGroup(
    "manage.py",
    help="Inspect and mend rooms, cities, clusters and users.",
    parts={
        "analysts": ("app.analytics.commands:analysts", "Analysts: grant, revoke, queries."),
        "cities": ("app.cities.commands:cities", "Cities: load, find, merge, gather, release."),
        "clusters": ("app.clusters.commands:clusters", "Clusters: list, show, plot."),
        "db": ("app.schema.commands:group", "Bring the database's schema up to date."),
        "demo": ("app.analytics.demo_command:demo", "A made-up population, for development."),
        "model": ("app.clusters.commands:model", "The model that predicts clusters."),
        "rooms": ("app.rooms.commands:rooms", "Rooms and how many are in them."),
        "runs": ("app.runs.commands:runs", "What admins did."),
        "stats": ("app.stats.commands:stats", "How many users and rooms, and how they grow."),
        "users": ("app.members.commands:users", "Users: show, forget, export, import."),
    },
)

if __name__ == "__main__":
    main(manage)
