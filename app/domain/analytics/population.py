"""Draws a population as the app might have after a year: seeded, so that it is the same again."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from app.domain.moves.hub_selection import EARTH_KM
from model.predict import Model

DAYS = 365
SHARE_MOVED = 0.03
# Ten days before the end the small towns were gathered.
GATHERED_AT = (DAYS - 10) * 86_400
# By weekday, Monday first: people register when they have time.
WEEKDAYS = np.array([1.0, 0.9, 0.9, 0.95, 1.0, 1.3, 1.5])
# How much more often an interest is ticked at the end of the year than at its beginning.
TRENDS = {"paddle": 1.8, "climbing": 1.5, "surf": 1.3, "parties": 0.7, "burguers": 0.8}
PREDICTED_AT_ONCE = 100_000

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Towns:
    """Places to live, an entry each: their ids, how many of all people live there, degrees north
    and east (nan: nobody knows), their country, and whether they may share another's rooms."""

    ids: Numbers
    weights: NDArray[np.float64]
    degrees: NDArray[np.float64]
    countries: NDArray[np.str_]
    may_be_gathered: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Population:
    """People in the order of their coming, an entry each: the numbers of their towns in Towns,
    their clusters, their profiles (0/1 over the model's interests), the seconds of the year at
    which they came and at which they moved (-1: they never did), and where from.

    `hubs`: for each town the number of the one whose rooms it shares, itself or another.
    `gathered`: who moved because their town was gathered.
    """

    towns: Numbers
    clusters: Numbers
    profiles: NDArray[np.bool_]
    came: Numbers
    moved: Numbers
    old_towns: Numbers
    old_clusters: Numbers
    gathered: NDArray[np.bool_]
    hubs: Numbers


def draw(towns: Towns, model: Model, users: int, seed: int, until: date) -> Population:
    """So many people, drawn from the model's components and the towns' weights."""
    chance = np.random.default_rng(seed)
    came = _came(chance, users, until)
    homes = chance.choice(len(towns.ids), users, p=towns.weights / towns.weights.sum())
    profiles, clusters = _profiles(chance, model, came)
    hubs = _hubs(towns, np.bincount(homes, minlength=len(towns.ids)))
    moved, old_towns, old_clusters = _moves(chance, model, towns, came, homes, clusters)
    gathered = (hubs[homes] != homes) & (came < GATHERED_AT)
    moved[gathered] = GATHERED_AT
    old_towns[gathered], old_clusters[gathered] = homes[gathered], clusters[gathered]
    return Population(
        homes, clusters, profiles, came, moved, old_towns, old_clusters, gathered, hubs
    )


def _came(chance: np.random.Generator, users: int, until: date) -> Numbers:
    """Seconds since the year began, ascending: few a day at first, more and more, most at night."""
    days = np.arange(DAYS)
    weekdays = (until.weekday() - (DAYS - 1) + days) % 7
    rate = (0.1 + (days / DAYS) ** 1.5) * WEEKDAYS[weekdays]
    day = chance.choice(DAYS, users, p=rate / rate.sum())
    second = chance.normal(19.5, 3.0, users) * 3600 % 86_400
    return np.sort(day * 86_400 + second.astype(np.int64))


def _profiles(
    chance: np.random.Generator, model: Model, came: Numbers
) -> tuple[NDArray[np.bool_], Numbers]:
    """Profiles as mixtures of a strong component and a weak one, and the clusters they fall in."""
    components = model.matrix
    users, heights = len(came), components / components.max(axis=1, keepdims=True)
    favour = chance.dirichlet(np.full(len(heights), 6.0))
    strong = chance.choice(len(heights), users, p=favour)
    weak = chance.choice(len(heights), users)
    trends = np.array([TRENDS.get(key, 1.0) for key in model.interests])
    profiles = np.empty((users, heights.shape[1]), np.bool_)
    clusters = np.empty(users, np.int64)
    for first in range(0, users, PREDICTED_AT_ONCE):
        part = slice(first, first + PREDICTED_AT_ONCE)
        wish = 0.06 + 0.6 * heights[strong[part]] + 0.2 * heights[weak[part]]
        year = came[part, np.newaxis] / (DAYS * 86_400)
        ticked = chance.random(wish.shape) < np.clip(wish * trends**year, 0, 0.95)
        ticked[~ticked.any(axis=1), 0] = True  # everybody ticked something
        profiles[part] = ticked
        clusters[part] = model.predict_many(ticked.astype(float))
    return profiles, clusters


def _hubs(towns: Towns, members: Numbers, radius_km: float = 30, minimum: int = 20) -> Numbers:
    """For each town itself, or the nearest with enough members, if it has not enough of its own."""
    from sklearn.neighbors import BallTree

    hubs, places = np.arange(len(towns.ids)), np.radians(towns.degrees)
    is_known = ~np.isnan(towns.degrees[:, 0])
    is_large = is_known & (members >= minimum)
    is_small = is_known & (members > 0) & (members < minimum) & towns.may_be_gathered
    for country in np.unique(towns.countries[is_large]):
        large = np.flatnonzero(is_large & (towns.countries == country))
        small = np.flatnonzero(is_small & (towns.countries == country))
        if len(small):
            away, nearest = BallTree(places[large], metric="haversine").query(places[small])
            is_near = away[:, 0] * EARTH_KM <= radius_km
            hubs[small[is_near]] = large[nearest[is_near, 0]]
    return hubs


def _moves(
    chance: np.random.Generator,
    model: Model,
    towns: Towns,
    came: Numbers,
    homes: Numbers,
    clusters: Numbers,
) -> tuple[Numbers, Numbers, Numbers]:
    """Some moved once since they came: from another town, or with other interests."""
    users = len(came)
    has_moved = chance.random(users) < SHARE_MOVED
    is_from_elsewhere = chance.random(users) < 0.4
    left = DAYS * 86_400 - came
    moved = np.where(has_moved, came + (left * chance.random(users)).astype(np.int64), -1)
    others = chance.choice(len(towns.ids), users, p=towns.weights / towns.weights.sum())
    ids = np.array(model.cluster_ids)
    # Their own number after one of all, or the same again: then they only changed the town.
    changed = ids[(np.searchsorted(ids, clusters) + chance.integers(1, 4, users)) % len(ids)]
    return (
        moved,
        np.where(is_from_elsewhere, others, homes),
        np.where(is_from_elsewhere, clusters, changed),
    )
