"""What the page's form holds, and what it offers to tick."""

import re
import uuid
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from app.api.documents import interests_document
from app.domain.cities.repository import City
from model.interests import load_interests
from model.predict import Model

# The page makes up its users: it must not move or erase one of the app's.
is_tried = re.compile(r"try-[0-9a-f]{32}").fullmatch
GROUPS = ("sport", "culture", "food", "leisure", "other")
INTERESTS = {interest.key: interest for interest in load_interests()}


@dataclass(frozen=True, slots=True)
class Form:
    """A user that the page made up, the city as typed, and what was ticked.

    `picked`: the id that stands for the city so long as its text is the one it was picked with.
    """

    user_id: str
    city: str = ""
    picked: str = ""
    interests: frozenset[str] = frozenset()

    @classmethod
    def empty(cls) -> "Form":
        return cls(f"try-{uuid.uuid4().hex}")

    @classmethod
    def read(cls, given: MultiDict[str, str]) -> "Form":
        """What a browser sent. A user that is not of our making gets another id."""
        city = given.get("city", "").strip()
        # One button for each city that an unknown one may be.
        picked = given.get("meant") or given.get("picked", "")
        if not given.get("meant") and given.get("picked_as", "") != city:
            picked = ""
        user_id = given.get("_id", "")
        return cls(
            user_id if is_tried(user_id) else cls.empty().user_id,
            city,
            picked,
            frozenset(given.getlist("interests")),
        )

    def request(self) -> dict[str, object]:
        """The same as a body of POST /rooms."""
        place = {"city_id": _number(self.picked)} if self.picked else {"city": self.city}
        return {"_id": self.user_id, "interests": sorted(self.interests), **place}

    def understood(self, city: City) -> "Form":
        """The same, where a city was picked by its button: with its name for what was typed."""
        country = f", {city.country}" if city.country else ""
        return replace(self, city=f"{city.name}{country}", picked=str(city.id))


def offered(model: Model, language: str) -> dict[str, list[tuple[str, str]]]:
    """What can be ticked, as GET /interests has it: group -> (key, label) in the model's order."""
    groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
    for item in interests_document(model)["items"]:
        groups[item["group"] or "other"].append((item["key"], item["label"][language]))
    return {group: choices for group, choices in groups.items() if choices}


def label(key: str, language: str) -> str:
    """An interest in a person's words; a key that no vocabulary has stands for itself."""
    return INTERESTS[key].labels[language] if key in INTERESTS else key


def _number(text: str) -> int | str:
    # What is no number goes on as it is, for the model of the request to refuse.
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text
