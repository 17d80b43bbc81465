"""The vocabulary: labels of the form, and aliases in surveys."""

import csv

import pytest

from model.interests import Interest, fold, key_from_text, keys_by_answer, load_interests, phrase

INTERESTS = load_interests()


def test_the_vocabulary_is_the_published_models_in_its_order(published):
    assert [interest.key for interest in INTERESTS] == published["interests"]


def test_every_interest_has_a_group_and_a_label_in_both_languages():
    assert {interest.group for interest in INTERESTS} == {"sport", "culture", "food", "leisure"}
    for interest in INTERESTS:
        assert set(interest.labels) == {"es", "en"}
        assert all(label.strip() == label != "" for label in interest.labels.values())


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_two_interests_share_a_label(language):
    assert len({interest.labels[language] for interest in INTERESTS}) == len(INTERESTS)


def test_every_option_of_the_survey_is_an_alias_as_it_is_written(survey_file):
    with survey_file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    written = {text.strip() for row in rows for cell in row[1:] for text in cell.split(",")}
    assert written == {interest.aliases[0] for interest in INTERESTS}


def test_no_answer_belongs_to_two_interests():
    keys = keys_by_answer(INTERESTS)
    assert set(keys.values()) == {interest.key for interest in INTERESTS}


def test_an_alias_of_two_interests_is_rejected():
    twice = [
        Interest(key, "sport", {"es": key, "en": key}, aliases=("Balls",)) for key in ("a", "b")
    ]
    with pytest.raises(ValueError, match="belongs to both a and b"):
        keys_by_answer(twice)


@pytest.mark.parametrize("text", ["Vóley", " voley ", "VO\u0301LEY"])
def test_case_accents_and_spaces_do_not_matter_in_an_answer(text):
    assert keys_by_answer(INTERESTS)[fold(text)] == "volley"


@pytest.mark.parametrize("text", ["Surf 🏄", "🏄🏽‍♂️Surf", "❤️ Surf!", "“surf”", "surf\u200b"])
def test_emoji_and_punctuation_do_not_matter_in_an_answer(text):
    assert keys_by_answer(INTERESTS)[fold(text)] == "surf"


@pytest.mark.parametrize("text", ["Juegos de mesa", "Juegos de mesa 🎲", "*juegos, de Mesa*"])
def test_a_new_answer_has_one_key_however_it_is_decorated(text):
    assert key_from_text(text) == "juegosDeMesa"


@pytest.mark.parametrize(
    ("keys", "es", "en"),
    [
        ([], "", ""),
        (["chinese"], "Comida china", "Chinese food"),
        (["movies", "chinese"], "Cine y comida china", "Movies and Chinese food"),
        (
            ["movies", "chinese", "burguers"],
            "Cine, comida china y hamburguesas",
            "Movies, Chinese food and burgers",
        ),
        (["movies", "yodelling"], "Cine y yodelling", "Movies and yodelling"),
    ],
)
def test_interests_are_listed_as_in_prose(keys, es, en):
    assert (phrase(keys, INTERESTS, "es"), phrase(keys, INTERESTS, "en")) == (es, en)


@pytest.mark.parametrize(
    ("last", "word"), [("idiomas", "e"), ("hilado", "e"), ("hielo", "y"), ("hiatos", "y")]
)
def test_spanish_y_becomes_e_before_the_sound_i(last, word):
    assert phrase(["movies", last], INTERESTS, "es") == f"Cine {word} {last}"
