"""Plain wording for the comments of the analysts' views."""

from alembic import context, op

revision = "0012"
down_revision = "0011"

SCHEMA = (
    "What analysts may read: views of groups of people, never of a person.",
    "Views for analysts: figures of groups of people, never of one person.",
)
ESTIMATED = "rounded; an estimate if there are over 200,000 people"
SMALL_GROUPS = "Groups below the minimum size are summed in rows 'other'."
# Each view with its comment and its columns' comments; the ones before are in 0008 and 0009.
VIEWS = {
    "rooms": (
        f"Rooms with their members. {SMALL_GROUPS}",
        {
            "room_id": "Room id, as in the API; null: a row 'other'.",
            "city_id": "City of the room, for joining with cities; null: a row 'other'.",
            "members_of_last_30_days": (
                "Members who joined in the 30 days up to the newest join of all; rounded, and 0"
                " if they are too few to be shown."
            ),
            "is_quiet": "True: too few joined in those 30 days to be shown. Null: a row 'other'.",
            "established_at": (
                "First day of the month in which the room reached the minimum group size; null: a"
                " row 'other'."
            ),
        },
    ),
    "cities": (
        "Places with the people who gave them as their city, and the people in their rooms."
        f" {SMALL_GROUPS}",
        {
            "city_id": "City id, from GeoNames if the city is listed; null: a row 'other'.",
            "city": "Name of the place, as typed if it is unlisted; or 'other'.",
            "is_listed": "True: listed in the gazetteer. False: typed by a user.",
            "is_gathered": "True: a small town that uses the rooms of its hub.",
            "hub": "Name of the hub; null: not gathered, or a row 'other'.",
            "km_to_hub": "Kilometres to the hub; in a row 'other', the mean over its people.",
            "members_from_here": "People who gave this place; rounded; null: too few.",
        },
    ),
    "clusters": (
        "Clusters with their top interests and numbers of members.",
        {
            "interests_en": "Top interests in English, the strongest first.",
            "interests_es": "Top interests in Spanish, the strongest first.",
            "is_retired": "True: the latest model no longer has this cluster.",
            "retired_at": (
                "Day on which a model without this cluster was put into service; null: in use."
            ),
            "model_id": "Latest model with this cluster.",
            "members": "People in rooms of this cluster; rounded; null: too few.",
            "rooms": "Rooms of this cluster that are large enough to be shown.",
        },
    ),
    "models": (
        "Models that were put into service, with the number of people assigned by each.",
        {
            "model_id": "Model id: day of training and the first digits of its checksum.",
            "trained_at": "Day of training.",
            "is_latest": "True: the model that was put into service last.",
            "registered_at": "Day on which the model was put into service.",
            "clusters": "Number of clusters.",
            "interests": "Number of interests.",
            "training_users": "Number of people in the training data.",
            "members": "People whom this model assigned last; rounded; null: too few.",
        },
    ),
    "daily_joins": (
        f"First joins by day, country and cluster. {SMALL_GROUPS}",
        {
            "joined_at": "Day of the first join, UTC.",
            "country": "Country of the city, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
            "cluster": "Number of their current cluster; null: several, summed.",
            "joins": "People; rounded. People erased since are not counted.",
        },
    ),
    "weekly_joins": (
        f"First joins by week and city. {SMALL_GROUPS}",
        {
            "joined_at": "Monday of the week of the first join, UTC.",
            "city_id": "City that they gave, for joining with cities; null: a row 'other'.",
            "joins": "People; rounded. People erased since are not counted.",
        },
    ),
    "interest_popularity": (
        "Interests by month of the first join and by cluster. An interest is left out if too few"
        " of a group have it, or all but too few.",
        {
            "joined_at": "First day of the month of the first join, UTC.",
            "cluster": "Number of their current cluster.",
            "interest": "Key of the interest, as in the API.",
            "members_who_like": f"People who joined that month and selected it; {ESTIMATED}.",
            "members": f"All people of the cluster who joined that month; {ESTIMATED}.",
        },
    ),
    "city_interests": (
        "Interests by city. An interest is left out if too few people of a city have it, or all"
        " but too few.",
        {
            "interest": "Key of the interest, as in the API.",
            "members_who_like": f"People of the city who selected it; {ESTIMATED}.",
            "members": f"All people of the city; {ESTIMATED}.",
        },
    ),
    "moves": (
        f"Moves between rooms: the latest of each person. {SMALL_GROUPS}",
        {
            "moved_at": "First day of the month of the move, UTC.",
            "from_city": "City of the previous room; or 'other'.",
            "to_city": "City of the new room; or 'other'.",
            "from_cluster": "Cluster of the previous room; null: several, summed.",
            "to_cluster": "Cluster of the new room; null: several, summed.",
            "reason": (
                "asked: the person sent another city or other interests; merge, gather, release,"
                " reassign or import: a command moved the person; no longer known: the reason is"
                " kept for 30 days."
            ),
        },
    ),
}


def upgrade() -> None:
    op.execute(f"COMMENT ON SCHEMA analytics IS '{SCHEMA[1]}'")
    for view, (comment, columns) in VIEWS.items():
        set_comments(view, comment, columns)


def set_comments(view: str, comment: str, columns: dict[str, str]) -> None:
    targets = {f"VIEW analytics.{view}": comment}
    targets |= {f"COLUMN analytics.{view}.{column}": text for column, text in columns.items()}
    for target, text in targets.items():
        escaped = text.replace("'", "''")
        op.execute(f"COMMENT ON {target} IS '{escaped}'")


def downgrade() -> None:
    op.execute(f"COMMENT ON SCHEMA analytics IS '{SCHEMA[0]}'")
    for revision_before in ("0008", "0009"):
        views = context.script.get_revision(revision_before).module.VIEWS
        for view, (_, comment, columns) in views.items():
            set_comments(view, comment, columns)
