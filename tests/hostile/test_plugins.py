"""Plugins that do what they may not, in a served app: each is named, costs its own feature only, and leaves nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from bench.hostile_app import install
from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.conftest import crm
from tests.faults.load import is_whole
from tests.faults.serving import PATIENCE, Answer, App
from tests.looking import Looker


class Hostile:
    """The served app with all of them."""

    def __init__(self, app: App, look: Looker) -> None:
        self.app = app
        self.look = look
        self.client = app.client()

    def plugin(self, name: str) -> dict[str, Any]:
        """What `GET /api/plugins` tells of one."""
        items = self.client.answered("GET", "/api/plugins").body["items"]
        return next(item for item in items if item["name"] == name)

    def create(self, entity: str, **values: Any) -> Answer:
        """The answer to a new record."""
        return self.client.answered("POST", f"/api/records/{entity}", values or {"name": "A"})

    def count(self, entity: str) -> int:
        """How many records there are."""
        return self.client.answered("GET", f"/api/records/{entity}?count=exact").body["count"]

    def first_names(self) -> set[str]:
        """Those of all contacts."""
        items = self.client.answered("GET", "/api/records/contact?fields=first_name&limit=500").body["items"]
        return {item["first_name"] for item in items}

    def is_sound(self) -> None:
        """Others' records are written and read, and nothing is half-written."""
        assert self.create("contact", first_name="Ilze").status == 201
        assert self.client.answered("GET", "/api/records/contact").status == 200
        is_whole(self.look)

    def log(self) -> str:
        """What the server has said."""
        return self.app.log.read_text()

    def reset(self, name: str) -> dict[str, Any]:
        """End a quarantine."""
        answer = self.client.answered("POST", f"/api/plugins/{name}/reset")
        assert answer.status == 200
        return answer.body


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    url = kept_database(folder)
    install(folder, url, partial(crm, folder))
    crm(folder, "user", "add", "ann", "--role", "admin")
    app = App(folder, url, {"bob": crm(folder, "token", "create", "ann", "--name", "all")})
    app.start()
    look = Looker(url)
    hostile = Hostile(app, look)
    yield hostile
    hostile.client.close()
    look.close()
    if app.process is not None and app.process.poll() is None:
        app.process.send_signal(signal.SIGKILL)
        with app.process:
            app.process.wait(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("name", "said"),
    [("claiming", "claims entity 'contact', a name of base"), ("babble", "expected a list")],
)
def test_who_declares_what_he_may_not_is_left_out_and_named(hostile: Hostile, name: str, said: str) -> None:
    found = hostile.plugin(name)
    assert (found["state"], said in found["reason"]) == ("failed", True)
    assert f"plugin {name} is left out" in hostile.log()
    hostile.is_sound()


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("raising", "plugin_fault", "ZeroDivisionError"),
        ("nonsense", "plugin_fault", "returned {'refuse': 'all'}, expected None"),
        ("nesting", "nested_operation", "A hook may use only batch.find"),
    ],
)
def test_whose_hook_fails_refuses_his_own_operation_only(hostile: Hostile, name: str, code: str, said: str) -> None:
    refused = hostile.create(f"{name}_thing")
    assert (refused.status, [fault["code"] for fault in refused.body["errors"]]) == (422, [code])
    assert "nobody may read" not in str(refused.body)
    rows = [{"create": {"values": {"name": str(n)}}} for n in range(3)]
    batch = hostile.client.answered("POST", f"/api/records/{name}_thing/batch", {"atomic": False, "changes": rows}).body
    assert batch["counts"]["failed"] == 3
    found = hostile.plugin(name)
    hook = next(hook for hook in found["hooks"] if hook["hook"] == "before_write")
    assert hook["errors"] == 2
    assert said in found["faults"][-1]["cause"]
    assert (found["state"], hostile.count(f"{name}_thing")) == ("active", 0)
    hostile.is_sound()


def test_who_writes_in_a_register_hook_is_refused(hostile: Hostile) -> None:
    assert hostile.plugin("early")["state"] == "active"
    assert "crm.plugin.early: refused: nested_operation" in hostile.log()
    hostile.is_sound()
    assert hostile.first_names() == {"Ilze"}


