"""Plain wording for the comments of tables, columns and the views of analysts."""

from alembic import context, op

revision = "0011"
down_revision = "0010"

# Each table and column with its comment before and after.
TABLES = {
    "TABLE analytics_settings": (
        "How the views of the schema analytics keep people apart: one row.",
        "Privacy settings of the views in the schema analytics; one row.",
    ),
    "COLUMN analytics_settings.id": ("1: the one row.", "Always 1."),
    "COLUMN analytics_settings.min_group": (
        "People that a group must have to be shown; counts are rounded to it.",
        "Smallest group that is shown; counts are rounded to its multiples.",
    ),
    "TABLE interests": (
        "Interests that people can tick, and what they are called.",
        "Interests that users can select, with their names.",
    ),
    "TABLE cities": (
        "Places: a GeoNames city of 5,000 people and more, or one that a user typed.",
        "Cities: GeoNames places of 5,000 people and more, and those typed by users.",
    ),
    "COLUMN cities.name_key": (
        "The name folded: what two spellings share.",
        "Folded name: without case, accents and punctuation.",
    ),
    "COLUMN cities.country_code": (
        "ISO 3166-1 alpha-2 (XK for Kosovo); null: an unlisted city without one.",
        "ISO 3166-1 alpha-2 (XK for Kosovo); null: unlisted, without a country.",
    ),
    "COLUMN cities.region": (
        "Name of the region, where its code is understood.",
        "Name of the region; null: unknown.",
    ),
    "COLUMN cities.population": ("People, by GeoNames.", "Population by GeoNames."),
    "COLUMN cities.merged_into": (
        "The city this one turned out to be, for ever; never itself a merged one.",
        "City into which this one was merged permanently; never a merged city itself.",
    ),
    "COLUMN cities.hub_id": (
        "The city whose rooms this small town shares for now; never itself gathered.",
        "Hub whose rooms this gathered town uses; never a gathered town itself.",
    ),
    "TABLE city_names": (
        "All names of all listed cities, folded: what a typed name is looked up in.",
        "Names of all listed cities, in which typed names are looked up.",
    ),
    "COLUMN city_names.name_key": ("The name folded.", "Folded name."),
    "COLUMN city_names.city_id": ("The city that bears the name.", "City with this name."),
    "COLUMN city_names.name": ("The name as people write it.", "Name as written."),
    "COLUMN city_names.population": (
        "The city's population: the order of suggestions.",
        "Population of the city, by which suggestions are ordered.",
    ),
    "TABLE place_names": (
        "Names of countries and regions, folded: what may follow a city and a comma.",
        "Names of countries and regions, which may follow a city's name and a comma.",
    ),
    "COLUMN place_names.id": ("Number of the row.", "Row id."),
    "COLUMN place_names.name_key": ("The name folded.", "Folded name."),
    "COLUMN place_names.admin1": (
        "GeoNames first-level division code; null: the country, or none known.",
        "GeoNames first-level division code; null: a country, or an unknown code.",
    ),
    "TABLE gazetteer": (
        "Which place data the cities come from: one row.",
        "Version of the loaded gazetteer; one row.",
    ),
    "COLUMN gazetteer.id": ("1: the one row.", "Always 1."),
    "COLUMN gazetteer.fingerprint": (
        "Versions of the data and of the code that folds names.",
        "Versions of the data sources, and a hash of the code that reads them.",
    ),
    "COLUMN gazetteer.cities": ("Listed cities loaded.", "Number of listed cities."),
    "COLUMN gazetteer.names": ("Names loaded.", "Number of names."),
    "COLUMN gazetteer.loaded_at": ("When.", "Load time."),
    "TABLE models": (
        "Models that were put into service, the artefacts being in git.",
        "Models that were put into service; their files are in git.",
    ),
    "COLUMN models.id": (
        "Day it was trained and the first digits of its sha256.",
        "Model id: day of training and the first digits of sha256.",
    ),
    "COLUMN models.sha256": (
        "Of the artefact, in hexadecimal.",
        "SHA-256 of the file, in hex.",
    ),
    "COLUMN models.trained_at": ("When it was trained.", "Time of training."),
    "COLUMN models.training_users": (
        "People it was trained on.",
        "Users in the training data.",
    ),
    "COLUMN models.n_clusters": ("How many clusters it has.", "Number of clusters."),
    "COLUMN models.interests": (
        "The keys it knows, in its order.",
        "Interest keys, in model order.",
    ),
    "COLUMN models.metrics": ("Its measures, from its card.", "Metrics from the model card."),
    "COLUMN models.registered_at": (
        "When it was put into service.",
        "Time at which the model was put into service.",
    ),
    "COLUMN models.cluster_ids": (
        "Its clusters' numbers, in its order; null: a release before this column.",
        "Cluster ids, in the order of components; null: older than this column.",
    ),
    "COLUMN models.components": (
        "A row for each of cluster_ids, a weight in it for each of interests.",
        "Weights: a row for each of cluster_ids, a column for each of interests.",
    ),
    "COLUMN models.retired": (
        "Numbers of clusters that models before it had.",
        "Ids of clusters that earlier models had and this one lacks.",
    ),
    "TABLE clusters": (
        "Clusters: numbers whose meaning never changes, nor is used again.",
        "Clusters; an id keeps its meaning and is never reused.",
    ),
    "COLUMN clusters.id": ("The stable number, from 1.", "Stable cluster id, from 1."),
    "COLUMN clusters.top_interests": (
        "Heaviest interests, in order.",
        "Heaviest interests first.",
    ),
    "COLUMN clusters.model_id": (
        "The latest model that has it.",
        "Latest model with this cluster.",
    ),
    "COLUMN clusters.retired_at": (
        "When a model came that no longer has it; null: in use.",
        "Time at which a model without this cluster came into service; null: in use.",
    ),
    "TABLE memberships": (
        "Users: the room each is in, with the city and the interests they gave.",
        "Users with their room, city and interests.",
    ),
    "COLUMN memberships.city_id": (
        "The town the user said, also when a hub's room took them.",
        "City given by the user, also if the room is its hub's.",
    ),
    "COLUMN memberships.room_id": ("The room the user is in.", "Current room."),
    "COLUMN memberships.previous_room_id": (
        "The room before this one, which may be gone; null: this is the first.",
        "Previous room, which may no longer exist; null: the first room.",
    ),
    "COLUMN memberships.interests": (
        "Keys of the interests ticked, each once, in code point order.",
        "Keys of the selected interests, each once, in code point order.",
    ),
    "COLUMN memberships.model_id": (
        "The model that last placed the user.",
        "Model that last assigned the user.",
    ),
    "COLUMN memberships.created_at": (
        "When the user was first placed.",
        "Time of the user's first join.",
    ),
    "COLUMN memberships.joined_at": (
        "When the user came into this room.",
        "Time of joining the current room.",
    ),
    "COLUMN memberships.updated_at": (
        "When the row last changed.",
        "Time of the row's last change.",
    ),
    "TABLE room_changes": (
        "Moves that the app did not ask for, in commit order; kept for 30 days.",
        "Moves that the app did not request, in commit order; kept for 30 days.",
    ),
    "COLUMN room_changes.id": (
        "Order of the move: a reader's cursor.",
        "Id in commit order; the cursor of a reader.",
    ),
    "COLUMN room_changes.from_room": (
        "The room the user was in; it may be gone.",
        "Previous room, which may no longer exist.",
    ),
    "COLUMN room_changes.to_room": ("The room the user was put into.", "New room."),
    "COLUMN room_changes.run_id": (
        "The command that moved the user.",
        "Run of the command that moved the user.",
    ),
    "COLUMN room_changes.at": ("When.", "Time of the move."),
    "COLUMN rooms.id": ("Number of the room; never used again.", "Room id; never reused."),
    "COLUMN rooms.city_id": (
        "The city; for gathered towns their hub.",
        "City of the room: for gathered towns, their hub.",
    ),
    "COLUMN rooms.cluster_id": ("The cluster its members belong to.", "Cluster of the room."),
    "COLUMN rooms.created_at": (
        "When its first member came.",
        "Time of the first join.",
    ),
    "TABLE room_redirects": (
        "Rooms that are gone, each with the room that took its members in.",
        "Redirects: closed rooms, each with the room that replaced it.",
    ),
    "COLUMN room_redirects.id": ("Number of the room that is gone.", "Id of the closed room."),
    "COLUMN room_redirects.city_id": ("The city it was the room of.", "City of the closed room."),
    "COLUMN room_redirects.cluster_id": (
        "The cluster it was the room of.",
        "Cluster of the closed room.",
    ),
    "COLUMN room_redirects.room_id": (
        "The room that took it in; never itself a gone one.",
        "Room that replaced it; never a closed one itself.",
    ),
    "COLUMN room_redirects.at": ("When it was taken in.", "Time at which the room was closed."),
    "TABLE admin_runs": (
        "Commands that changed something: who, when, what came of it.",
        "Runs of commands that change data: user, time and result.",
    ),
    "COLUMN admin_runs.id": ("Number of the run.", "Run id."),
    "COLUMN admin_runs.arguments": (
        "Its arguments, without user ids.",
        "Arguments of the command, without user ids.",
    ),
    "COLUMN admin_runs.by": ("The system's user who ran it.", "Operating system user who ran it."),
    "COLUMN admin_runs.started_at": ("When.", "Start."),
    "COLUMN admin_runs.finished_at": (
        "When it ended; null: it did not.",
        "End; null: not finished.",
    ),
    "COLUMN admin_runs.counts": (
        "People, rooms and cities touched.",
        "Numbers of people, rooms and cities changed.",
    ),
}
CITY_HOSTS = (
    "Where each city leads, with merged_into and then hub_id followed.",
    "Each city with its pointers resolved: first merged_into, then hub_id.",
)
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
    for target, (_, comment) in TABLES.items():
        set_comment(target, comment)
    set_comment("VIEW city_hosts", CITY_HOSTS[1])
    set_comment("SCHEMA analytics", SCHEMA[1])
    for view, (comment, columns) in VIEWS.items():
        set_comment(f"VIEW analytics.{view}", comment)
        for column, column_comment in columns.items():
            set_comment(f"COLUMN analytics.{view}.{column}", column_comment)


def set_comment(target: str, comment: str) -> None:
    text = comment.replace("'", "''")
    op.execute(f"COMMENT ON {target} IS '{text}'")


def downgrade() -> None:
    for target, (comment, _) in TABLES.items():
        set_comment(target, comment)
    set_comment("VIEW city_hosts", CITY_HOSTS[0])
    set_comment("SCHEMA analytics", SCHEMA[0])
    for revision_before in ("0008", "0009"):
        views = context.script.get_revision(revision_before).module.VIEWS
        for view, (_, comment, columns) in views.items():
            set_comment(f"VIEW analytics.{view}", comment)
            for column, column_comment in columns.items():
                set_comment(f"COLUMN analytics.{view}.{column}", column_comment)
