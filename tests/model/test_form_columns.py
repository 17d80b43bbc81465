"""Forms as they are: personal columns, emoji, options with commas, other encodings."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from model.interests import load_interests
from model.training.errors import TrainingDataError
from model.training.profiles import Profiles, read_profiles
from tests.support.manage import run_manage

INTERESTS = load_interests()
Read = Callable[..., Profiles]
HEADER = "Timestamp,Email Address,Género,Age?,¿En qué ciudad vives?,What?,Favourite?,More?"
CHOICES = ('"Surf, Board games"', '"Burgers, Surf"', '"Board games, Burgers"')


def person(number: int) -> str:
    """Return the answers of a person: some personal, some about interests, some free text."""
    gender, age = ("hombre", "mujer")[number % 2], ("18-24", "25-34", "35+")[number % 3]
    city = ('"Sevilla, España"', "Madrid", "Vigo")[number % 3]
    what, favourite = CHOICES[number % 3], ("Chess", "Go", "Surf")[number % 3]
    about = f'"my own words {number}, secret"' if number < 4 else ""
    day = number % 28 + 1
    return (
        f"{day}/10/2021 10:15:00,person{number}@example.org,{gender},{age},{city},{what},"
        f"{favourite},{about}"
    )


PEOPLE = [person(number) for number in range(80)]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def from_lines(*lines: str, columns: tuple[str, ...] = (), encoding: str = "utf-8") -> Profiles:
        file = tmp_path / "form.csv"
        file.write_bytes("\n".join(lines).encode(encoding))
        return read_profiles(file, INTERESTS, columns)

    return from_lines


def test_nothing_about_the_person_is_learned_and_each_column_says_how_much_was_skipped(
    read: Read,
) -> None:
    profiles = read(HEADER, *PEOPLE)
    assert profiles.learned == ("boardGames",)
    assert profiles.unknown == (
        "column 'Email Address': 80 answers skipped, because they are about the person;"
        " --columns reads such a column",
        "column 'Género': 80 answers skipped, because they are about the person;"
        " --columns reads such a column",
        "column 'Age?': 80 answers skipped, because they are about the person;"
        " --columns reads such a column",
        "column '¿En qué ciudad vives?': 107 answers skipped, because they are about the"
        " person; --columns reads such a column",
        "column 'Favourite?': 54 answers skipped, because they exclude each other;"
        " --columns reads such a column",
        "column 'More?': 8 answers skipped, because few or none are known interests;"
        " --columns reads such a column",
    )


@pytest.mark.parametrize(
    "columns", [("What?", "Favourite?"), ("what?, favourite",), ("6", "7"), ("6,7",)]
)
def test_chosen_columns_are_read_alone_and_learned_from(
    read: Read, columns: tuple[str, ...]
) -> None:
    profiles = read(HEADER, *PEOPLE, columns=columns)
    assert profiles.learned == ("boardGames", "chess", "go")
    assert profiles.unknown == ()


LIVE = ('"Madrid, España"', '"Vigo, España"', '"Lima, Perú"')
PERSONAL_HEADINGS = (
    *("¿Dónde vives?", "Lugar de residencia", "Ciudades donde has vivido", "Instagram"),
    *("Profesión", "Cuéntanos", "Where are you from?"),
)


@pytest.mark.parametrize("heading", PERSONAL_HEADINGS)
def test_nothing_is_learned_from_a_column_of_few_known_interests(read: Read, heading: str) -> None:
    cells = [LIVE[number % 3] for number in range(60)] + ['"Surf, España"', "Café"]
    lines = [f'24/10/2021 10:15:00,"Surf, Chess",{cell}' for cell in cells]
    profiles = read(f"Timestamp,What?,{heading}", *lines)
    assert profiles.learned == ("chess",)
    assert profiles.unknown == (
        f"column {heading!r}: 121 answers skipped, because few or none are known interests;"
        " --columns reads such a column",
    )
    assert "madrid" in read(f"Timestamp,What?,{heading}", *lines, columns=(heading,)).learned


def test_a_name_that_is_an_interest_too_is_not_selected(read: Read) -> None:
    lines = [f"24/10/2021 10:15:00,{name},Surf" for name in ("Sushi", "Ana", "Burgers, Leo")]
    profiles = read("Timestamp,Tu nombre,What?", *(line.replace(", ", " ") for line in lines))
    assert profiles.ticks.sum() == 3
    (message,) = profiles.unknown
    assert message.startswith("column 'Tu nombre': 3 answers skipped, because they are about the")


def test_a_form_without_a_known_interest_needs_columns(read: Read) -> None:
    lines = ['24/10/2021 10:15:00,"Chess, Go"'] * 6
    with pytest.raises(TrainingDataError, match="no answer is a known interest; --columns names"):
        read("Timestamp,What?", *lines)
    assert read("Timestamp,What?", *lines, columns=("What?",)).interests == ("chess", "go")


def test_a_column_that_does_not_exist_is_an_error_that_names_those_that_do(read: Read) -> None:
    with pytest.raises(TrainingDataError, match="no column 'Wat.' among 'Timestamp', 'Email Addr"):
        read(HEADER, *PEOPLE, columns=("Wat?",))


@pytest.mark.parametrize("command", ["train", "evaluate"])
@pytest.mark.parametrize("machine", [(), ("--json",)])
def test_no_text_of_a_person_is_printed_or_written(
    tmp_path: Path, command: str, machine: tuple[str, ...]
) -> None:
    file = tmp_path / "form.csv"
    file.write_text("\n".join([HEADER, *PEOPLE]))
    options = ["model", command, "--data", str(file), "--clusters", "2", *machine]
    if command == "train":
        options += ["--output", str(tmp_path / "model"), "--previous", "none", "--yes"]
    done = run_manage(*options)
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    assert "column 'Email Address': 80 answers skipped" in printed
    written = "".join(path.read_text("latin-1") for path in (tmp_path / "model").glob("*"))
    for text in ("@example.org", "hombre", "2534", "sevilla", "secret", "own words", "chess"):
        assert text not in (printed + written).lower()


def test_columns_of_a_tidy_file_are_chosen_and_its_labels_are_keys(read: Read) -> None:
    lines = ("name,Senderismo 🥾,chess,age", "Ana,1,0,30", "Leo,0,1,40")
    assert read(*lines, columns=("Senderismo", "chess")).interests == ("trecking", "chess")
    with pytest.raises(
        TrainingDataError, match="column name is neither 0 nor 1.*--columns"
    ) as error:
        read(*lines)
    assert "Ana" not in str(error.value)
    with pytest.raises(TrainingDataError, match="duplicate column trecking"):
        read("trecking,Senderismo", "1,0")


def test_an_emoji_in_an_option_changes_nothing(read: Read) -> None:
    plain = read(HEADER, *PEOPLE)
    emoji = [
        line.replace("Surf", "Surf 🏄").replace("Board games", "🎲 Board games!") for line in PEOPLE
    ]
    decorated = read(HEADER, *emoji)
    assert decorated.interests == plain.interests
    assert (decorated.ticks == plain.ticks).all()
    mixed = read(HEADER, *PEOPLE[:40], *emoji[40:])
    assert (mixed.ticks == plain.ticks).all()


OPTION = "Salir: copas, tapas, cañas"


@pytest.mark.parametrize("alone", [1, 6])
def test_a_column_that_uses_semicolons_is_split_by_those_alone(read: Read, alone: int) -> None:
    lines = [f"24/10/2021 10:15:00;Ana;{cell}" for cell in [f'"Surf;{OPTION};"'] * 6]
    lines += [f'24/10/2021 10:15:00;Leo;"{OPTION}"'] * alone
    profiles = read("Marca temporal;¿Nombre?;¿Qué te gusta?", *lines)
    assert profiles.learned == ("salirCopasTapasCanas",)


def test_a_semicolon_in_ones_own_words_does_not_stop_commas_from_separating(read: Read) -> None:
    lines = [f'24/10/2021 10:15:00,"{cell}"' for cell in ["Surf, Chess"] * 6 + ["Surf; a, b; c"]]
    assert read("Timestamp,What?", *lines).learned == ("chess",)


def test_the_last_answer_dates_the_model_and_a_doubt_is_told(tmp_path: Path) -> None:
    file = tmp_path / "form.csv"
    lines = [f"{number % 9 + 1}/11/2021 10:15:00,{CHOICES[number % 3]}" for number in range(60)]
    train = ("model", "train", "--data", str(file), "--clusters", "2", "--previous", "none")
    options = ("--output", str(tmp_path / "model"), "--dry-run")
    file.write_text("\n".join(["Timestamp,What?", *lines]))
    doubtful = run_manage(*train, *options)
    assert "no time of the file tells the day from the month, as in '1/11/2021" in doubtful.stderr
    assert "--trained-at" in doubtful.stderr
    dated = run_manage(*train, *options, "--trained-at", "2021-11-09")
    assert dated.stdout.startswith("model 2021-11-09")
    assert "tells the day" not in dated.stderr
    file.write_text("\n".join(["Timestamp,What?", *lines, "13/11/2021 9:00:00,Surf"]))
    assert run_manage(*train, *options).stdout.startswith("model 2021-11-13")


SURVEY = "Timestamp,What?\n" + '24/10/2021 10:15:00,"Surf, Café"\n' * 3
READ = {
    "UTF-8 with a byte order mark": SURVEY.encode("utf-8-sig"),
    "UTF-16": SURVEY.encode("utf-16"),
    "gzip": gzip.compress(SURVEY.encode()),
    "sep=": f"sep=,\r\n{SURVEY}".encode(),
    "empty rows": f"\n{SURVEY},\n , \n\n".encode(),
    "line ends of old Macs": SURVEY.replace("\n", "\r").encode(),
    "a heading of two lines": SURVEY.replace("What?", '"What\ndo, you; like?"').encode(),
}
REFUSED = {
    "empty": (b"", "is empty"),
    "Windows-1252": (SURVEY.encode("cp1252"), "line 2 is not UTF-8"),
    "some other bytes": (SURVEY.encode() + b"x,\xe9\n", "line 5 is not UTF-8"),
    "UTF-16 without a mark": (SURVEY.encode("utf-16-le"), "UTF-16 without a byte order mark"),
    "a workbook": (b"PK\x03\x04" + bytes(99), "Excel workbook"),
    "a truncated gzip": (gzip.compress(SURVEY.encode())[:-8], "gzip file is damaged"),
    "an open quotation mark": (SURVEY.encode() + b'x,"Surf\n', "unexpected end of data"),
    "a row that is too long": (SURVEY.encode() + b"x,Surf,\n", "line 5: 3 columns, not 2"),
    "a cell of 10 MB": (SURVEY.encode() + b"x," + b"y" * 10_000_000, "field larger"),
    "a column twice": (b"surf,surf\n1,0\n", "duplicate column surf"),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_a_form_is_read_as_other_systems_write_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "form.csv"
    file.write_bytes(content)
    profiles = read_profiles(file, INTERESTS)
    selected = {profiles.interests[column] for column in profiles.ticks[0].nonzero()[0]}
    assert (len(profiles.ticks), selected) == (3, {"surf", "coffee"})


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "form.csv"
    file.write_bytes(content)
    for command in (("train", "--dry-run", "--previous", "none"), ("evaluate",)):
        done = run_manage("model", *command, "--data", str(file), "--clusters", "2")
        (line,) = done.stderr.splitlines()
        assert (done.returncode, done.stdout, message in line) == (1, "", True), line


def test_columns_are_for_files_alone() -> None:
    done = run_manage("model", "train", "--from-db", "--columns", "What?")
    assert "--columns need --data" in done.stderr


def test_what_json_says_has_no_text_of_a_person_either(tmp_path: Path) -> None:
    file = tmp_path / "form.csv"
    file.write_text("\n".join([HEADER, *PEOPLE]))
    options = ("--clusters", "2", "--previous", "none", "--dry-run", "--json")
    done = run_manage("model", "train", "--data", str(file), *options)
    document = json.loads(done.stdout)
    assert len(document["unknown"]) == 6
    assert document["learned"] == ["boardGames"]
