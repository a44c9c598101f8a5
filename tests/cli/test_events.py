"""`crm events`, `crm dead`, `crm replay`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Crm, looker
from tests.cli.test_deliver import add, echoing

__all__ = ["echoing"]


@pytest.mark.contract("cli.md#events")
def test_events_are_shown_and_gone_on_with(crm: Crm, echoing: Path) -> None:
    add(crm, echoing, "Anna", "Bela")
    told = crm("events", "--limit", "1", "--json", app=echoing).json
    assert [(e["type"], e["entity"], e["channel"]) for e in told["items"]] == [("record.created", "lead", "import")]
    rest = crm("events", "--after", told["next"], app=echoing)
    assert (rest.status, rest.out.count("record.created")) == (0, 1)
    wrong = crm("events", "--after", "nowhere", app=echoing)
    assert (wrong.status, "is no place in the feed" in wrong.err) == (2, True)


@pytest.mark.contract("cli.md#dead")
@pytest.mark.contract("cli.md#replay")
def test_the_dead_are_shown_and_tried_again(crm: Crm, echoing: Path) -> None:
    add(crm, echoing, "Bad")
    assert crm("deliver", app=echoing).status == 1
    assert crm("dead", app=echoing).err.endswith("nothing was given up\n")
    look = looker(echoing)
    look("UPDATE crm_delivery SET state = 'dead'")
    [dead] = crm("dead", "--json", app=echoing).lines
    assert (dead["entity"], dead["attempts"], dead["error"]) == ("lead", 1, "ValueError: no")
    look("UPDATE e_lead SET name = 'Good'")
    look("UPDATE crm_history SET changes = replace(changes, 'Bad', 'Good')")
    assert crm("replay", dead["event"], app=echoing).out == "1 deliveries will be tried again.\n"
    assert crm("deliver", app=echoing).status == 0
    assert look("SELECT name FROM e_contact") == [("echo of Good",)]
    look.close()


@pytest.mark.contract("cli.md#replay")
def test_one_listener_is_told_again_and_writes_once(crm: Crm, echoing: Path) -> None:
    add(crm, echoing, "Anna", "Bela")
    assert crm("deliver", app=echoing).status == 0
    first, second = crm("events", "--json", app=echoing).json["items"][:2]
    look = looker(echoing)
    [(listener,)] = look("SELECT name FROM crm_listener")
    told = crm("replay", first["id"], "--to", second["id"], "--listener", listener, "--json", app=echoing)
    assert told.json == {"deliveries": 2}
    assert crm("deliver", "--json", app=echoing).json == {"tried": 2, "retry": 0, "dead": 0}
    assert look("SELECT count(*) FROM e_contact") == [(2,)]
    look.close()
    for wrong, what in (((first["id"], "--listener", "no"), "no listener"), (("no",), "no event")):
        refused = crm("replay", *wrong, app=echoing)
        assert (refused.status > 0, what in refused.err) == (True, True)
