"""`crm deliver`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Crm, looker

ECHO = """
from crm_kernel import Listener, Plugin, hookimpl

plugin = Plugin(name="echo", title="Echo", kernel=">=0.1")

async def note(event, crm):
    if event.after["name"] == "Bad":
        raise ValueError("no")
    await crm.write([{"create": {"values": {"name": "echo of " + event.after["name"]}}}], entity="contact")

@hookimpl
def register_listeners():
    return [Listener(event="record.created", entity="lead", handle=note)]
"""


@pytest.fixture
def echoing(crm: Crm, folder: Path) -> Path:
    """The app with a plugin that answers each new lead with a contact."""
    package = folder / "plugins" / "echo"
    package.mkdir()
    (package / "__init__.py").write_text(ECHO, "utf-8")
    assert crm("apply", app=folder).status == 0
    return folder


def add(crm: Crm, folder: Path, *names: str) -> None:
    file = folder / "leads.csv"
    file.write_text("\n".join(["name", *names, ""]), "utf-8")
    assert crm("import", "lead", file, app=folder).status == 0


@pytest.mark.contract("cli.md#deliver")
def test_what_waits_is_told_once(crm: Crm, echoing: Path) -> None:
    add(crm, echoing, "Anna", "Bela")
    told = crm("deliver", app=echoing)
    assert (told.status, told.out) == (0, "2 deliveries were made or tried.\n")
    assert crm("deliver", "--json", app=echoing).json == {"tried": 0, "retry": 0, "dead": 0}
    found = crm("query", "contact", "--json", "--sort", "name", app=echoing).lines
    assert [contact["name"] for contact in found] == ["echo of Anna", "echo of Bela"]


@pytest.mark.contract("cli.md#deliver")
def test_what_fails_is_said(crm: Crm, echoing: Path, caplog: pytest.LogCaptureFixture) -> None:
    add(crm, echoing, "Bad", "Carl")
    told = crm("deliver", app=echoing)
    assert (told.status, "2 deliveries were made or tried; 1 wait to be tried again" in told.out) == (1, True)
    assert "ValueError: no" in caplog.text


@pytest.mark.contract("cli.md#doctor")
def test_the_doctor_sees_what_was_given_up_and_who_is_late(crm: Crm, echoing: Path) -> None:
    add(crm, echoing, "Bad", "Carl")
    assert crm("doctor", app=echoing).status == 0
    assert crm("deliver", app=echoing).status == 1
    look = looker(echoing)
    look("UPDATE crm_delivery SET state = 'dead'")
    dead = crm("doctor", "--json", app=echoing)
    (finding,) = [check for check in dead.json["checks"] if not check["ok"]]
    assert (dead.status, finding["name"], finding["detail"]) == (
        1,
        "deliveries",
        "1 given up, 0 to be tried again, 0 cut",
    )
    look("DELETE FROM crm_delivery")
    look("UPDATE crm_listener SET seq = 0")
    look("UPDATE crm_outbox SET at = '2020-01-01T00:00:00Z' WHERE entity = 'lead'")
    look.close()
    late = crm("doctor", app=echoing)
    assert (late.status, "waits for 2 events since " in late.out) == (1, True)
