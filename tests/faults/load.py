"""Clients that write, and remember what they were told; and what must hold in a database whatever happened to it."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from time import sleep
from typing import Any, TypeVar
from uuid import uuid4

from tests.faults.serving import Answer, App, Client
from tests.looking import Looker

T = TypeVar("T")

WRITERS = 8
LEASES = "/api/records/lease"


@dataclass
class Lease:
    """What its writer knows of one lease. `doubt`: a request about it got no answer."""

    version: int = 0
    rent: float | None = None
    stage: str = "draft"
    deleted: bool = False
    doubt: bool = False

    def row(self) -> tuple[Any, ...]:
        """The row that it must be."""
        return (self.version, self.rent, self.stage, self.deleted)


@dataclass
class Book:
    """All that was acknowledged: shared by all writers, and kept over all ends of the server."""

    leases: dict[str, Lease] = field(default_factory=dict[str, Lease])
    acknowledged: int = 0
    refused: list[Answer] = field(default_factory=list[Answer])
    noted: threading.Condition = field(default_factory=threading.Condition)

    def note(self, answer: Answer | None) -> None:
        """One request was answered, or not."""
        with self.noted:
            if answer is not None and answer.status < 300:
                self.acknowledged += 1
            elif answer is not None:
                self.refused.append(answer)
            self.noted.notify_all()

    def wait_for(self, acknowledged: int) -> None:
        """Wait until so many writes were acknowledged."""
        with self.noted:
            assert self.noted.wait_for(lambda: self.acknowledged >= acknowledged or self.refused, 60)
        assert not self.refused, self.refused


class Writer(threading.Thread):
    """Creates, changes, moves and deletes leases of its own until the server goes away."""

    def __init__(self, app: App, book: Book, seed: int) -> None:
        super().__init__()
        self._client = app.client()
        self._book = book
        self._random = random.Random(seed)
        self._mine: list[str] = []

    def run(self) -> None:
        """The thread."""
        while self._step():
            pass
        self._client.close()

    def _step(self) -> bool:
        """One write; whether the server is there."""
        move = {"draft": "signed", "signed": "ended"}
        id = self._random.choice(self._mine) if self._mine else ""
        lease = self._book.leases.get(id, Lease())
        what = self._random.choices(("create", "change", "move", "delete"), (4, 3, 2, 1))[0] if id else "create"
        rent = float(self._random.randrange(1, 10_000))
        if what == "create" or (what == "move" and lease.stage not in move):
            id, lease = str(uuid4()), Lease()
            self._book.leases[id] = lease
            body = {"id": id, "number": id[:18], "rent": rent}
            return self._send(lease, "POST", LEASES, body) and self._known(id, lease, rent=rent)
        if what == "change":
            return self._send(lease, "PATCH", f"{LEASES}/{id}", {"rent": rent}) and self._known(id, lease, rent=rent)
        if what == "move":
            to = move[lease.stage]
            body = {"to": to, **({"reason": "term"} if to == "ended" else {})}
            return self._send(lease, "POST", f"{LEASES}/{id}/move", body) and self._known(id, lease, stage=to)
        self._mine.remove(id)
        return self._send(lease, "DELETE", f"{LEASES}/{id}", None) and self._known(id, lease, deleted=True)

    def _send(self, lease: Lease, method: str, path: str, body: Any) -> bool:
        answer = self._client.send(method, path, body)
        lease.doubt = answer is None or answer.status >= 300
        if answer is not None and answer.status < 300:
            if answer.body is not None:
                assert answer.body["version"] in (lease.version, lease.version + 1), answer
            lease.version = answer.body["version"] if answer.body is not None else lease.version + 1
        self._book.note(answer)
        return answer is not None

    def _known(self, id: str, lease: Lease, **values: Any) -> bool:
        if not lease.doubt:
            for name, value in values.items():
                setattr(lease, name, value)
            if lease.version == 1 and not lease.deleted and id not in self._mine:
                self._mine.append(id)
        return True


def writers(app: App, book: Book, seed: int = 0) -> list[Writer]:
    """As many as write at once, begun."""
    begun = [Writer(app, book, seed * WRITERS + n) for n in range(WRITERS)]
    for writer in begun:
        writer.start()
    return begun


def at_once(app: App, count: int, send: Callable[[Client, int], T]) -> list[T]:
    """What `send` gives for each of `count` clients that all begin at the same moment."""
    gate = threading.Barrier(count)

    def one(number: int) -> T:
        with closing(app.client()) as client:
            client.send("GET", "/health/live")  # connected before all begin
            gate.wait()
            return send(client, number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def wait_for_the_dead(look: Looker) -> None:
    """Wait until PostgreSQL has noticed that a killed server is gone: a COMMIT that it was sent is still done."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'crm'"
    mine = 1  # the looker's own connection
    while look.engine == "postgresql" and look(others)[0][0] > mine:
        sleep(0.02)


def holds_what_was_acknowledged(look: Looker, book: Book, *, exactly: bool = False) -> None:
    """Every acknowledged write is there, and nothing that nobody asked for; `exactly`: and no other was done."""
    rows = {id: row for id, *row in look("SELECT id, version, rent, stage, deleted_at IS NOT NULL FROM e_lease")}
    assert rows.keys() <= book.leases.keys()
    for id, lease in book.leases.items():
        if id not in rows:
            assert lease.version == 0, f"lease {id} was acknowledged and is lost: {lease}"
            continue
        version, rent, stage, deleted = rows[id]
        found = (version, rent, stage, bool(deleted))
        if lease.doubt and not exactly and version == lease.version + 1:
            continue  # the write whose answer did not come was done
        assert found == lease.row(), f"lease {id} is {found}, acknowledged was {lease}"


def is_whole(look: Looker) -> None:
    """Each version of each record has its entry in history and its event, and nothing else has one."""
    if look.engine == "sqlite":
        assert look("PRAGMA integrity_check") == [("ok",)]
    history = _versions(look("SELECT entity, record, version FROM crm_history"))
    events = _versions(look("SELECT DISTINCT entity, record, version FROM crm_outbox"))
    records = {
        (table.removeprefix("e_"), id, n)
        for table in look.tables()
        if table.startswith("e_")
        for id, version in look(f"SELECT id, version FROM {table}")
        for n in range(1, version + 1)
    }
    assert history == Counter(records)
    assert events == Counter(records)


def _versions(rows: Iterable[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    return Counter((entity, record, version) for entity, record, version in rows)
