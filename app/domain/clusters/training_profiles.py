"""Reads the members' interests as training data."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.infra.database import Database
    from model.training.profiles import Profiles

# A model of fewer members would be worse than the shipped one.
MIN_MEMBERS = 100

# Profiles and the count of each: no user's id leaves the database.
PROFILES = """
    SELECT interests, count(*) AS members, max(updated_at) AS updated_at FROM memberships
    WHERE interests <> '{}' GROUP BY interests
"""


def read_member_profiles(database: "Database") -> "tuple[Profiles, datetime]":
    """Return the members' profiles, read by a server-side cursor, and the time of the last change.

    Raises TrainingDataError (too few members), DatabaseUnavailable, ArtifactError.
    """
    from model import artifact
    from model.training.errors import TrainingDataError
    from model.training.profiles import profiles_from_rows

    groups = list(database.stream(PROFILES))
    members = sum(group.members for group in groups)
    if members < MIN_MEMBERS:
        raise TrainingDataError(
            f"{members} members with interests are too few to train on: at least {MIN_MEMBERS} "
            "are needed; --data FILE trains on a survey"
        )
    rows = [(group.interests, group.members) for group in groups]
    last_change = max(group.updated_at for group in groups)
    return profiles_from_rows(rows, artifact.load().interests), last_change.replace(microsecond=0)
