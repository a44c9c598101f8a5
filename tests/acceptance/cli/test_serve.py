"""`crm serve` and `crm demo` as processes: what they print, what answers, how they end."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.acceptance.cli.conftest import CRM, Crm, environment


def get(url: str, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=30) as answer:
        return json.loads(answer.read())


@contextmanager
def served(*line: object) -> Iterator[Iterator[str]]:
    """The lines of stdout of a server that runs; afterwards it was asked to end, and did so in order."""
    process = subprocess.Popen(
        [CRM, *map(str, line)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield iter(process.stdout.readline, "")
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err


@pytest.mark.contract("cli.md#serve", "cli.md#serve-port", "cli.md#token-create")
def test_serve_prints_its_address_and_answers_a_token(crm: Crm, app: Path) -> None:
    assert crm("user", "add", "ilze", "--role", "admin", "--app", app).status == 0
    token = crm("token", "create", "ilze", "--name", "x", "--app", app).out.strip()
    with served("serve", "--port", "0", "--app", app) as lines:
        url = next(lines).removeprefix("listening on ").strip()
        assert url.startswith("http://127.0.0.1:")
        assert get(f"{url}/health/ready")["status"] == "ready"
        assert get(f"{url}/api/records/lead", token)["items"] == []
        over_http = get(f"{url}/api/records/user", token)["items"]
        by_command = crm("query", "user", "--json", "--app", app).out.splitlines()
        assert [json.loads(line) for line in by_command] == over_http


NOTING = """
from crm_kernel import Listener, Plugin, hookimpl
plugin = Plugin(name="noting", title="Noting", kernel=">=0.1")
async def note(event, crm):
    values = {"type": "note", "subject": event.after["name"], "about": event.record}
    await crm.write([{"create": {"values": values}}], entity="activity")
@hookimpl
def register_listeners():
    return [Listener(event="record.created", entity="lead", handle=note)]
"""


@pytest.mark.contract("hooks.md#listener-cli-rows")
def test_the_server_tells_listeners_of_what_the_command_line_wrote(crm: Crm, app: Path, tmp_path: Path) -> None:
    package = app / "plugins" / "noting"
    package.mkdir()
    (package / "__init__.py").write_text(NOTING, "utf-8")
    assert crm("user", "add", "ilze", "--role", "admin", "--app", app).status == 0
    token = crm("token", "create", "ilze", "--name", "x", "--app", app).out.strip()
    file = tmp_path / "leads.csv"
    file.write_text("name\nAnna\nBen\n", "utf-8")
    with served("serve", "--port", "0", "--app", app) as lines:
        url = next(lines).removeprefix("listening on ").strip()
        assert crm("import", "lead", file, "--app", app).status == 0
        deadline = monotonic() + 30
        subjects: list[str] = []
        while len(subjects) < 2 and monotonic() < deadline:
            found = get(f"{url}/api/records/activity?fields=subject", token)["items"]
            subjects = sorted(activity["subject"] for activity in found)
    assert subjects == ["Anna", "Ben"]


@pytest.mark.needs("real_estate")
@pytest.mark.contract("cli.md#demo")
def test_the_demo_is_served_with_its_sample(crm: Crm) -> None:
    with served("demo") as lines:
        url = next(lines).removeprefix("listening on ").strip()
        told: dict[str, str] = {}
        while "Try:" not in (line := next(lines)):
            name, _, value = line.strip().partition(" ")
            told[name] = value.strip()
        commands = [shlex.split(next(lines)) for _ in range(5)]
        assert told["URL"] == url
        assert told["log-in"].startswith("admin / ")
        counts = {e: get(f"{url}/api/records/{e}?count=capped", told["token"])["count"] for e in ("listing", "contact")}
        assert counts["listing"] >= 500
        assert counts["contact"] >= 300
        assert get(f"{url}/api/records/viewing?count=capped", told["token"])["count"] == 1000
        query = crm(*commands[0][1:])
        assert (query.status, len(query.out.splitlines()) > 1) == (0, True), query.err
        assert crm(*commands[1][1:]).status == 0
        folder = Path(commands[0][commands[0].index("--app") + 1])
        assert folder.exists()
    assert not folder.exists()
