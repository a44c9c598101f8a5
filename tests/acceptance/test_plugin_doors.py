"""The doors of a shipped plugin over HTTP: a route with a path parameter, files in and out, labels in a language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx
import pytest

from crm_kernel.testing.kit import NewDatabase, write_app
from tests.acceptance.http.conftest import crm
from tests.faults.serving import PATIENCE, App

pytestmark = pytest.mark.needs("real_estate")

LISTINGS = "/api/records/listing"
PROPERTY = "/api/x/real_estate/Property"
VISITOR = {
    "kind": "role",
    "name": "visitor",
    "grants": [{"entity": "listing", "actions": ["read"], "where": "stage = 'Active'"}],
}
FEED = json.dumps({"value": [{"UnparsedAddress": "Brīvības 1", "StandardStatus": "Hold", "ListPrice": 5}]})


class Office:
    """A served app of the plugin real_estate, spoken to over HTTP."""

    def __init__(self, url: str, tokens: Mapping[str, str]) -> None:
        self._client = httpx.Client(base_url=url, timeout=PATIENCE)
        self._tokens = tokens

    def __call__(self, who: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer to what somebody sends."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who else {}
        return self._client.request(method, path, headers=headers | sent.pop("headers", {}), **sent)

    def listing(self, **values: Any) -> dict[str, Any]:
        """A new listing."""
        answer = self("bob", "POST", LISTINGS, json={"unparsed_address": "Brīvības 1", **values})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def imported(self, name: str, media: str, text: str = FEED, **parts: str) -> dict[str, Any]:
        """The job of a file that is sent, once it has ended."""
        files = {"file": (name, text.encode(), media), **{part: (None, value) for part, value in parts.items()}}
        answer = self("bob", "POST", f"{LISTINGS}/import", files=files)
        if answer.status_code != 202:
            return answer.json()
        begun = monotonic()
        while (job := self("bob", "GET", answer.headers["Location"]).json())["state"] in ("queued", "running"):
            assert monotonic() - begun < PATIENCE, job
            sleep(0.05)
        return job

    def close(self) -> None:
        """End the connections."""
        self._client.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("doors")
    database = kept_database(folder)
    write_app(folder, ["real_estate"], database)
    (folder / "documents" / "roles").mkdir(parents=True)
    (folder / "documents" / "roles" / "visitor.json").write_text(json.dumps(VISITOR), "utf-8")
    crm(folder, "apply", "--yes")
    tokens: dict[str, str] = {}
    for login, role in (("bob", "admin"), ("vera", "visitor"), ("liga", "admin")):
        crm(folder, "user", "add", login, "--role", role)
        tokens[login] = crm(folder, "token", "create", login, "--name", login)
    app = App(folder, database, tokens)
    app.start()
    office = Office(app.url, tokens)
    [liga] = office("bob", "GET", "/api/records/user?filter=login = 'liga'").json()["items"]
    assert office("bob", "PATCH", f"/api/records/user/{liga['id']}", json={"locale": "lv"}).status_code == 200
    yield office
    office.close()
    app.stop()
    app.give_up()


@pytest.mark.contract("http-api.md#plugin-routes")
def test_a_route_with_a_path_parameter(office: Office) -> None:
    listing = office.listing(stage="Active", list_price={"amount": 250_000, "currency": "EUR"}, bedrooms_total=3)
    path = f"{PROPERTY}/{listing['id']}"
    answer = office("vera", "GET", path)
    assert answer.status_code == 200
    sent = answer.json()
    assert (sent["ListingKey"], sent["StandardStatus"], sent["ListPrice"], sent["BedroomsTotal"]) == (
        listing["id"],
        "Active",
        250_000,
        3,
    )
    hidden = office.listing(stage="Hold")
    assert office("bob", "GET", f"{PROPERTY}/{hidden['id']}").status_code == 200
    refused = [
        (None, path, 401, "unauthenticated"),
        ("vera", f"{PROPERTY}/{hidden['id']}", 404, "not_found"),
        ("vera", f"{PROPERTY}/{uuid4()}", 404, "not_found"),
        ("bob", f"{PROPERTY}/no-id", 404, "not_found"),
        ("bob", f"{PROPERTY}/", 404, "not_found"),
        ("bob", f"{path}/Media", 404, "not_found"),
        ("bob", f"{PROPERTY}/{listing['id']}%2F..", 404, "not_found"),
    ]
    for who, asked, status, code in refused:
        answer = office(who, "GET", asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (asked, answer.text)
    assert office("bob", "DELETE", path).status_code == 405


@pytest.mark.contract("hooks.md#importers")
def test_an_import_names_its_format_or_is_known_by_suffix_or_media_type(office: Office) -> None:
    before = office("bob", "GET", f"{LISTINGS}?limit=1&count=exact").json()["count"]
    taken = [
        office.imported("feed.bin", "application/octet-stream", format="reso"),
        office.imported("feed.reso.json", "application/octet-stream"),
        office.imported("feed", "application/json"),
    ]
    assert [(job["state"], job["counts"]["created"]) for job in taken] == [("done", 1)] * 3
    assert office("bob", "GET", f"{LISTINGS}?limit=1&count=exact").json()["count"] == before + 3
    csv = office.imported("feed.reso.json", "application/json", "unparsed_address\nElizabetes 2\n", format="csv")
    assert (csv["state"], csv["counts"]["created"]) == ("done", 1)
    unknown = office.imported("feed.bin", "application/json", format="nonsense")
    assert (unknown["code"], [fault["pointer"] for fault in unknown["errors"]]) == ("invalid", ["/format"])
    assert "there are csv, reso" in unknown["errors"][0]["detail"]
    mapped = office.imported("feed.bin", "application/json", format="reso", mapping="{}")
    assert (mapped["code"], mapped["errors"][0]["detail"]) == ("invalid", "The format 'reso' takes no mapping.")
    broken = office.imported("feed.bin", "application/json", "[", format="reso")
    assert broken["code"] == "bad_value" or broken["state"] == "failed", broken


@pytest.mark.contract("hooks.md#exporters")
def test_an_export_has_the_media_type_of_its_format(office: Office) -> None:
    listing = office.listing(stage="Active", bedrooms_total=9)
    query = f"{LISTINGS}/export?filter=bedrooms_total = 9&format="
    told = {name: office("bob", "GET", query + name) for name in ("reso", "csv", "jsonl")}
    media = {name: answer.headers["Content-Type"].partition(";")[0] for name, answer in told.items()}
    assert media == {"reso": "application/json", "csv": "text/csv", "jsonl": "application/jsonl"}
    suffixes = {name: answer.headers["Content-Disposition"] for name, answer in told.items()}
    assert all(f'.{suffix}"' in suffixes[name] for name, suffix in (("reso", "reso.json"), ("csv", "csv")))
    assert [item["ListingKey"] for item in told["reso"].json()["value"]] == [listing["id"]]
    assert json.loads(told["jsonl"].text)["id"] == listing["id"]
    for path in (query + "nonsense", "/api/records/contact/export?format=reso"):
        refused = office("bob", "GET", path)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_value")


@pytest.mark.contract("hooks.md#translations")
def test_labels_are_in_the_language_of_who_asks(office: Office) -> None:
    labels = {
        who: {
            item["name"]: (item["label"], item["plural"]) for item in office(who, "GET", "/api/schema").json()["items"]
        }
        for who in ("bob", "liga")
    }
    assert (labels["bob"]["listing"], labels["liga"]["listing"]) == (("Listing", "Listings"), ("Objekts", "Objekti"))
    assert labels["liga"]["viewing"] == ("Apskate", "Apskates")
    listing = office.listing(stage="Active")
    moves = {who: office(who, "GET", f"{LISTINGS}/{listing['id']}/moves").json() for who in ("bob", "liga")}
    assert "Apturēts" in json.dumps(moves["liga"], ensure_ascii=False)
    assert "Apturēts" not in json.dumps(moves["bob"], ensure_ascii=False)
