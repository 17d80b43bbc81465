"""Folding names into keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cities.normalize import fold


@pytest.mark.parametrize(
    "spellings",
    [
        ("Sevilla", "SEVILLA", " sevilla ", "Sevílla", "Ｓｅｖｉｌｌａ"),
        ("San Sebastián", "san-sebastian", "SAN  SEBASTIAN", "San_Sebastián."),
        ("L’Hospitalet", "l'hospitalet", "L Hospitalet"),
        ("København", "kobenhavn", "KØBENHAVN"),
        ("Łódź", "lodz"),
        ("Straße", "strasse", "STRASSE", "STRAẞE"),
        ("İstanbul", "istanbul", "ISTANBUL", "ıstanbul"),
        ("Þingvellir", "thingvellir"),
        ("Œuvre Æon", "oeuvre aeon"),
        ("Αθήνα", "αθηνα", "ΑΘΗΝΑ"),
        ("Йошкар-Ола", "йошкар ола", "ЙОШКАР-ОЛА"),
    ],
)
def test_spellings_of_one_name_share_a_key(spellings: tuple[str, ...]) -> None:
    assert len({fold(spelling) for spelling in spellings}) == 1


def test_japanese_voicing_marks_are_kept() -> None:
    assert fold("かき") != fold("がぎ")
    assert fold("ハ") != fold("パ") != fold("バ")


@pytest.mark.parametrize("name", ["", "   ", "---", "🏖️", "!?.", "\u0301", "_"])
def test_a_name_without_letters_and_digits_has_an_empty_key(name: str) -> None:
    assert fold(name) == ""


@given(st.text(max_size=80))
def test_folding_is_idempotent(name: str) -> None:
    key = fold(name)
    assert fold(key) == key
    assert key == key.strip()
    assert "  " not in key
    assert "\x00" not in key
