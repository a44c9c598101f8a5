"""schemathesis against `/openapi.json`: no 5xx, and no answer that is not described, whatever it makes of the schemas.

It goes through the values at the edges of each schema, random ones, and sequences in which one request takes what
another one answered. What a schema cannot say may still be refused (a filter, a cursor, an ETag), hence the one check
that is left out. The short form runs with all tests; `make test-long` sets `CRM_TEST_SCHEMATHESIS`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.conftest import app_folder, served

Address = tuple[str, Mapping[str, str]]

LONG = bool(os.environ.get("CRM_TEST_SCHEMATHESIS"))
SECONDS = 1800 if LONG else 300

CONFIG = """
seed = 1
continue-on-failure = true
hooks = "{hooks}"
[generation]
deterministic = true
database = "none"
max-examples = {examples}
no-shrink = true
[checks]
positive_data_acceptance.enabled = false
max_response_time = 10.0
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 422, 429]
[reports.ndjson]
enabled = true
path = "{report}"
"""
ONE_OF_EACH = """
[[operations]]
include-path-regex = "^/api/records/(?!{entity})"
phases.coverage.enabled = false
"""
"""Each route of records is gone through for one entity; those of others are tried at random and in sequences."""

ENTITY = {"bob": "contact", "ann": "lease"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[Address]:
    """A served app of its own and its tokens: much of it is gone afterwards."""
    folder = tmp_path_factory.mktemp("schemathesis")
    tokens = app_folder(folder, kept_database(folder))
    with served(folder) as (url, process):
        yield url, tokens
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.mark.contract("http-api.md#openapi-conformance")
@pytest.mark.parametrize("who", ["bob", "ann"])
def test_every_answer_is_a_described_one(address: Address, tmp_path: Path, who: str) -> None:
    """`bob` is an agent. `ann` is the last administrator: she can lock herself out by nothing but her token."""
    url, tokens = address
    headers = {"Authorization": f"Bearer {tokens[who]}"}
    described = httpx.get(f"{url}/openapi.json", headers=headers)
    (tmp_path / "openapi.json").write_bytes(described.content)
    report = tmp_path / "report.ndjson"
    hooks = Path(__file__).with_name("schemathesis_hooks.py")
    config = CONFIG.format(hooks=hooks, report=report, examples=50 if LONG else 2)
    config += "" if LONG else ONE_OF_EACH.format(entity=ENTITY[who])
    (tmp_path / "schemathesis.toml").write_text(config, "utf-8")
    listed = httpx.get(f"{url}/api/tokens", headers=headers).json()["items"]
    (own,) = (token["id"] for token in listed if token["name"] == who)
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "openapi.json", "--url", url]
    done = subprocess.run(
        [*command, *(part for name, value in headers.items() for part in ("--header", f"{name}: {value}"))],
        cwd=tmp_path,
        env={**os.environ, "CRM_TEST_TOKEN_ID": own},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    me = httpx.get(f"{url}/api/session", headers=headers).json()
    assert me["user"]["login"] == who
    assert ("admin" in me["roles"]) == (who == "ann")
