"""`make bench-hostile`: what others feel of each plugin of `tests/hostile`, beside the same app without them.

While one client provokes a plugin up to ten times a second, one reads contacts and one writes them. Both servers take
turns, and the medians of the rounds count. `throughout` begins with the first provocation, `after` once the plugin is
quarantined. Prints a table and writes `bench/results/hostile.json`. `--quick`: one short round.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from bench.hostile_app import install
from bench.machine import machine
from bench.servers import BIN, Server, timed
from bench.stores import ENGINES, Store, engines, stores
from bench.table import aligned

RESULTS = Path(__file__).parent / "results" / "hostile.json"
CONTACTS = "/api/records/contact"
DEADLINE_MS = 250.0
"""For all hooks of an operation; what others' writes may wait for them."""
TIMES = 2.0
"""How many times as long as without the plugin a p99 may take."""
PROVOKED = {
    **dict.fromkeys(("claiming", "babble", "early", "migrating"), "contact"),
    **{name: f"{name}_thing" for name in ("raising", "nonsense", "nesting", "spawning", "waiting", "blocking")},
    "hanging": "spawning_thing",
}
"""Each plugin, and the entity of which a new record makes it do what it does; some need none of their own."""
QUARANTINED = ("waiting", "blocking")


class Figures(NamedTuple):
    """ms of others' requests."""

    read_p99: float
    write_p99: float
    write_longest: float


