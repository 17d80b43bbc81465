"""Whatever is sent, the answer is one that the description has: never a 5xx, never half a row.

FUZZ_EXAMPLES says how many requests to make up for each route; `make fuzz` makes 10,000 bodies for
POST /rooms and as many for POST /cluster.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.databases import Sql
from tests.support.serving import KEY, Gunicorn

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
# 422 though the schema is kept: interests that no model knows, a country never assigned, an id that
# is no city's. No schema can say these; every other check of schemathesis is on.
BEYOND_A_SCHEMA = "positive_data_acceptance"


def test_every_answer_is_one_that_the_description_has(serve: Callable[..., Gunicorn]) -> None:
    server = serve()
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file"),
            *(str(Path(__file__).with_name("schemathesis.toml")), "run"),
            *(f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {KEY}"),
            *("--checks", "all", "--exclude-checks", BEYOND_A_SCHEMA, "--no-color"),
            *("--max-examples", str(max(10, EXAMPLES // 50)), "--seed", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    print(done.stdout[-1500:])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
PERHAPS = st.fixed_dictionaries(
    {},
    optional={
        "_id": st.from_regex(r"[A-Za-z0-9._~:-]{1,64}", fullmatch=True) | ANYTHING,
        "city": st.text(max_size=90) | ANYTHING,
        "city_id": st.integers() | ANYTHING,
        "country": st.sampled_from(["ES", "fr", "ZZ", ""]) | ANYTHING,
        "interests": st.lists(st.sampled_from(["surf", "coffee", "x"]) | ANYTHING, max_size=6)
        | st.dictionaries(
            st.sampled_from(["surf", "museums"]) | st.text(max_size=70),
            st.booleans() | st.sampled_from([0, 1, 2, 1.0, "yes", None]),
            max_size=6,
        )
        | ANYTHING,
    },
)
BODIES = st.binary(max_size=60) | (PERHAPS | ANYTHING).map(lambda body: json.dumps(body).encode())


@pytest.mark.parametrize("path", ["/rooms", "/cluster"])
def test_no_body_breaks_the_service_or_leaves_half_a_row(client: Any, sql: Sql, path: str) -> None:
    answered: set[str] = set()

    @QUIET
    @given(body=BODIES)
    def send(body: bytes) -> None:
        response = client.post(path, data=body)
        assert response.status_code < 500, body
        if response.status_code >= 400:
            assert response.content_type == "application/problem+json"
            assert response.json["detail"]
        elif path == "/rooms":
            answered.add(response.json["_id"])

    send()
    assert {row[0] for row in sql("SELECT user_id FROM memberships")} == answered
