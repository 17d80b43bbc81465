"""Decides what a typed place means, from its divisions and what the gazetteer has.

Each part is a name of cities, of areas, of both, or of neither. The first part that names a city
in all areas of the other parts is the city. A part that says something else is never dropped in
silence: the reading then names the other cities that may be meant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from app.domain.cities.agreement import Agreement, agreement
from app.domain.cities.area_or_city import is_city_meant, main_area
from app.domain.cities.city import City
from app.domain.cities.place_lookup import OFFICIAL_FACTOR, Area, Bearer, Known
from app.domain.cities.place_parser import Parse, Part, TypedPlace
from app.domain.cities.place_slots import LARGE_POPULATION, Slot, SlotReader
from app.domain.cities.postal_codes import is_code_of
from app.domain.cities.reading import Reading

MAX_OTHERS = 3
# A part that is not understood is worse than another place to choose from.
DOUBT_OF_UNKNOWN = 10


class Fit(NamedTuple):
    """How the other parts agree with a city or an area; compared from the first field on."""

    contradictions: int
    doubts: int
    near: int
    position: int
    weight: int


class PlaceReader:
    """Reads one typed place.

    `country`: given beside the name; only its cities count. `default_country`: the app's own.
    """

    def __init__(
        self, typed: TypedPlace, known: Known, country: str | None, default_country: str
    ) -> None:
        self.typed = typed
        self.reader = SlotReader(known, country, default_country)
        self.default_country = default_country

    def read(self) -> Reading:
        """Return the best reading."""
        whole = self._read_whole()
        if not self.typed.parses:  # only digits, or only flags
            flags = self.reader.flags(self.typed.flags)
            return whole or (
                self._read_segment(flags) if flags else Reading(name=self.typed.key, doubts=1)
            )
        if whole and self._is_one_part():
            return whole
        readings = [reading for parse in self.typed.parses if (reading := self._read_parse(parse))]
        if whole:
            readings.append(replace(whole, doubts=whole.doubts + bool(self.typed.flags)))
        return min(readings, key=lambda reading: reading.rank, default=Reading())

    def _is_one_part(self) -> bool:
        segments = self.typed.parses[0].segments
        return len(segments) == 1 and len(segments[0]) == 1 and not self.typed.flags

    def _read_whole(self) -> Reading | None:
        """Return the city that has the whole text as its name."""
        key = self.typed.key
        slot = Slot(Part(self.typed.text), self.reader.cities(key), self.reader.areas(key))
        bearer = self._meant_city(slot)
        return Reading(bearer.town, said_id=bearer.id) if bearer else None

    def _read_parse(self, parse: Parse) -> Reading | None:
        flags = self.reader.flags(self.typed.flags)
        segments = [self.reader.slots(segment) for segment in parse.segments]
        segments = [slots for slots in segments if slots]
        named = [slots for slots in segments if not all(slot.is_area_only for slot in slots)]
        areas = [slot for slots in segments if slots not in named for slot in slots]
        if not named:
            return self._read_segment([*areas, *flags]) if areas or flags else None
        readings = [self._read_segment([*slots, *areas, *flags]) for slots in named]
        if areas and any(reading.doubts for reading in readings):
            # "Lisbon & Bali": the area is a place of its own.
            readings = [self._read_segment([*slots, *flags]) for slots in named]
            readings += [self._read_segment([slot]) for slot in areas]
        is_known = all(not one.name and one.doubts < DOUBT_OF_UNKNOWN for one in readings)
        if not (parse.is_strict or is_known):
            return None  # weak signs separate only what is known
        return self._combined(readings)

    def _combined(self, readings: list[Reading]) -> Reading:
        """Return one reading of several segments: the first city, and all to choose from."""
        named = (city for one in readings if one.city for city in (one.city, *one.several))
        cities = list(dict.fromkeys(named))
        areas = tuple(reading.area for reading in readings if reading.area and not reading.name)
        if not cities:
            return readings[0]
        if len(cities) == 1:
            first = next(reading for reading in readings if reading.city)
            unread = sum(reading.city is None for reading in readings)
            others = (*cities, *first.others) if areas else first.others
            return replace(first, others=others, areas=areas, doubts=first.doubts + unread)
        doubts = max(len(readings), len(cities)) - 1
        return Reading(cities[0], tuple(cities[:MAX_OTHERS]), areas=areas, doubts=doubts)

    def _read_segment(self, slots: list[Slot]) -> Reading:
        if len(slots) == 1:
            return self._read_single(slots[0])
        city = min(self._city_fits(slots), default=None, key=lambda pair: pair[0])
        area = min(self._area_fits(slots), default=None, key=lambda pair: pair[0])
        if (city and not city[0].contradictions) and (
            not area or area[0][:-1] > city[0][:-1] or self._is_meant(city[1], slots, *area)
        ):
            return self._city_reading(slots, *city)
        if area and not area[0].contradictions and not area[0].doubts:
            return Reading(area=area[1])
        if all(slot.is_area_only for slot in slots):
            return self._several_areas(slots)
        several = self._own_cities(slots)
        if len(several) > 1 and not self._is_in_home(several[0], slots):
            return Reading(several[0], tuple(several[:MAX_OTHERS]), doubts=len(several) - 1)
        return self._unlisted(slots)

    def _is_meant(self, bearer: Bearer, slots: list[Slot], fit: Fit, area: Area) -> bool:
        """Return whether a city is meant by a name which an area has that fits as well."""
        slot = slots[fit.position]
        areas = [one for other, one in self._area_fits(slots) if other[:-1] == fit[:-1]]
        return is_city_meant(bearer, slot._replace(areas=areas), self.default_country)

    def _is_in_home(self, city: City, slots: list[Slot]) -> bool:
        """Return whether a part says that the place is in the app's own country, and a city not."""
        home = self.default_country
        areas = [area for slot in slots[1:] if not slot.is_code for area in slot.areas]
        return city.country != home and any(area.country == home for area in areas)

    def _several_areas(self, slots: list[Slot]) -> Reading:
        areas = tuple(dict.fromkeys(main_area(slot.areas, self.default_country) for slot in slots))
        return Reading(area=areas[0], areas=areas, doubts=len(areas) - 1)

    def _read_single(self, slot: Slot) -> Reading:
        if bearer := self._meant_city(slot):
            usual = self._meant_city(slot._replace(part=Part(slot.part.text))) or bearer
            others = (usual.town,) if usual.town != bearer.town else ()
            return Reading(bearer.town, others, said_id=bearer.id)
        if slot.areas:
            return Reading(area=main_area(slot.areas, self.default_country))
        return Reading(name=slot.part.full_text, doubts=1)

    def _city_reading(self, slots: list[Slot], fit: Fit, bearer: Bearer) -> Reading:
        first = slots[fit.position]
        if slots[0].is_unknown and all(slot.areas for slot in slots[1:]):
            return self._unlisted(slots)  # "Albarracín, Teruel" is not the city of Teruel
        if fit.doubts and fit.position and not self._is_notable(bearer):
            return self._unlisted(slots)  # a town that stands somewhere in an unknown text
        likely = first.cities if fit.doubts else []
        if not fit.doubts and any(slot.is_code for slot in slots):
            # "Richmond, CA" may be in Canada
            likely = [one for other, one in self._city_fits(slots) if other[:-1] == fit[:-1]]
        others = self._elsewhere(likely, bearer)
        return Reading(bearer.town, others, doubts=fit.doubts, said_id=bearer.id)

    def _elsewhere(self, bearers: Iterable[Bearer], chosen: Bearer) -> tuple[City, ...]:
        """Return the cities of the same name in other countries, large ones or larger than it."""
        least = min(LARGE_POPULATION, chosen.population)
        found = [
            bearer.town
            for bearer in bearers
            if bearer.country != chosen.country and bearer.population >= least
        ]
        return tuple(dict.fromkeys(found))[:MAX_OTHERS]

    def _unlisted(self, slots: list[Slot]) -> Reading:
        names = [slot for slot in slots if slot.is_unknown]
        names = names or [slot for slot in slots if not slot.is_area_only] or slots
        qualifiers = [self._qualifier(slot) for slot in slots if slot is not names[0]]
        qualifiers = [slot for slot in qualifiers if slot.areas]
        areas = [area for slot in qualifiers if not slot.is_code for area in slot.areas]
        narrow = self._narrowest(areas, qualifiers)
        home = narrow.country if narrow else self.default_country
        others = [city for city in self._own_cities(qualifiers) if city.country == home]
        return Reading(None, tuple(others), narrow, name=names[0].part.full_text, doubts=len(slots))

    def _qualifier(self, slot: Slot) -> Slot:
        """Return a part of which the areas are around the city that it names, if it names one.

        "Conxo, Santiago" is not on the island in Cape Verde.
        """
        bearer = self._meant_city(slot)
        if bearer is None or bearer.country is None or not self._is_notable(bearer):
            return slot
        around = [area for area in slot.areas if bearer.is_in(area)]
        code = f"{bearer.country}.{bearer.admin1}"
        region = Area(code, "", bearer.country, bearer.admin1, is_country=False)
        return slot._replace(areas=around or [region])

    def _narrowest(self, areas: list[Area], qualifiers: list[Slot]) -> Area | None:
        """Return the narrowest of some areas that lies in one area of each other part."""
        named = [slot for slot in qualifiers if not slot.is_code]
        fitting = [
            area
            for area in areas
            if all(any(other.contains_area(area) for other in slot.areas) for slot in named)
        ]
        countries = {area.country for area in fitting}
        if self.default_country in countries:
            countries = {self.default_country}
        fitting = [area for area in fitting if area.country in countries]
        if len(countries) != 1:
            return None
        return min(fitting, key=lambda area: (area.is_country, area.admin1 is None, area.code))

    def _city_fits(self, slots: list[Slot]) -> Iterator[tuple[Fit, Bearer]]:
        for position, slot in enumerate(slots):
            others = [other for other in slots if other is not slot]
            for bearer in slot.cities:
                agreements = [agreement(bearer, other, slot) for other in others]
                yield (
                    Fit(
                        agreements.count(Agreement.CONTRADICTION),
                        DOUBT_OF_UNKNOWN * agreements.count(Agreement.UNKNOWN)
                        + agreements.count(Agreement.DISTRICT)
                        + (not is_code_of(slot.part.number, bearer.country)),
                        agreements.count(Agreement.NEAR),
                        position,
                        -bearer.weight * OFFICIAL_FACTOR ** agreements.count(Agreement.REGION),
                    ),
                    bearer,
                )

    def _area_fits(self, slots: list[Slot]) -> Iterator[tuple[Fit, Area]]:
        for position, slot in enumerate(slots):
            others = [other for other in slots if other is not slot]
            for area in slot.areas:
                within = [any(one.contains_area(area) for one in other.areas) for other in others]
                unknown = sum(other.is_unknown for other in others)
                contradictions = within.count(False) - unknown
                home = area.country == self.default_country
                yield Fit(contradictions, DOUBT_OF_UNKNOWN * unknown, 0, position, -home), area

    def _own_cities(self, slots: list[Slot]) -> list[City]:
        """Return the cities that the parts name, each by itself, if they are large."""
        best: dict[int, tuple[Fit, Bearer]] = {}
        for pair in self._city_fits(slots):
            position = pair[0].position
            best[position] = min(best.get(position, pair), pair, key=lambda pair: pair[0])
        found = [
            bearer
            for fit, bearer in best.values()
            if self._is_notable(bearer) and not slots[fit.position].is_code
        ]
        # The town Plaza is hardly meant by "Plaza de España, Sevilla".
        found.sort(key=lambda bearer: bearer.population < LARGE_POPULATION)
        return list(dict.fromkeys(bearer.town for bearer in found))

    def _is_notable(self, bearer: Bearer) -> bool:
        return bearer.population >= LARGE_POPULATION or bearer.country == self.default_country

    def _meant_city(self, slot: Slot) -> Bearer | None:
        """Return the heaviest city that is meant by a name with no more than a postal code."""
        home = self.default_country
        areas = [area for area in slot.areas if is_code_of(slot.part.number, area.country)]
        slot = slot._replace(areas=areas)
        meant = (bearer for bearer in slot.cities if is_city_meant(bearer, slot, home))
        return min(
            meant, default=None, key=lambda one: not is_code_of(slot.part.number, one.country)
        )
