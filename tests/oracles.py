"""The five oracles of every request, for the client that sends it over HTTP to a served app.

U1: no value leaves that its reader may not have. U2: no 5xx, no traceback. U3: in time, within memory. U4: what is
refused has changed nothing. U5: nothing connects to elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import httpx

from tests.looking import Looker

SECONDS = 2.0
"""What an answer may take (machines under load apart, hence measured as processor time of the server)."""
MEMORY = 64 * 1024 * 1024
"""Bytes of memory that an answer may take beside what the server holds."""

NOBODY_READS = re.compile(r"\$argon2id\$|sqlite3\.|asyncpg|SQLSTATE|syntax error at|site-packages")
"""What no answer ever has: hashes of passwords, words of the machinery below."""

_MARKS: Mapping[str, tuple[str, ...]] = {
    "crm_history": ("max(seq)",),
    "crm_outbox": ("max(seq)",),
    "crm_document_version": ("max(seq)",),
    "crm_document": ("max(updated_at)",),
    "crm_stage_history": ("max(seq)",),
    "crm_secret": ("max(updated_at)",),
    "crm_token": ("count(revoked_at)", "max(expires_at)"),
    "crm_session": (),
    "crm_share": ("max(created_at)",),
    "crm_job": (),
    "crm_key": (),
    "crm_counter": ("sum(value)",),
}
"""What tells beside its number of rows that something was written into a table."""
_BY_ITSELF = frozenset(
    {
        "crm_attempt",
        "crm_list_use",
        "crm_listener",
        "crm_delivery",
        "crm_seal",
        "crm_job_fault",
        "crm_meta",
        "crm_schedule",
        "crm_lease",
        "crm_migration",
        "crm_plugin",
    }
)
"""Tables that the server writes by itself, or to keep count of what is refused."""


class Mark(NamedTuple):
    """What there was before a request."""

    written: list[Any]
    cpu: float
    resident: int


class Oracles:
    """Holds each answer of one served app to what is promised of all. `secrets`: a text, and who may see it."""

    def __init__(self, folder: Path, database: Looker, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.secrets: dict[str, frozenset[str | None]] = {}
        self._database = database
        self._log = folder / "server.log"
        self._outgoing = folder / "outgoing.log"
        self._started = len(self._noted())
        self._statement: tuple[list[str], str] = ([], "")

    def before(self) -> Mark:
        """To be called before a request is sent."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # the peak begins anew
        return Mark(self.written(), self.cpu(), self._memory("VmRSS"))

    def after(self, mark: Mark, who: str | None, answer: httpx.Response) -> None:
        """To be called with the answer; `who` sent the request."""
        sent = answer.request
        what = f"{sent.method} {sent.url} as {who}: {answer.status_code} {answer.text[:2000]}"
        self._u1(who, answer, what)
        assert answer.status_code < 500, what
        assert "Traceback" not in answer.text, what
        assert self.cpu() - mark.cpu < SECONDS, f"{what} took {self.cpu() - mark.cpu} s"
        more = self._memory("VmHWM") - mark.resident
        assert more < MEMORY, f"{what} took {more >> 20} MiB"
        if answer.status_code >= 400:
            assert self.written() == mark.written, f"{what} changed something"
        assert not self.connections(), f"{what} connected: {self.connections()}"

    def _u1(self, who: str | None, answer: httpx.Response, what: str) -> None:
        told = answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        assert not NOBODY_READS.search(told), what
        if not self.secrets:
            return
        told += self._log.read_text("utf-8")
        sent = unquote_plus(str(answer.request.url)) + _body(answer.request)
        for secret, readers in self.secrets.items():
            assert who in readers or secret in sent or secret not in told, f"{secret} leaves: {what}"

    def written(self) -> list[Any]:
        """What tells that something was written: numbers of rows, sums of versions, last numbers."""
        names = self._database.tables()
        if names != self._statement[0]:
            other = {name for name in names if name.startswith("crm_")} - _MARKS.keys() - _BY_ITSELF
            assert not other, f"tables that this oracle has not heard of: {other}"
            parts = [self._marks(name) for name in names if name.startswith("e_") or name in _MARKS]
            self._statement = (names, " UNION ALL ".join(parts))
        return self._database(self._statement[1])

    @staticmethod
    def _marks(table: str) -> str:
        marks = _MARKS.get(table, ("sum(version)", "max(id)"))
        texts = (f"coalesce(CAST({mark} AS text), '')" for mark in ("count(*)", *marks))
        return f"""SELECT '{table}', {" || ' ' || ".join(texts)} FROM {table}"""

    def connections(self) -> list[str]:
        """What the server connected to since it is up, but for its database."""
        return [line for line in self._noted()[self._started :] if f", {self._database.port})" not in line]

    def _noted(self) -> list[str]:
        return self._outgoing.read_text("utf-8").splitlines() if self._outgoing.exists() else []

    def cpu(self) -> float:
        """Seconds of processor time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def _body(request: httpx.Request) -> str:
    try:
        return request.content.decode("utf-8", "replace")
    except httpx.RequestNotRead:  # it was streamed
        return ""