class App:
    """An app folder, and its server."""

    def __init__(self, folder: Path, store: Store, *, hostile: bool) -> None:
        folder.mkdir()
        self._folder = folder
        crm = partial(_crm, folder)
        if hostile:
            install(folder, store.url, crm)
        else:
            (folder / "crm.toml").write_text(f'[database]\nurl = "{store.url}"\n', "utf-8")
            crm("apply", "--yes")
        crm("user", "add", "root", "--role", "admin")
        self._headers = {
            "authorization": f"Bearer {crm('token', 'create', 'root', '--name', 'bench').strip()}",
            "content-type": "application/json",
        }

    @contextmanager
    def served(self) -> Generator[float]:
        """While it is served: the seconds until its first answer."""
        command = [str(BIN / "crm"), "--app", str(self._folder), "serve", "--host", "127.0.0.1", "--port", "0"]
        server = Server(command, "/health/ready", self._folder / "serve.log")
        self._port = server.port
        created = [self.ask("POST", CONTACTS, {"last_name": f"n{number}"}) for number in range(100)]
        self._paths = [CONTACTS, *(f"{CONTACTS}/{contact['id']}" for contact in created)]
        try:
            yield server.cold_start
        finally:
            server.stop()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One answer, as data."""
        text = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self._port}{path}", text, self._headers, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def state(self, plugin: str) -> str:
        """The state a plugin is in."""
        items = self.ask("GET", "/api/plugins")["items"]
        return next(item["state"] for item in items if item["name"] == plugin)

    def round(self, entity: str, seconds: float) -> Figures:
        """Reads and writes of contacts, while records of `entity` are asked for."""
        read = self._client(self._gets(), seconds, pause=0.005)
        write = self._client([self._create("contact")], seconds, pause=0.02)
        provoke = self._client([self._create(entity)], seconds, pause=0.1)
        seen = [json.loads(client.communicate()[0]) for client in (read, write, provoke)]
        for one in seen[:2]:
            if one["wrong"]:
                raise SystemExit(f"bench: {one['wrong']} wrong answers beside {entity}: {one['example']}")
        return Figures(seen[0]["p99_ms"], seen[1]["p99_ms"], seen[1]["longest_ms"])

    def _gets(self) -> list[dict[str, Any]]:
        return [{"method": "GET", "path": path, "headers": self._headers} for path in self._paths]

    def _create(self, entity: str) -> dict[str, Any]:
        values = {"last_name": "A"} if entity == "contact" else {"name": "A"}
        path = f"/api/records/{entity}"
        return {"method": "POST", "path": path, "headers": self._headers, "body": json.dumps(values), "expect": 201}

    def _client(self, requests: list[dict[str, Any]], seconds: float, *, pause: float) -> subprocess.Popen[str]:
        job = {"host": "127.0.0.1", "port": self._port, "connections": 1, "seconds": seconds, "pause": pause}
        client = subprocess.Popen(
            [str(BIN / "python"), "-m", "bench.client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert client.stdin is not None
        client.stdin.write(json.dumps({**job, "requests": requests}))
        client.stdin.close()
        client.stdin = None
        return client


def _crm(folder: Path, *words: str) -> str:
    return timed([str(BIN / "crm"), "--app", str(folder), *words])[2]


def measure(engine: str, rounds: int, seconds: float, names: Sequence[str] = tuple(PROVOKED)) -> dict[str, Any]:
    """Figures of one engine, by plugin."""
    with tempfile.TemporaryDirectory() as place:
        files = {name: Path(place) / f"{name}.db" for name in ("clean", "hostile")}
        with stores(engine, files) as made:
            clean, hostile = (App(Path(place) / name, made[name], hostile=name == "hostile") for name in files)
            with clean.served() as clean_start, hostile.served() as hostile_start:
                clean.round("contact", seconds)  # both are warm then
                hostile.round("contact", seconds)
                found = {name: _compared(clean, hostile, name, rounds, seconds) for name in names}
    return {"start_s": {"clean": round(clean_start, 2), "hostile": round(hostile_start, 2)}, "plugins": found}


def _compared(clean: App, hostile: App, name: str, rounds: int, seconds: float) -> dict[str, Any]:
    seen: dict[str, list[Figures]] = {"base": [], "throughout": [], "after": []}
    for number in range(rounds):
        for app in (clean, hostile) if number % 2 else (hostile, clean):
            if app is clean:
                seen["base"].append(app.round("contact", seconds))
                continue
            if name in QUARANTINED:
                app.ask("POST", f"/api/plugins/{name}/reset")
            seen["throughout"].append(app.round(PROVOKED[name], seconds))
            if name in QUARANTINED:
                _wait_for_quarantine(app, name)
                seen["after"].append(app.round(PROVOKED[name], seconds))
    state = hostile.state(name)
    return {"state": state, **{phase: _median(figures) for phase, figures in seen.items() if figures}}


def _wait_for_quarantine(app: App, name: str) -> None:
    end = time.monotonic() + 10
    while app.state(name) != "quarantined":
        if time.monotonic() > end:
            raise SystemExit(f"bench: {name} is not quarantined, but {app.state(name)}")
        time.sleep(0.05)


def _median(figures: Sequence[Figures]) -> dict[str, float]:
    """Of each figure the middle: a machine that stands still for a moment does so in one round."""
    columns = zip(Figures._fields, zip(*figures, strict=True), strict=True)
    return {name: round(statistics.median(values), 2) for name, values in columns}


def verdicts(name: str, figures: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """What a plugin is held to: (found, limit) by name. Nobody is held to anything while the thread is blocked."""
    base, throughout, after = figures["base"], figures["throughout"], figures.get("after")
    found: dict[str, tuple[float, float]] = {}
    if name != "blocking":
        found["reads throughout, x"] = (throughout["read_p99"] / base["read_p99"], TIMES)
        found["longest write, ms"] = (throughout["write_longest"], DEADLINE_MS + base["write_longest"])
    if after is not None:
        found["reads after, x"] = (after["read_p99"] / base["read_p99"], TIMES)
        found["writes after, x"] = (after["write_p99"] / base["write_p99"], TIMES)
    return found


def show(engine: str, found: Mapping[str, Any]) -> str:
    """The table of one engine."""
    rows = [["plugin", "state", "what", "found", "limit", ""]]
    for name, figures in found["plugins"].items():
        for what, (value, limit) in verdicts(name, figures).items():
            missed = "" if value <= limit else "MISSED"
            rows.append([name, figures["state"], what, f"{value:.2f}", f"{limit:.2f}", missed])
    start = found["start_s"]
    head = f"{engine}: first answer after {start['hostile']} s, {start['clean']} s without"
    return "\n".join([head, *aligned(rows, left=(0, 1, 2))])


def main(words: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench-hostile", description=__doc__)
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="one round of a second")
    arguments = parser.parse_args(words)
    chosen = engines(arguments.engine)
    found: dict[str, Any] = {"machine": machine(chosen), "engines": {}}
    for engine in chosen:
        found["engines"][engine] = measure(engine, *((1, 1.0) if arguments.quick else (5, 3.0)))
        print(show(engine, found["engines"][engine]), flush=True)
    if not arguments.quick:
        RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped and databases dropped
    main()
