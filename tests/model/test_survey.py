"""Reading a form export: every answer is an interest or is reported as unknown."""

from datetime import UTC, datetime

import pytest

from model.interests import load_interests
from model.training.errors import TrainingDataError
from model.training.survey import read_survey

INTERESTS = load_interests()


@pytest.fixture
def read(tmp_path):
    """Reads a survey of two questions from its lines."""

    def from_lines(*lines, header="Timestamp,Sport?,Food?", encoding="utf-8"):
        file = tmp_path / "survey.csv"
        file.write_bytes("\r\n".join([header, *lines]).encode(encoding))
        return read_survey(file, INTERESTS)

    return from_lines


def selected(survey, row):
    return {key for key, on in zip(survey.interests, survey.profiles[row], strict=True) if on}


def test_answers_of_all_questions_make_one_profile(read):
    survey = read('10/20/2021 17:21:42,"Surf, Voley",Burgers', "10/20/2021 17:21:43,,Sushi")
    assert selected(survey, 0) == {"surf", "volley", "burguers"}
    assert selected(survey, 1) == {"sushi"}
    assert survey.unknown == ()


def test_an_unknown_answer_is_reported_with_its_person_and_question(read):
    survey = read('10/20/2021 17:21:42,"Surf, Kayak in winter",', "10/20/2021 17:21:42,Surf,Ramen")
    assert [(answer.person, answer.question.heading, answer.text) for answer in survey.unknown] == [
        (0, "Sport?", "Kayak in winter"),
        (1, "Food?", "Ramen"),
    ]
    assert selected(survey, 0) == selected(survey, 1) == {"surf"}


def test_a_person_without_answers_has_an_empty_profile(read):
    assert read("10/20/2021 17:21:42,,").profiles.shape == (1, 26)


def test_blank_lines_and_a_byte_order_mark_are_no_answers(read):
    survey = read("10/20/2021 17:21:42,Surf,", "", "", encoding="utf-8-sig")
    assert survey.profiles.shape == (1, 26)


def test_the_last_answer_is_the_latest_not_the_lowest(read):
    survey = read("10/21/2021 9:00:01,Surf,", "10/20/2021 23:59:59,Surf,")
    assert survey.last_answer_at() == datetime(2021, 10, 21, 9, 0, 1, tzinfo=UTC)


def test_a_time_that_cannot_be_read_is_an_error(read):
    with pytest.raises(TrainingDataError, match="cannot be read.*yesterday"):
        read("yesterday,Surf,").last_answer_at()


@pytest.mark.parametrize("header", ["", "Timestamp", "surf,sushi", "_id,city,surf"])
def test_a_file_that_is_not_a_form_export_is_rejected(read, header):
    with pytest.raises(TrainingDataError, match="not a form export"):
        read("1,2,3", header=header)


def test_a_survey_without_answers_is_rejected(read):
    with pytest.raises(TrainingDataError, match="no answers"):
        read()


@pytest.mark.parametrize("line", ["10/20/2021 17:21:42,Surf", "10/20/2021 17:21:42,Surf,,Sushi"])
def test_a_row_of_another_width_is_rejected_with_its_line(read, line):
    with pytest.raises(TrainingDataError, match="line 3: . columns, not 3"):
        read("10/20/2021 17:21:42,Surf,", line)


def test_a_file_that_is_not_utf_8_is_rejected(read):
    with pytest.raises(TrainingDataError, match="line 2 is not UTF-8"):
        read("10/20/2021 17:21:42,Fútbol,", encoding="latin-1")
