"""Draws a seeded population as the app might have after a year."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from app.domain.moves.hub_selection import EARTH_KM
from model.predict import Model

DAYS = 365
DAY_S = 86_400
MOVED_SHARE = 0.08
CHANGED_TOWN_SHARE = 0.4
# For each present member so many were erased.
ERASED_SHARE = 0.04
# Small towns are gathered so long before the end that the month is over.
GATHERED_AT_S = (DAYS - 40) * DAY_S
# Relative number of new members by weekday, Monday first.
WEEKDAY_WEIGHTS = np.array([1.0, 0.9, 0.9, 0.95, 1.0, 1.3, 1.5])
# How much more often an interest is selected at the end of the year than at its start.
TRENDS = {"paddle": 1.8, "climbing": 1.5, "surf": 1.3, "parties": 0.7, "burguers": 0.8}
MAX_BATCH_SIZE = 100_000
HUB_RADIUS_KM = 30
MIN_HUB_MEMBERS = 20

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Towns:
    """Towns, one entry each: id, share of all people (up to a factor), degrees north and east (nan
    if unknown), country, and whether the town may be gathered into a hub."""

    ids: Numbers
    weights: NDArray[np.float64]
    degrees: NDArray[np.float64]
    countries: NDArray[np.str_]
    can_be_gathered: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Population:
    """People in the order in which they joined, one entry each; towns are positions in Towns.

    `profiles`: 0/1 over the model's interests. `joined_s`, `moved_s`: seconds since the year began,
    -1 if they never moved. `is_gathered`: they moved because their town was gathered. `hubs`: for
    each town the town that hosts its rooms, itself or another.
    """

    towns: Numbers
    clusters: Numbers
    profiles: NDArray[np.bool_]
    joined_s: Numbers
    moved_s: Numbers
    old_towns: Numbers
    old_clusters: Numbers
    is_gathered: NDArray[np.bool_]
    hubs: Numbers


@dataclass(frozen=True, slots=True)
class Erased:
    """People who were erased, one entry each: town, cluster, and seconds since the year began."""

    towns: Numbers
    clusters: Numbers
    joined_s: Numbers
    erased_s: Numbers


def draw(towns: Towns, model: Model, users: int, seed: int, until: date) -> Population:
    """Draw people from the model's components and the towns' weights."""
    rng = np.random.default_rng(seed)
    joined_s = _draw_joins(rng, users, until)
    homes = _draw_towns(rng, towns, users)
    profiles, clusters = _draw_profiles(rng, model, joined_s)
    hubs = _choose_hubs(towns, np.bincount(homes, minlength=len(towns.ids)))
    moved_s, old_towns, old_clusters = _draw_moves(rng, model, towns, joined_s, homes, clusters)
    is_gathered = (hubs[homes] != homes) & (joined_s < GATHERED_AT_S)
    moved_s[is_gathered] = GATHERED_AT_S
    old_towns[is_gathered], old_clusters[is_gathered] = homes[is_gathered], clusters[is_gathered]
    return Population(
        homes, clusters, profiles, joined_s, moved_s, old_towns, old_clusters, is_gathered, hubs
    )


def draw_erased(towns: Towns, model: Model, users: int, seed: int, until: date) -> Erased:
    """Draw the people who were erased while so many users joined and remained."""
    # The members of a seed are the same with and without them.
    rng = np.random.default_rng((seed, 1))
    joined_s = _draw_joins(rng, round(ERASED_SHARE * users), until)
    _, clusters = _draw_profiles(rng, model, joined_s)
    remaining_s = DAYS * DAY_S - joined_s
    erased_s = joined_s + (remaining_s * rng.random(len(joined_s))).astype(np.int64)
    return Erased(_draw_towns(rng, towns, len(joined_s)), clusters, joined_s, erased_s)


def _draw_joins(rng: Generator, users: int, until: date) -> Numbers:
    """Return seconds since the year began, ascending: more each month, and most in the evening."""
    days = np.arange(DAYS)
    weekdays = (until.weekday() - (DAYS - 1) + days) % 7
    rate = (0.1 + (days / DAYS) ** 1.5) * WEEKDAY_WEIGHTS[weekdays]
    day = rng.choice(DAYS, users, p=rate / rate.sum())
    second = rng.normal(19.5, 3.0, users) * 3600 % DAY_S
    return np.sort(day * DAY_S + second.astype(np.int64))


def _draw_towns(rng: Generator, towns: Towns, users: int) -> Numbers:
    return rng.choice(len(towns.ids), users, p=towns.weights / towns.weights.sum())


def _draw_profiles(
    rng: Generator, model: Model, joined_s: Numbers
) -> tuple[NDArray[np.bool_], Numbers]:
    """Return profiles, mixtures of a strong and a weak component, and their clusters."""
    components = model.matrix
    users, heights = len(joined_s), components / components.max(axis=1, keepdims=True)
    shares = rng.dirichlet(np.full(len(heights), 6.0))
    strong = rng.choice(len(heights), users, p=shares)
    weak = rng.choice(len(heights), users)
    trends = np.array([TRENDS.get(key, 1.0) for key in model.interests])
    profiles = np.empty((users, heights.shape[1]), np.bool_)
    clusters = np.empty(users, np.int64)
    for first in range(0, users, MAX_BATCH_SIZE):
        batch = slice(first, first + MAX_BATCH_SIZE)
        probability = 0.06 + 0.6 * heights[strong[batch]] + 0.2 * heights[weak[batch]]
        year = joined_s[batch, np.newaxis] / (DAYS * DAY_S)
        probability = np.clip(probability * trends**year, 0, 0.95)
        selected = rng.random(probability.shape) < probability
        selected[~selected.any(axis=1), 0] = True  # no profile is empty
        profiles[batch] = selected
        clusters[batch] = model.predict_many(selected.astype(float))
    return profiles, clusters


def _choose_hubs(towns: Towns, members: Numbers) -> Numbers:
    """Return each town's hub: the nearest large town of its country, or the town itself."""
    from sklearn.neighbors import BallTree

    hubs, places = np.arange(len(towns.ids)), np.radians(towns.degrees)
    is_located = ~np.isnan(towns.degrees[:, 0])
    is_large = is_located & (members >= MIN_HUB_MEMBERS)
    is_small = is_located & (members > 0) & ~is_large & towns.can_be_gathered
    for country in np.unique(towns.countries[is_large]):
        large = np.flatnonzero(is_large & (towns.countries == country))
        small = np.flatnonzero(is_small & (towns.countries == country))
        if len(small):
            distances, nearest = BallTree(places[large], metric="haversine").query(places[small])
            is_near = distances[:, 0] * EARTH_KM <= HUB_RADIUS_KM
            hubs[small[is_near]] = large[nearest[is_near, 0]]
    return hubs


def _draw_moves(
    rng: Generator, model: Model, towns: Towns, joined_s: Numbers, homes: Numbers, clusters: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return when some people moved, and their town and cluster before, of which one may differ."""
    users = len(joined_s)
    has_moved = rng.random(users) < MOVED_SHARE
    changed_town = rng.random(users) < CHANGED_TOWN_SHARE
    remaining_s = DAYS * DAY_S - joined_s
    delay_s = (remaining_s * rng.random(users)).astype(np.int64)
    other_towns = _draw_towns(rng, towns, users)
    ids = np.array(model.cluster_ids)
    positions = np.searchsorted(ids, clusters) + rng.integers(1, 4, users)
    other_clusters = ids[positions % len(ids)]
    return (
        np.where(has_moved, joined_s + delay_s, -1),
        np.where(changed_town, other_towns, homes),
        np.where(changed_town, clusters, other_clusters),
    )