def test_what_a_hook_left_behind_can_do_nothing_and_a_listener_that_hangs_is_cut(hostile: Hostile) -> None:
    made = hostile.create("spawning_thing")
    assert (made.status, made.body["name"]) == (201, "A")
    wait_until(lambda: hostile.log().count("crm.plugin.spawning: refused: ") == 3)
    assert "something was possible" not in hostile.log()
    hostile.is_sound()
    assert hostile.first_names() == {"Ilze"}
    wait_until(lambda: [lag["retry"] for lag in hostile.plugin("hanging")["listeners"]] == [1])
    assert "Overrun" in hostile.plugin("hanging")["faults"][-1]["cause"]
    hostile.is_sound()


def test_whose_migration_fails_is_served_and_named_and_nothing_of_it_is_half_written(hostile: Hostile) -> None:
    wait_until(lambda: [m["state"] for m in hostile.plugin("migrating")["migrations"]] == ["failed", "waiting"])
    found = hostile.plugin("migrating")
    assert (found["state"], found["migrations"][0]["name"]) == ("active", "spoil")
    assert found["migrations"][0]["error"] in found["faults"][-1]["cause"]
    assert "migration spoil of plugin migrating failed" in hostile.log()
    assert "something followed" not in hostile.log()
    hostile.is_sound()
    names = hostile.look("SELECT name, version FROM e_migrating_thing ORDER BY name")
    assert [(name.split()[0], version) for name, version in names[:2]] == [("spoilt", 2)] * 2  # the first batch
    assert [(len(name), version) for name, version in names[2:]] == [(2, 1)] * 4  # of the second not even the sound one
    assert hostile.create("migrating_thing").status == 201


@pytest.mark.contract("security.md#plugins-contained")
def test_who_waits_is_cut_three_times_and_then_not_called_any_more(hostile: Hostile) -> None:
    reads: list[int] = []
    done = threading.Event()

    def read() -> None:
        with closing(hostile.app.client()) as client:
            while not done.is_set():
                reads.append(client.answered("GET", "/api/records/contact").status)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        refused = hostile.create("waiting_thing")
        assert (refused.status, [fault["code"] for fault in refused.body["errors"]]) == (422, ["plugin_fault"])
    done.set()
    reader.join()
    assert set(reads) == {200}
    found = hostile.plugin("waiting")
    assert (found["state"], found["reason"]) == (
        "quarantined",
        "took too long 3 times within ten minutes, last in check_write",
    )
    hook = next(hook for hook in found["hooks"] if hook["hook"] == "check_write")
    assert hook["errors"] == hook["waits"] == 3  # cut, and after the third time not asked
    calls = hook["calls"]
    hostile.is_sound()
    assert next(h for h in hostile.plugin("waiting")["hooks"] if h["hook"] == "check_write")["calls"] == calls
    assert hostile.count("waiting_thing") == 0
    assert hostile.reset("waiting")["state"] == "active"
    assert hostile.create("waiting_thing").status == 422
    assert hostile.plugin("waiting")["state"] == "active"


@pytest.mark.contract("security.md#plugins-contained")
def test_who_blocks_is_named_with_his_stack_and_quarantined_when_he_returns(hostile: Hostile) -> None:
    made = hostile.create("blocking_thing")
    assert made.status == 201
    log = hostile.log()
    assert "plugin blocking blocks the event loop in before_write for " in log
    assert "in grind" in log
    assert log.index("blocks the event loop") < log.index("plugin blocking is quarantined")
    found = hostile.plugin("blocking")
    assert found["state"] == "quarantined"
    assert found["reason"].startswith("blocked the event loop in before_write")
    refused = hostile.create("blocking_thing")
    assert [fault["code"] for fault in refused.body["errors"]] == ["plugin_fault"]
    assert hostile.log().count("blocks the event loop") == 1
    hostile.is_sound()


def wait_until(holds: Any) -> None:
    """Wait for what must come about."""
    patience = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if holds():
            return
        patience.wait(0.05)
    raise AssertionError("it does not come about")
