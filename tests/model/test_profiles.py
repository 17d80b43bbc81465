"""Whatever people's interests come in, the same people come out."""

import numpy as np
import pytest

from model.interests import load_interests, phrase
from model.training.profiles import of_rows, read_profiles
from model.training.survey import SurveyError

INTERESTS = load_interests()


@pytest.fixture
def read(tmp_path):
    def from_lines(*lines):
        file = tmp_path / "data.csv"
        file.write_text("\n".join(lines), encoding="utf-8")
        return read_profiles(file, INTERESTS)

    return from_lines


def test_a_tidy_files_columns_are_the_vocabulary(read):
    people = read("_id,city,chess,country,surf", "a,Sevilla,1,ES,0", "b,Jaén,1,ES,1", "c,,0,,0")
    assert people.interests == ("chess", "surf")
    assert people.ticks.tolist() == [[1, 0], [1, 1]]
    assert people.left_out == 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("surf,chess", "1,perhaps"), "line 2: 'perhaps' in the column chess"),
        (("surf,surf", "1,0"), "surf is there twice"),
        (("_id,city", "a,Jaén"), "no column is an interest"),
        (("surf", "0"), "nobody ticked"),
        (("surf,chess", "1"), "line 2: 1 columns, not 2"),
    ],
)
def test_what_is_wrong_with_a_tidy_file_is_told(read, lines, told):
    with pytest.raises(SurveyError, match=told):
        read(*lines)


def test_an_answer_that_enough_people_gave_is_a_new_interest_and_a_rare_one_is_listed(read):
    rows = ['10/20/2021 17:21:42,"Surf, Board games"'] * 6 + ["10/20/2021 17:21:43,Surf; Kayak"]
    people = read("Timestamp,What?", *rows)
    assert people.learned == ("boardGames",)
    assert people.ticks[:, people.interests.index("boardGames")].sum() == 6
    assert people.unknown == ("line 8: no interest means 'Kayak' (answer to 'What?'); left out",)


def test_a_form_about_other_things_has_a_vocabulary_of_its_own(read):
    people = read("Timestamp,What?", *['10/20/2021 17:21:42,"Chess, Go"'] * 6)
    assert people.interests == ("chess", "go")


def test_a_new_interest_is_labelled_by_its_own_words():
    assert phrase(["boardGames", "surf"], INTERESTS, "en") == "Board games and surfing"


def test_members_rows_become_profiles_whatever_their_order():
    rows = [(["chess", "surf"], 6), (["surf"], 2), (["kayak"], 1), ([], 3)]
    people = of_rows(rows, ["surf", "movies"])
    assert people.interests == ("surf", "movies", "chess")
    assert len(people.ticks) == 8
    assert people.unknown == ("'kayak': ticked by 1, too few to learn; left out",)
    assert np.array_equal(people.ticks, of_rows(rows[::-1], ["surf", "movies"]).ticks)
