"""Typed interests as keys of the model."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from app.domain.input_limits import MAX_INTEREST_LENGTH
from model.interests import fold, keys_by_answer, load_interests

MAX_CACHED_SPELLINGS = 4_096
# rapidfuzz's ratio of two similar words, of 100: "treking" and "trekking" have 93.
MIN_SIMILARITY = 75


class InterestKeys(dict[str, str]):
    """The key of each typed interest; a text that is no interest of the model is its own key.

    Keys, labels in both languages and aliases are compared by their letters and digits.
    """

    def __init__(self, model_keys: Sequence[str]) -> None:
        super().__init__({key: key for key in model_keys})
        self.known = frozenset(model_keys)
        self._answers = {
            answer: key
            for answer, key in keys_by_answer(load_interests()).items()
            if key in self.known
        } | {fold(key): key for key in model_keys}

    def __missing__(self, typed: str) -> str:
        if len(typed) > MAX_INTEREST_LENGTH:
            return typed
        key = self._answers.get(fold(typed), typed)
        if len(self) < MAX_CACHED_SPELLINGS:
            self[typed] = key
        return key

    def near(self, key: str) -> str | None:
        """Return the key of the model that an unknown one is probably a misspelling of."""
        found = process.extractOne(
            fold(key), list(self._answers), scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY
        )
        return self._answers[found[0]] if found else None
