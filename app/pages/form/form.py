"""The page's form: its fields, and the interests that it lists."""

import re
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from app.api.documents import interests_document
from app.api.room_schemas import RoomRequest
from app.domain.cities.city import City
from app.domain.cities.place_parser import parse
from app.domain.cities.repository import UnknownCity
from app.domain.input_limits import MAX_INTERESTS
from app.infra.database import DatabaseUnavailable
from app.services import services
from model.interests import load_interests
from model.predict import Model

# Users of the page have ids of their own form, so that it cannot move or erase one of the app's.
is_page_user_id = re.compile(r"try-[0-9a-f]{32}").fullmatch
GROUPS = ("sport", "culture", "food", "leisure", "other")
# The interests that have an icon of their own.
ICONS = frozenset(
    re.findall(r'id="icon-(\w+)"', (Path(__file__).parent / "templates/icons.svg").read_text())
)
INTERESTS = {interest.key: interest for interest in load_interests()}


@dataclass(frozen=True, slots=True)
class Form:
    """The values of the form: a user of the page, the typed city and the selected interests.

    `picked`: the id of a city picked from the autocomplete; empty once the text was edited.
    """

    user_id: str
    city: str = ""
    picked: str = ""
    interests: frozenset[str] = frozenset()

    @classmethod
    def empty(cls) -> "Form":
        """Return a form of a new user."""
        return cls(f"try-{uuid.uuid4().hex}")

    @classmethod
    def from_fields(cls, fields: MultiDict[str, str]) -> "Form":
        """Return the form that a browser sent; an id that is not of the page is replaced."""
        city = fields.get("city", "").strip()
        # The value of the button of a suggested city.
        picked = fields.get("suggested", "")
        if not picked and fields.get("picked_as", "") == city:
            picked = fields.get("picked", "")
        user_id = fields.get("_id", "")
        return cls(
            user_id if is_page_user_id(user_id) else cls.empty().user_id,
            city,
            picked,
            frozenset(fields.getlist("interests")),
        )

    def request_body(self) -> dict[str, object]:
        """Return the form as a body of POST /rooms."""
        place = {"city_id": _parse_id(self.picked)} if self.picked else {"city": self.city}
        return {"_id": self.user_id, "interests": sorted(self.interests), **place}

    def errors(self, model: Model) -> dict[str, str]:
        """Return the name of the text that says what is wrong, by field.

        What only the database knows is not found.
        """
        errors: dict[str, str] = {}
        try:
            RoomRequest.model_validate(self.request_body())
        except ValidationError as error:
            paths = [str(detail["loc"][0]) for detail in error.errors(include_url=False)]
            # Errors of city_id are shown at the field city, where the user picked it.
            errors = {path.removesuffix("_id"): path for path in paths}
        if not self.picked and "city" not in errors:
            typed = parse(self.city)
            if not (typed.key or typed.flags):
                errors["city"] = "city"
        if not self.interests:
            errors["interests"] = "interests"
        elif len(self.interests) > MAX_INTERESTS:
            errors["interests"] = "too_many_interests"
        elif "interests" in errors or len(model.unknown(self.interests)) == len(self.interests):
            errors["interests"] = "unknown_interests"
        return errors

    def with_city(self, city: City) -> "Form":
        """Return the form with this city picked and its name in the field."""
        return replace(self, city=_text_of(city), picked=str(city.id))


def link_of(city: City) -> dict[str, str]:
    """Return the query parameters of the page with this city in its field."""
    return {"city_id": str(city.id)} if city.listed else {"city": _text_of(city)}


def linked_city(arguments: MultiDict[str, str]) -> City | None:
    """Return the city that a link names by its id, or None; without the database, None.

    Anyone may ask, so that places that users typed are not found.
    """
    with suppress(UnknownCity, DatabaseUnavailable):
        if (city_id := _parse_id(arguments.get("city_id", ""))) and isinstance(city_id, int):
            city = services().cities.by_id(city_id)
            return city if city.listed else None
    return None


def choices(model: Model, language: str) -> dict[str, list[tuple[str, str]]]:
    """Return the model's interests: group -> (key, label), each in the model's order."""
    groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
    for item in interests_document(model)["items"]:
        groups[item["group"] or "other"].append((item["key"], item["label"][language]))
    return {group: items for group, items in groups.items() if items}


def label(key: str, language: str) -> str:
    """Return an interest's label; for a key outside the vocabulary, the key."""
    return INTERESTS[key].labels[language] if key in INTERESTS else key


def _text_of(city: City) -> str:
    return f"{city.name}, {city.country}" if city.country else city.name


def _parse_id(text: str) -> int | str:
    # RoomRequest refuses what is not a number.
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text
