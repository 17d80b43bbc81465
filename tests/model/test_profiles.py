"""Training data from a survey, a tidy CSV or the members' rows."""

import numpy as np
import pytest

from model.interests import load_interests, phrase
from model.training.errors import TrainingDataError
from model.training.profiles import profiles_from_rows, read_profiles

INTERESTS = load_interests()


@pytest.fixture
def read(tmp_path):
    def from_lines(*lines):
        file = tmp_path / "data.csv"
        file.write_text("\n".join(lines), encoding="utf-8")
        return read_profiles(file, INTERESTS)

    return from_lines


def test_a_tidy_files_columns_are_the_vocabulary(read):
    profiles = read(
        "_id,city,chess,country,surf", "a,Sevilla,1,ES,0", "b,Jaén,VERDADERO,ES,1.0", "c,,0,,FALSO"
    )
    assert profiles.interests == ("chess", "surf")
    assert profiles.ticks.tolist() == [[1, 0], [1, 1]]
    assert profiles.left_out == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("surf,chess", "1,perhaps"), "line 2: the cell of the column chess"),
        (("surf,surf", "1,0"), "duplicate column surf"),
        (("_id,city", "a,Jaén"), "no column is an interest"),
        (("surf", "0"), "nobody selected"),
        (("surf,chess", "1"), "line 2: 1 columns, not 2"),
    ],
)
def test_an_invalid_tidy_file_is_rejected_with_the_reason(read, lines, message):
    with pytest.raises(TrainingDataError, match=message):
        read(*lines)


def test_a_frequent_unknown_answer_is_a_new_interest_and_a_rare_one_is_counted(read):
    rows = ['10/20/2021 17:21:42,"Surf, Board games"'] * 6 + ["10/20/2021 17:21:43,Surf; Kayak"]
    profiles = read("Timestamp,What?", *rows)
    assert profiles.learned == ("boardGames",)
    assert profiles.ticks[:, profiles.interests.index("boardGames")].sum() == 6
    assert profiles.unknown == ("column 'What?': 1 answers skipped, too rare to be learned",)


def test_a_new_interest_is_labelled_by_the_words_of_its_key():
    assert phrase(["boardGames", "surf"], INTERESTS, "en") == "Board games and surfing"


def test_members_rows_become_profiles_in_any_order():
    rows = [(["chess", "surf"], 6), (["surf"], 2), (["kayak"], 1), ([], 3)]
    profiles = profiles_from_rows(rows, ["surf", "movies"])
    assert profiles.interests == ("surf", "movies", "chess")
    assert len(profiles.ticks) == 8
    assert profiles.unknown == ("1 keys of fewer than 5 people are left out",)
    assert np.array_equal(profiles.ticks, profiles_from_rows(rows[::-1], ["surf", "movies"]).ticks)


def test_a_key_that_few_members_selected_is_counted_and_one_of_more_is_named():
    rows = [(["surf"], 300), (["kayak"], 5), (["surf", "my own words"], 4), (["surf", "a@b.c"], 1)]
    profiles = profiles_from_rows(rows, ["surf"])
    assert profiles.interests == ("surf",)
    assert profiles.unknown == (
        "'kayak': selected by 5, too few to learn; skipped",
        "2 keys of fewer than 5 people are left out",
    )
