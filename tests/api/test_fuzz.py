"""Generated requests: every response matches the OpenAPI document, without a 5xx or a partial row.

FUZZ_EXAMPLES is the number of requests for each route; `make fuzz` sends 10,000 to POST /rooms and
10,000 to POST /cluster.
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
from tests.support.paths import ROOT
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
# A request that matches the schema may still get a 422: no known interest, an unassigned country
# code, the id of no city. A schema cannot express these; all other checks of schemathesis run.
EXCLUDED_CHECK = "positive_data_acceptance"


def test_every_response_matches_the_openapi_document(serve: Callable[..., Gunicorn]) -> None:
    server = serve()
    process = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file"),
            *(str(Path(__file__).with_name("schemathesis.toml")), "run"),
            *(f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {KEY}"),
            *("--checks", "all", "--exclude-checks", EXCLUDED_CHECK, "--no-color"),
            *("--max-examples", str(max(10, EXAMPLES // 50)), "--seed", "1"),
        ],
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout[-5000:] + process.stderr[-1000:]
    print(process.stdout[-1500:])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
MAYBE_VALID = st.fixed_dictionaries(
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
BODIES = st.binary(max_size=60) | (MAYBE_VALID | ANYTHING).map(
    lambda body: json.dumps(body).encode()
)


@pytest.mark.parametrize("path", ["/rooms", "/cluster"])
def test_no_body_causes_a_5xx_or_a_partial_row(client: Any, sql: Sql, path: str) -> None:
    stored: set[str] = set()

    @QUIET
    @given(body=BODIES)
    def send(body: bytes) -> None:
        response = client.post(path, data=body)
        assert response.status_code < 500, body
        if response.status_code >= 400:
            assert response.content_type == "application/problem+json"
            assert response.json["detail"]
        elif path == "/rooms":
            stored.add(response.json["_id"])

    send()
    assert {row[0] for row in sql("SELECT user_id FROM memberships")} == stored
