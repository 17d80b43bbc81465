"""Imports every table, which fills the metadata for migrations and their checks."""

# ruff: noqa: F401
import app.domain.analytics.tables
import app.domain.cities.tables
import app.domain.clusters.tables
import app.domain.members.tables
import app.domain.moves.tables
import app.domain.rooms.tables
import app.domain.runs.tables
