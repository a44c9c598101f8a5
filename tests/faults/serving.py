"""`crm serve` as a process that is stopped, killed and started again, and clients that outlive it."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.servers import seconds_used
from tests.acceptance.cli.conftest import CRM, environment

PATIENCE = 60.0
"""Seconds to wait for a process that must do something; what is promised is measured apart."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def is_refusal_to_repeat(self) -> bool:
        """Whether it is the one refusal that a fault of the database may cause: 503 `busy` with Retry-After."""
        return self.status == 503 and self.body["code"] == "busy" and "retry-after" in self.headers


class Client:
    """One connection to a server, made when it is needed."""

    def __init__(self, url: str, token: str, *, timeout: float = PATIENCE) -> None:
        host = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """The answer; None where the server went away, so that nobody knows what became of the request."""
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, told, json.loads(text) if text else None)

    def answered(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """The answer of a server that is there."""
        answer = self.send(method, path, body, **headers)
        assert answer is not None, f"{method} {path} got no answer"
        return answer

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class App:
    """An app folder on a database, with tokens of its people, and the server that is up on it."""

    def __init__(self, folder: Path, database: str, tokens: Mapping[str, str]) -> None:
        self.folder = folder
        self.database = database
        self.tokens = tokens
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        self.start_cpu = 0.0
        """The most seconds of processor time that a start took."""

    @property
    def token(self) -> str:
        """The token of one who may write."""
        return self.tokens["bob"]

    def start(self) -> float:
        """Start the server; the seconds until `GET /health/ready` says so."""
        begun = monotonic()
        self.process, self.url = self._spawn()
        while not self._is_ready():
            assert monotonic() - begun < PATIENCE, "the server does not get ready"
            sleep(0.01)
        self.start_cpu = max(self.start_cpu, seconds_used(self.process.pid))
        return monotonic() - begun

    def _spawn(self) -> tuple[subprocess.Popen[str], str]:
        with self.log.open("a") as err:
            process = subprocess.Popen(
                [CRM, "serve", "--port", "0", "--app", str(self.folder)],
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, f"the server does not start: {self.log.read_text()}"
        return process, told.removeprefix("listening on ").strip()

    @contextlib.contextmanager
    def another_node(self) -> Iterator[str]:
        """The address of a second server on the same database."""
        process, url = self._spawn()
        try:
            yield url
        finally:
            process.terminate()
            with process:
                assert process.wait(timeout=PATIENCE) == 0

    def _is_ready(self) -> bool:
        with contextlib.closing(self.client()) as client:
            answer = client.send("GET", "/health/ready")
        return answer is not None and answer.status == 200

    @property
    def log(self) -> Path:
        """What all servers of this app said on stderr."""
        return self.folder / "server.log"

    def client(self, who: str = "bob") -> Client:
        """A connection of its own."""
        return Client(self.url, self.tokens[who])

    def kill(self) -> None:
        """End the server as a power cut would, but for what the system has in its caches."""
        assert self.process is not None
        self.process.kill()
        with self.process:
            self.process.wait()

    def terminate(self) -> None:
        """Ask the server to end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """The exit status of the server that was asked to end."""
        assert self.process is not None
        with self.process:
            return self.process.wait(timeout=PATIENCE)

    def stop(self) -> None:
        """End the server in good order."""
        self.terminate()
        assert self.ended() == 0, self.log.read_text()

    def give_up(self) -> None:
        """Kill the server where a test left it up; what it said must hold no traceback."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        assert not self.log.exists() or "Traceback" not in self.log.read_text(), self.log.read_text()
