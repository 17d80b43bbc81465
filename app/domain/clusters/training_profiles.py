"""The members as people to train a model on."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.infra.database import Database
    from model.training.profiles import Profiles

# Fewer members than this teach nothing that the shipped model does not know better.
FEWEST_MEMBERS = 100

# Profiles and how often each is there: no user's id leaves the database.
PROFILES = """
    SELECT interests, count(*), max(updated_at) FROM memberships
    WHERE interests <> '{}' GROUP BY interests
"""


def members(database: "Database") -> "tuple[Profiles, datetime]":
    """The members' profiles, through a cursor on the server, and when the last one changed.

    Raises SurveyError (too few), DatabaseUnavailable, ArtifactError.
    """
    from model import artifact
    from model.training.profiles import of_rows
    from model.training.survey import SurveyError

    rows: list[tuple[list[str], int]] = []
    latest: list[datetime] = []
    for interests, people, updated_at in database.stream(PROFILES):
        rows.append((interests, people))
        latest.append(updated_at)
    number = sum(people for _, people in rows)
    if number < FEWEST_MEMBERS:
        raise SurveyError(
            f"{number} members with interests are too few to train on: {FEWEST_MEMBERS} are "
            "wanted; --data FILE trains on a survey"
        )
    return of_rows(rows, artifact.load().interests), max(latest).replace(microsecond=0)
