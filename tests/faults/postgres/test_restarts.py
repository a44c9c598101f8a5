"""PostgreSQL is restarted under load: clients are told to repeat, and no more than that."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import pytest

from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.conftest import app_folder
from tests.faults.conftest import form, told
from tests.faults.load import LEASES, is_whole
from tests.faults.serving import Answer, App
from tests.looking import Looker
from tests.postgres import Server, started

RESTARTS = form(2, 20)
CLIENTS, EACH = 10, 0.2
"""So many clients with a request every so many seconds: 50 a second."""
HEALED = 5.0


@pytest.fixture
def server(kept_database: NewDatabase) -> Iterator[Server]:  # noqa: ARG001 - it chooses tests that need PostgreSQL
    """A server that the test may restart."""
    with started() as server:
        yield server


@pytest.fixture
def restarted(server: Server, tmp_path: Path) -> Iterator[App]:
    """An app on it."""
    app = App(tmp_path, server.url, app_folder(tmp_path, server.url))
    app.start()
    yield app
    app.give_up()


class Caller(threading.Thread):
    """Reads and writes by turns. A write has a key, and is sent again until it is done."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self._client = app.client()
        self._ended = threading.Event()
        self._key = ""
        self.created: list[str] = []
        self.wrong: list[tuple[str, Answer | None]] = []
        self.good: list[float] = []
        """When answers were good."""
        self.refused: list[float] = []
        """When they told to repeat."""

    def run(self) -> None:
        """The thread."""
        reads = False
        with closing(self._client):
            while not self._ended.wait(EACH) or self._key:
                reads = not reads and bool(self.created)
                self._read() if reads else self._write()

    def end(self) -> None:
        """Finish the write that is not done yet, and no more."""
        self._ended.set()

    def _read(self) -> None:
        self._note("GET", self._client.send("GET", f"{LEASES}/{self.created[-1]}"))

    def _write(self) -> None:
        self._key = self._key or str(uuid4())
        answer = self._client.send("POST", LEASES, {"number": self._key[:18], "rent": 1}, Idempotency_Key=self._key)
        if self._note("POST", answer):
            assert answer is not None
            self.created.append(answer.body["id"])
            self._key = ""

    def _note(self, what: str, answer: Answer | None) -> bool:
        if answer is not None and answer.status in (200, 201):
            self.good.append(monotonic())
            return True
        if answer is not None and answer.is_refusal_to_repeat:
            self.refused.append(monotonic())
        else:
            self.wrong.append((what, answer))
        return False


def test_restarts_cost_repeats_only(restarted: App, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    callers = [Caller(restarted) for _ in range(CLIENTS)]
    for caller in callers:
        caller.start()
    sleep(1)
    healed: list[float] = []
    for number in range(RESTARTS):
        server.restart(("fast", "immediate")[number % 2])
        back = monotonic()
        sleep(HEALED)
        late = [moment for caller in callers for moment in caller.refused if moment > back]
        healed.append(max(late, default=back) - back)
        assert all(caller.good[-1] > back for caller in callers)
    for caller in callers:
        caller.end()
    for caller in callers:
        caller.join()
    restarted.stop()
    assert [wrong for caller in callers for wrong in caller.wrong] == []
    assert max(healed) < HEALED - 1
    look = Looker(server.url)
    ids = sorted(id for caller in callers for id in caller.created)
    assert sorted(id for (id,) in look("SELECT id FROM e_lease")) == ids, "each key has one effect"
    is_whole(look)
    look.close()
    refused = sum(len(caller.refused) for caller in callers)
    good = sum(len(caller.good) for caller in callers)
    figures = {"good answers": good, "told to repeat": refused, "healed after": f"{max(healed):.1f} s at most"}
    told(capsys, f"PostgreSQL restarted {RESTARTS} times", **figures)
