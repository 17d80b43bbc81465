"""Shell completion, as docs/admins.md enables it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.manage import ROOT

# As in a shell whose virtual environment is active, in the directory of manage.py.
ENVIRONMENT = {"PATH": f"{ROOT}:{Path(sys.executable).parent}:{os.environ['PATH']}"}


def completions(shell: str, words: str, number: int) -> list[str]:
    """Return manage.py's completions of the word with this index."""
    # fish sends the word itself, the others its index.
    word = words.split(" ")[number] if shell == "fish" else str(number)
    request = {
        "_MANAGE_PY_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": word,
    }
    done = subprocess.run(
        ["manage.py"], env=ENVIRONMENT | request, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_each_shell_completes_groups_commands_options_and_files() -> None:
    assert completions("bash", "manage.py r", 1) == ["plain,rooms", "plain,runs"]
    assert completions("bash", "manage.py users i", 2) == ["plain,import"]
    assert completions("bash", "manage.py rooms list --so", 3) == ["plain,--sort"]
    assert completions("bash", "manage.py rooms list --sort few", 4) == ["plain,fewest"]
    assert completions("bash", "manage.py users import ", 3) == ["file,"]
    assert completions("zsh", "manage.py cl", 1)[:2] == ["plain", "clusters"]
    assert completions("fish", "manage.py cl", 1)[0].startswith("plain,clusters\t")


def test_bash_completes_with_the_line_of_the_page() -> None:
    page = (ROOT / "docs" / "admins.md").read_text()
    (line,) = [line for line in page.splitlines() if "bash_source" in line]
    script = f"""
        {line}
        COMP_WORDS=(manage.py users ex) COMP_CWORD=2
        $(complete -p manage.py | sed 's/.*-F \\([^ ]*\\).*/\\1/') manage.py
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["export"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_page_shows_how_to_enable_completion(shell: str) -> None:
    assert f"_MANAGE_PY_COMPLETE={shell}_source" in (ROOT / "docs" / "admins.md").read_text()
