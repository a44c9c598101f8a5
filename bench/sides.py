"""The two sides of a comparison: how each is filled, started and asked for the same work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from bench import data
from bench.servers import BIN, Server, granian, timed
from bench.stores import Store

NEW_CONTACT = {
    "first_name": "Ilze",
    "last_name": "Kalniņa",
    "email": f"ilze{'@' * 12}@example.org",
    "phone": "+37120000001",
    "job_title": "Buyer",
    "language": "lv",
    "external_id": f"N-{'@' * 12}",
    "score": 512.25,
    "segment": "hot",
    "budget": 250000,
    "rating": 4,
}
SAMPLE = 2000


class Filled(dict[str, float]):
    """What filling cost: `rows_per_second` and `resident_mib`."""


class Side(Protocol):
    """One side. `requests(work)` may be asked once the side is started."""

    name: str
    store: Store

    def fill(self, csv_file: Path, count: int) -> Filled: ...

    def start(self) -> Server: ...

    def requests(self, work: str) -> list[dict[str, Any]]: ...


class Floor:
    """The bare applications of `bench/floor/`."""

    name = "floor"
    _APPS: ClassVar = {"sqlite": "bench.floor.app:app", "postgresql": "bench.floor.postgres_app:app"}
    _MARKS: ClassVar = {"sqlite": "?", "postgresql": "$1"}

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store

    def fill(self, csv_file: Path, count: int) -> Filled:
        """Makes the database anew."""
        for file in self.folder.glob("floor.db*"):
            file.unlink()
        command = [str(BIN / "python"), "-m", "bench.floor.load", str(csv_file), self.store.url]
        seconds, resident, _ = timed(command)
        return Filled(rows_per_second=count / seconds, resident_mib=resident)

    def start(self) -> Server:
        """Serves it."""
        return granian(self._APPS[self.store.engine], self.folder / "floor.log", FLOOR_DATABASE=self.store.url)

    def requests(self, work: str) -> list[dict[str, Any]]:
        """The requests that do the work."""
        if work in ("get", "patch"):
            query = "SELECT id FROM contact WHERE team = (SELECT team FROM person WHERE login = 'user00') LIMIT "
            rows = self.store.rows(query + self._MARKS[self.store.engine], SAMPLE)
            paths = [f"/contacts/{key}" for (key,) in rows]
            return reads(paths) if work == "get" else patches(paths, {})
        if work == "create":
            return [{"method": "POST", "path": "/contacts", "body": json.dumps(NEW_CONTACT), "expect": 201}]
        mine = {"mine": "user00"} if work.endswith("mine") else {}
        if work.startswith("list"):
            return reads([f"/contacts?{urlencode({'segment': segment, **mine})}" for segment in data.SEGMENTS])
        return reads([f"/reports/contacts-by-segment?{urlencode(mine)}"])


class Framework:
    """The kernel with access rules, a hook, history and outbox, through its command line and its HTTP API."""

    name = "framework"

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.app = folder / "app"
        self.port = 0

    def crm(self, *words: str) -> str:
        """What a command prints."""
        return self._timed(*words)[2]

    def _timed(self, *words: str) -> tuple[float, float, str]:
        return timed([str(BIN / "crm"), "--app", str(self.app), *words])

    def fill(self, csv_file: Path, count: int) -> Filled:
        """Makes the app anew: people, documents, three plugins, contacts."""
        shutil.rmtree(self.app, ignore_errors=True)
        timed([str(BIN / "crm"), "new", str(self.app)])
        data.write_app_files(self.app, self.store.url)
        self.crm("apply", "--yes")
        self.crm("user", "add", "root", "--role", "admin")
        self._token("root")
        server = self.start()
        try:
            self._people()
        finally:
            server.stop()
        for login in ("user00", "desk"):
            self._token(login)
        mapping = ("--map", str(self.app / "mapping.toml"), "--on-duplicate", "create")
        seconds, resident, _ = self._timed("import", "contact", str(csv_file), *mapping)
        return Filled(rows_per_second=count / seconds, resident_mib=resident)

    def _token(self, login: str) -> None:
        """Keeps a new token of a person."""
        (self.folder / f"{login}.token").write_text(self.crm("token", "create", login, "--name", "bench").strip())

    def _people(self) -> None:
        """Adds teams and users in two batches."""
        teams = dict(zip(data.TEAMS, self._batch("team", [{"name": team} for team in data.TEAMS]), strict=True))
        people = [
            {"login": login, "name": login, "roles": ["bench-agent"], "team": teams[team]} for login, team in data.USERS
        ]
        self._batch("user", [*people, {"login": "desk", "name": "Desk", "roles": ["bench-desk"]}])

    def _batch(self, entity: str, records: list[dict[str, Any]]) -> list[str]:
        """Creates records; their ids."""
        body = json.dumps({"changes": [{"create": {"values": values}} for values in records]}).encode()
        return [result["id"] for result in self._ask(f"{entity}/batch", self.headers("root"), body)["results"]]

    def _ask(self, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Any:
        """One request about records, its answer as data."""
        url = f"http://127.0.0.1:{self.port}/api/records/{path}"
        with urlopen(Request(url, body, {"content-type": "application/json", **headers})) as answer:
            return json.load(answer)

    def start(self) -> Server:
        """Serves it."""
        command = [str(BIN / "crm"), "--app", str(self.app), "serve", "--host", "127.0.0.1", "--port", "0"]
        server = Server(command, "/health/ready", self.folder / "framework.log")
        self.port = server.port
        return server

    def headers(self, login: str) -> dict[str, str]:
        """Who asks."""
        return {"authorization": f"Bearer {(self.folder / f'{login}.token').read_text()}"}

    def requests(self, work: str) -> list[dict[str, Any]]:
        """The requests that do the work."""
        agent, desk = self.headers("user00"), self.headers("desk")
        contacts = "/api/records/contact"
        if work in ("get", "patch"):
            paths = [f"{contacts}/{key}" for key in self._ids(agent)]
            return reads(paths, agent) if work == "get" else patches(paths, agent)
        if work == "create":
            body = json.dumps(NEW_CONTACT)
            return [{"method": "POST", "path": contacts, "headers": agent, "body": body, "expect": 201}]
        who = agent if work.endswith("mine") else desk
        if work.startswith("list"):
            asked = [urlencode({"filter": f"segment = '{segment}'", "sort": "-score"}) for segment in data.SEGMENTS]
            return reads([f"{contacts}?{query}" for query in asked], who)
        return reads(["/api/reports/contacts-by-segment"], who)

    def _ids(self, headers: dict[str, str]) -> list[str]:
        """Ids of records the caller may see, through the list route."""
        found: list[str] = []
        query = {"limit": "500", "fields": "id"}
        while len(found) < SAMPLE:
            page = self._ask(f"contact?{urlencode(query)}", headers)
            found += [record["id"] for record in page["items"]]
            if not page["next"]:
                break
            query["cursor"] = page["next"]
        return found[:SAMPLE]


def reads(paths: list[str], headers: Mapping[str, str] = MappingProxyType({})) -> list[dict[str, Any]]:
    """GET requests."""
    return [{"method": "GET", "path": path, "headers": dict(headers)} for path in paths]


def patches(paths: list[str], headers: dict[str, str]) -> list[dict[str, Any]]:
    """PATCH requests that set the budget, each to another amount."""
    made = {"content-type": "application/merge-patch+json", **headers}
    return [
        {"method": "PATCH", "path": path, "headers": made, "body": json.dumps({"budget": 1000 * number + 7})}
        for number, path in enumerate(paths)
    ]
