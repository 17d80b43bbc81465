"""The views of the map: what a request asks to see, and the views that a page links to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from app.domain.rooms.city_counts import CityCount
from app.pages.map.frame import WORLD, Frame, fit_frame, frame_around
from app.pages.map.projection import WIDTH, Lengths
from app.pages.map.regions import REGION_OF

# A view near a city at zoom n is WIDTH / 2^n map units wide: from half the world to 20 km.
MIN_ZOOM, MAX_ZOOM = 1, 11
# A view of the cities of one circle is at least this much closer than the view before.
CLOSER_FACTOR = 4


@dataclass(frozen=True, slots=True)
class View:
    """A part of the members: all of them, or of a region, of a country, or near a city.

    `code`: the region or the country, also of the city; `query`: the parameters of its address,
    empty for the default view.
    """

    kind: str
    code: str = ""
    near: int = 0
    zoom: int = 0

    @property
    def query(self) -> dict[str, str | int]:
        if self.kind == "near":
            return {"near": self.near, "zoom": self.zoom}
        return {self.kind: self.code} if self.kind in ("region", "country") else {}

    @property
    def parents(self) -> list["View"]:
        """Return the wider views, the widest first."""
        views = [MEMBERS] if self.kind != "members" else []
        if self.code in REGION_OF and self.kind != "region":
            views.append(View("region", REGION_OF[self.code]))
            if self.kind == "near":
                views.append(View("country", self.code))
        return views


MEMBERS, EVERYWHERE = View("members"), View("region", "world")


@dataclass(frozen=True, slots=True)
class Selection:
    """The cities of a view, largest first, and its frame.

    `outside`: the cities that the frame does not reach; `unplaced`: those without coordinates.
    """

    view: View
    frame: Frame
    inside: list[CityCount]
    outside: list[CityCount]
    unplaced: list[CityCount]


def read_view(arguments: Mapping[str, str]) -> View | None:
    """Return the view of a query string; None if there is no such view."""
    region, country = arguments.get("region", ""), arguments.get("country", "")
    near, zoom = arguments.get("near", ""), arguments.get("zoom", "")
    if country:
        return View("country", country.upper()) if country.upper() in REGION_OF else None
    if region.lower() == EVERYWHERE.code:
        return EVERYWHERE
    if region:
        return View("region", region.upper()) if region.upper() in REGION_OF.values() else None
    if near:
        is_number = all(
            text.isascii() and text.isdigit() and len(text) < 16 for text in (near, zoom)
        )
        if not is_number or not MIN_ZOOM <= int(zoom) <= MAX_ZOOM:
            return None
        return View("near", near=int(near), zoom=int(zoom))
    return MEMBERS


def select(view: View, city_counts: list[CityCount]) -> Selection | None:
    """Return the cities of a view; None if it is near a city that has no members."""
    placed = [count for count in city_counts if count.latitude is not None]
    unplaced = [count for count in city_counts if count.latitude is None]
    if view.kind == "near":
        middle = next((count for count in placed if count.city.id == view.near), None)
        if middle is None or middle.latitude is None or middle.longitude is None:
            return None
        frame = frame_around(middle.latitude, middle.longitude, WIDTH / 2**view.zoom)
        inside, _ = _divide(frame, placed)
        return Selection(replace(view, code=middle.city.country or ""), frame, inside, [], [])
    if view != MEMBERS and view != EVERYWHERE:
        placed = [count for count in placed if _is_in(view, count)]
        unplaced = [count for count in unplaced if _is_in(view, count)]
    frame = WORLD if view == EVERYWHERE else fit_frame(*_arrays(placed))
    inside, outside = _divide(frame, placed)
    return Selection(view, frame, inside, outside, unplaced)


def closer_view(frame: Frame, city_count: CityCount) -> View | None:
    """Return the view of the cities that one circle of a frame contains; None at the closest."""
    current = log2(WIDTH / frame.width)
    zoom = min(MAX_ZOOM, ceil(current + log2(CLOSER_FACTOR)))
    return View("near", near=city_count.city.id, zoom=zoom) if zoom > current else None


def narrower_views(view: View, city_counts: list[CityCount]) -> list[tuple[View, int]]:
    """Return the views of the regions, or of a region's countries, with their members."""
    members: dict[View, int] = {}
    for count in city_counts:
        country = count.city.country or ""
        if view.kind == "region" and view != EVERYWHERE:
            part = View("country", country) if REGION_OF.get(country) == view.code else None
        elif view.kind in ("country", "near") or country not in REGION_OF:
            part = None
        else:
            part = View("region", REGION_OF[country])
        if part:
            members[part] = members.get(part, 0) + count.members
    return sorted(members.items(), key=lambda item: -item[1])


def _is_in(view: View, count: CityCount) -> bool:
    country = count.city.country or ""
    return view.code == (REGION_OF.get(country) if view.kind == "region" else country)


def _arrays(placed: list[CityCount]) -> tuple[Lengths, Lengths, Lengths]:
    columns = [(count.latitude, count.longitude, count.members) for count in placed]
    latitudes, longitudes, members = np.array(columns, dtype=float).reshape(-1, 3).T
    return latitudes, longitudes, members


def _divide(frame: Frame, placed: list[CityCount]) -> tuple[list[CityCount], list[CityCount]]:
    """Return the cities inside a frame, and those outside."""
    latitudes, longitudes, _ = _arrays(placed)
    inside = frame.contains(latitudes, longitudes)
    return (
        [count for count, is_inside in zip(placed, inside, strict=True) if is_inside],
        [count for count, is_inside in zip(placed, inside, strict=True) if not is_inside],
    )
