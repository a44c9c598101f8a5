"""A served app with secrets in it, attacked over HTTP; each answer is held to the five oracles."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.conftest import World, app_folder, crm, served
from tests.acceptance.http.test_routes_jobs import ended, form
from tests.looking import Looker
from tests.security.cases import Operation, one_of_each, operations

PASSWORD = "correct horse battery"
VIEW = {"kind": "view", "name": "mine", "entity": "contact", "label": "Mine", "columns": ["name"]}
ADMINS = frozenset({"ann", "reader"})

FIXED = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


class Fort(World):
    """The served app. Ann keeps secrets there, and all others try to get at them."""

    def fill(self) -> None:
        """Records and documents with secrets, and whatever a route can be about."""
        self.ids: dict[str, str] = {}
        self._hide("canaryrow", ADMINS)
        names = ("first_name", "last_name", "job_title", "source", "bank", "national_id", "code", "external_id")
        self._hide("73645127", ADMINS)
        hidden: dict[str, Any] = {name: f"canaryrow-{name}" for name in names}
        hidden |= {"email": "canaryrow@example.com", "budget": 73645127.25}
        self.ids["contact"] = self.new("contact", "ann", **hidden)["id"]
        self.send("ann", "PATCH", f"/api/records/contact/{self.ids['contact']}", json={"bank": "canaryrow-again"})
        self._hide("canarydenied", ADMINS)
        self._hide("83645127", ADMINS | {"bob"})
        denied = {"national_id": "canarydenied", "budget": 83645127.25, "language": "lv"}
        self.ids["denied"] = self.contact("ann", **denied)["id"]
        mine = self.contact("bob", language="lv", budget=83645127.25)["id"]
        self.send("ann", "PATCH", f"/api/records/contact/{mine}", json={"national_id": "canarydenied"})
        self.ids["mine"] = mine
        about = self.ids["contact"]
        self.ids["activity"] = self.new("activity", "ann", type="note", subject="canaryrow-note", about=about)["id"]
        self.ids["company"] = self.new("company", "ann", name="canaryrow-company")["id"]
        self.ids["team"] = self.new("team", "ann", name="North")["id"]
        self.ids["lease"] = self.new("lease", "ann", number="L-0", tenant=self.ids["contact"], rent=5)["id"]
        self.ids["user"] = self.person("ann")
        self.ids["file"] = str(uuid4())
        assert self.send("ann", "PUT", "/api/documents/view/mine", json=VIEW).status_code == 200
        sent = self.send("ann", "POST", "/api/records/contact/import", **form("first_name,budget\ncanaryrow-job,-1\n"))
        self.ids["jobs"] = ended(self, sent.headers["Location"])["id"]
        made = self.send("ann", "POST", "/api/tokens", json={"name": "canaryrow-token"}).json()
        self.ids["tokens"] = made["id"]
        self.sessions = {login: self.log_in(login) for login in ("ann", "bob")}
        listed = self.send(None, "GET", "/api/sessions", headers=self.sessions["ann"]).json()["items"]
        self.ids["sessions"] = listed[0]["id"]
        for secret in (made["token"], *self.tokens.values()):
            self._hide(secret, frozenset())
        self._dead_tokens()

    def _hide(self, secret: str, readers: frozenset[str]) -> None:
        self.oracles.secrets[secret] = frozenset(readers)

    def _dead_tokens(self) -> None:
        ends = {"expired": "expires_at = '2020-01-01T00:00:00Z'", "revoked": "revoked_at = '2020-01-01T00:00:00Z'"}
        for name, end in ends.items():
            self.tokens[name] = crm(self.folder, "token", "create", "ann", "--name", name, "--expires", "1d")
            self.database(f"UPDATE crm_token SET {end} WHERE name = ?", (name,))
        for name in ("disabled", "gone"):
            crm(self.folder, "user", "add", name, "--role", "admin")
            self.tokens[name] = crm(self.folder, "token", "create", name, "--name", name)
            path = f"/api/records/user/{self.person(name)}"
            how: dict[str, Any] = {"json": {"active": False}} if name == "disabled" else {}
            assert self.send("ann", "PATCH" if how else "DELETE", path, **how).status_code in (200, 204)

    def person(self, login: str) -> str:
        """The id of a user."""
        return self.get("ann", "/api/records/user", filter=f"login = '{login}'")["items"][0]["id"]

    def log_in(self, login: str, **headers: str) -> dict[str, str]:
        """What a browser of this user sends: the cookie of a new session, and its CSRF token."""
        reset = crm(self.folder, "user", "reset-password", login)
        body = {"login": login, "reset": reset, "password": PASSWORD}
        answer = self.send(None, "POST", "/api/session", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return browser(answer)

    def send(self, who: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer, which has the headers of every answer too; nothing is kept for the next request."""
        answer = super().send(who, method, path, **sent)
        self.client.cookies.clear()
        assert {name: answer.headers[name] for name in FIXED} == FIXED
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        for cookie in answer.headers.get_list("set-cookie"):
            assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        return answer

    @cached_property
    def all(self) -> list[Operation]:
        """All operations there are."""
        return operations(self.description)

    @cached_property
    def routes(self) -> list[Operation]:
        """One operation for each route."""
        return one_of_each(self.all)

    def address(self, operation: Operation, **values: str) -> str:
        """The path of an operation on what is there and belongs to Ann; `values` are taken for its parameters."""
        key = operation.path.removeprefix("/api/").removeprefix("records/").partition("/")[0]
        known = {"id": self.ids.get(key, str(uuid4())), "kind": "view", "entity": "contact"}
        known["name"] = "by-type" if key == "reports" else "mine"
        filled = {**dict.fromkeys(re.findall(r"\{(\w+)\}", operation.path), "x"), **known, **values}
        return operation.path.format_map({name: quote(value, safe="") for name, value in filled.items()})

    def each(self, found: list[Operation], sent: Callable[[Operation], httpx.Response], *expected: int) -> None:
        """Send something to each of the operations; all that answer with another status are told at once."""
        assert found
        answers = {operation.name: sent(operation) for operation in found}
        wrong = {name: (a.status_code, a.text[:300]) for name, a in answers.items() if a.status_code not in expected}
        assert not wrong


def browser(answer: httpx.Response) -> dict[str, str]:
    """What a browser sends after a log-in."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0], "X-CSRF-Token": answer.json()["csrf"]}


@pytest.fixture(scope="session")
def fort(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[Fort]:
    """The served app; `crm serve` is a process of its own."""
    folder = tmp_path_factory.mktemp("fort")
    place = kept_database(folder)
    tokens = app_folder(folder, place)
    with served(folder) as (url, process):
        fort = Fort(url, folder, Looker(place), process, tokens)
        fort.fill()
        yield fort
        assert fort.send("ann", "GET", "/api/session").json()["roles"] == ["admin"]
        fort.client.close()
        fort.database.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, (folder / "server.log").read_text()
