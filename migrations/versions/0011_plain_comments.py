"""Plain wording for the comments of tables and columns."""

from alembic import op

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


def upgrade() -> None:
    for target, (_, comment) in TABLES.items():
        set_comment(target, comment)


def set_comment(target: str, comment: str) -> None:
    text = comment.replace("'", "''")
    op.execute(f"COMMENT ON {target} IS '{text}'")


def downgrade() -> None:
    for target, (comment, _) in TABLES.items():
        set_comment(target, comment)
