"""A folder of Python and a document, dropped into an app, are entities like any other: nobody touched the kernel.

`repair` comes with a plugin of the app's own, `voucher` with documents alone. Both are spoken to as an office would:
by the command line and over HTTP.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import httpx
import pytest

from tests.acceptance.cli.conftest import CRM, environment
from tests.acceptance.cli.test_serve import served

PLUGIN = '''
"""A workshop: repairs of what customers bring."""

from typing import Annotated, Literal

from crm_kernel import Batch, Change, Crm, Entity, Event, Extension, Listener, Money, Plugin, Ref, field, hookimpl
from crm_kernel.base import Contact

plugin = Plugin(name="workshop", title="Workshop", kernel=">=0.1,<1")


class Repair(Entity, name="repair", title="{number}", icon="wrench"):
    """Something to be repaired."""

    number: Annotated[str | None, field(unique=True, autonumber="R-{000}")] = None
    what: Annotated[str, field(max_length=100, search=True)]
    customer: Annotated[Ref[Contact] | None, field(reverse="repairs")] = None
    effort: Annotated[float | None, field(ge=0, unit="h")] = None
    price: Money | None = None
    kind_of: Literal["shoe", "bag"] | None = None


class Sizes(Extension, entity=Contact):
    shoe_size: Annotated[int | None, field(ge=15, le=60)] = None


PIPELINE = {
    "kind": "pipeline", "name": "repair", "entity": "repair", "label": "Repair",
    "stages": [
        {"name": "new", "type": "open"},
        {"name": "done", "type": "won", "requires": {"required": ["effort"]}},
        {"name": "given up", "type": "lost", "reasons": ["too dear", "beyond repair"]},
    ],
    "transitions": [{"from": ["new"], "to": "done"}, {"from": ["new"], "to": "given up"}],
}
BY_KIND = {
    "kind": "report", "name": "repairs-by-kind", "label": "Repairs by kind", "entity": "repair",
    "group_by": ["kind_of"], "measures": [{"count": "*", "as": "n"}, {"sum": "effort", "as": "effort"}],
}


async def tell_customer(event: Event, crm: Crm) -> None:
    about = event.after["customer"] or event.record
    await crm.write([Change.create("activity", type="note", subject=f"Ready: {event.after['what']}", about=about)])


async def take_in(event: Event, crm: Crm) -> None:
    await crm.write([Change.create("activity", type="note", subject="Taken in", about=event.record)])


@hookimpl
def register_entities() -> list[type[Entity]]:
    return [Repair]


@hookimpl
def register_extensions() -> list[type[Extension]]:
    return [Sizes]


@hookimpl
def register_pipelines():
    return [PIPELINE]


@hookimpl
def register_reports():
    return [BY_KIND]


@hookimpl
def register_listeners() -> list[Listener]:
    return [
        Listener(event="record.moved", entity="repair", where="event.to = 'done'", handle=tell_customer),
        Listener(event="record.created", entity="repair", where="what = 'Knife'", handle=take_in),
    ]


@hookimpl
async def check_write(batch: Batch) -> None:
    for change in batch.of(Repair):
        if change.kind == "create" and change.after.what == "bicycle":
            change.refuse("/what", "We repair no bicycles.", code="workshop.no_bicycles")
'''
DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "entity",
        "name": "voucher",
        "label": "Voucher",
        "title": "{number}",
        "schema": {
            "properties": {
                "number": {"type": "string", "x-crm": {"autonumber": "V-{000}", "unique": True}},
                "what": {"type": "string", "maxLength": 100, "x-crm": {"search": True}},
                "customer": {"type": "string", "x-crm": {"reference": "contact", "reverse": "vouchers"}},
                "effort": {"type": "number", "minimum": 0, "x-crm": {"unit": "h"}},
                "price": {"type": "object", "x-crm": {"money": True}},
                "kind_of": {"enum": ["shoe", "bag"]},
            },
            "required": ["what"],
        },
    },
    {
        "kind": "pipeline",
        "name": "voucher",
        "entity": "voucher",
        "label": "Voucher",
        "stages": [
            {"name": "new", "type": "open"},
            {"name": "done", "type": "won", "requires": {"required": ["effort"]}},
            {"name": "given up", "type": "lost", "reasons": ["too dear", "beyond repair"]},
        ],
        "transitions": [{"from": ["new"], "to": "done"}, {"from": ["new"], "to": "given up"}],
    },
    {
        "kind": "report",
        "name": "vouchers-by-kind",
        "label": "Vouchers by kind",
        "entity": "voucher",
        "group_by": ["kind_of"],
        "measures": [{"count": "*", "as": "n"}, {"sum": "effort", "as": "effort"}],
    },
    {
        "kind": "role",
        "name": "counter",
        "grants": [
            {"entity": entity, "actions": ["read", "create"], "fields": {"deny": ["price"]}}
            for entity in ("repair", "voucher")
        ],
    },
]
ROWS = "what,effort,kind_of,price\nBoots,1.5,shoe,EUR 20\nSandals,0.5,shoe,\nHandbag,2,bag,EUR 30\nTent,1,tent,\n"


class Workshop(NamedTuple):
    """The served app: its folder, an administrator's client, one of somebody at the counter."""

    folder: Path
    admin: httpx.Client
    counter: httpx.Client

    def crm(self, *arguments: str, status: int = 0) -> str:
        """What a command line printed."""
        return crm(self.folder, *arguments, status=status)


def crm(folder: Path, *arguments: str, status: int = 0) -> str:
    line = [str(CRM), *arguments, "--app", str(folder)]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.strip()


def signed_in(folder: Path, url: str, login: str, role: str) -> httpx.Client:
    crm(folder, "user", "add", login, "--role", role)
    token = crm(folder, "token", "create", login, "--name", "test")
    return httpx.Client(base_url=f"{url}/api", headers={"Authorization": f"Bearer {token}"}, timeout=30)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """An app of `crm new` with a plugin folder and documents dropped in, and a row that was there before the server."""
    parent = tmp_path_factory.mktemp("second")
    folder = parent / "app"
    subprocess.run([str(CRM), "new", str(folder)], env=environment(), check=True, capture_output=True)
    package = folder / "plugins" / "workshop" / "crm_workshop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN, "utf-8")
    for document in DOCUMENTS:
        (folder / "documents" / f"{document['name']}-{document['kind']}.json").write_text(json.dumps(document), "utf-8")
    crm(folder, "apply", "--yes")
    (parent / "rows.csv").write_text(ROWS, "utf-8")
    (parent / "early.csv").write_text("what\nKnife\n", "utf-8")
    crm(folder, "import", "repair", str(parent / "early.csv"))
    with served("serve", "--app", folder, "--port", "0") as lines:
        url = next(lines).removeprefix("listening on ").strip()
        with signed_in(folder, url, "ann", "admin") as admin, signed_in(folder, url, "bob", "counter") as counter:
            yield Workshop(folder, admin, counter)


each = pytest.mark.parametrize(("entity", "report"), [("repair", "repairs-by-kind"), ("voucher", "vouchers-by-kind")])


def made(client: httpx.Client, entity: str, **values: Any) -> dict[str, Any]:
    answer = client.post(f"/records/{entity}", json=values)
    assert answer.status_code == 201, answer.text
    return answer.json()


def names(client: httpx.Client, entity: str, filter: str) -> list[str]:
    answer = client.get(f"/records/{entity}", params={"filter": filter, "sort": "number", "fields": "what"})
    assert answer.status_code == 200, answer.text
    return [item["what"] for item in answer.json()["items"]]


def noted(shop: Workshop, about: str) -> list[dict[str, Any]]:
    """The activities about a record, once there is one: listeners run soon after the commit."""
    deadline = monotonic() + 30
    while monotonic() < deadline:
        answer = shop.admin.get("/records/activity", params={"filter": f"about = '{about}'"}).json()
        if answer["items"]:
            return answer["items"]
    return []


@each
def test_records_are_written_found_moved_and_remembered(shop: Workshop, entity: str, report: str) -> None:
    customer = made(shop.admin, "contact", name=f"Anna of {report}")
    record = made(shop.admin, entity, what="Belt", customer=customer["id"], price={"amount": 12.5, "currency": "EUR"})
    assert (record["stage"], record["number"][1:3], record["price"]["amount"]) == ("new", "-0", 12.5)
    wanted = f"what = 'Belt' and customer.name starts with 'Anna' and id = '{record['id']}'"
    assert names(shop.admin, entity, wanted) == ["Belt"]
    own = {"repair": "repairs", "voucher": "vouchers"}[entity]
    found = shop.admin.get("/records/contact", params={"filter": f"any({own}, price.amount > 10)"}).json()["items"]
    assert [contact["id"] for contact in found] == [customer["id"]]

    path = f"/records/{entity}/{record['id']}"
    refused = shop.admin.post(f"{path}/move", json={"to": "done"})
    assert (refused.status_code, refused.json()["code"]) == (409, "move_refused")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/effort"]
    possible = {move["to"]: move["allowed"] for move in shop.admin.get(f"{path}/moves").json()["moves"]}
    assert possible == {"done": False, "given up": True}
    moved = shop.admin.post(f"{path}/move", json={"to": "done", "values": {"effort": 1}})
    assert (moved.status_code, moved.json()["stage"]) == (200, "done")
    actions = [entry["action"] for entry in shop.admin.get(f"{path}/history").json()["items"]]
    assert actions == ["move", "create"]
    wrong = shop.admin.post(f"/records/{entity}", json={"what": "Belt", "effort": -1, "kind_of": "hat"})
    assert (wrong.status_code, [(e["pointer"], e["code"]) for e in wrong.json()["errors"]]) == (
        422,
        [("/effort", "minimum"), ("/kind_of", "enum")],
    )


@each
def test_schema_and_description_tell_of_it(shop: Workshop, entity: str, report: str) -> None:
    assert entity in [item["name"] for item in shop.admin.get("/schema").json()["items"]]
    schema = shop.admin.get(f"/schema/{entity}").json()
    assert schema["properties"]["effort"]["minimum"] == 0
    assert schema["properties"]["number"]["readOnly"] is True
    assert schema["required"] == ["what"]
    description = httpx.get(shop.admin.base_url.copy_with(path="/openapi.json"), headers=shop.admin.headers).json()
    assert {f"/api/records/{entity}", f"/api/records/{entity}/{{id}}"} <= set(description["paths"])
    assert report in json.dumps(shop.admin.get("/documents").json())


@each
def test_rows_are_imported_and_reported(shop: Workshop, entity: str, report: str) -> None:
    rows = shop.folder.parent / "rows.csv"
    before = {row["kind_of"]: row["n"] for row in shop.admin.get(f"/reports/{report}").json()["rows"]}
    counts = json.loads(shop.crm("import", entity, str(rows), "--json", status=1))["counts"]
    assert (counts["created"], counts["refused"]) == (3, 1)
    after = {row["kind_of"]: row for row in shop.admin.get(f"/reports/{report}").json()["rows"]}
    assert {kind: after[kind]["n"] - before.get(kind, 0) for kind in ("shoe", "bag")} == {"shoe": 2, "bag": 1}
    assert (after["shoe"]["effort"], after["bag"]["effort"]) == (2.0, 2.0)
    asked = shop.crm("query", entity, "--filter", "kind_of = 'shoe'", "--sort", "what", "--json").splitlines()
    assert [json.loads(line)["what"] for line in asked] == ["Boots", "Sandals"]
    assert [
        row["n"] for row in json.loads(shop.crm("report", report, "--json"))["rows"] if row["kind_of"] == "bag"
    ] == [1]


@pytest.mark.parametrize("entity", ["repair", "voucher"])
def test_roles_of_documents_hold_for_it(shop: Workshop, entity: str) -> None:
    record = made(shop.admin, entity, what="Hat", price={"amount": 5, "currency": "EUR"})
    seen = shop.counter.get(f"/records/{entity}/{record['id']}").json()
    assert (seen["what"], "price" in seen) == ("Hat", False)
    assert shop.counter.delete(f"/records/{entity}/{record['id']}").status_code == 403
    assert "price" not in shop.counter.get(f"/schema/{entity}").json()["properties"]
    assert shop.counter.get("/records/contact").status_code in (403, 404)


def test_the_plugin_checks_extends_and_listens(shop: Workshop) -> None:
    refused = shop.admin.post("/records/repair", json={"what": "bicycle"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "workshop.no_bicycles")
    customer = made(shop.admin, "contact", name="Berta", shoe_size=38)
    assert (
        shop.admin.get("/records/contact", params={"filter": "shoe_size > 37"}).json()["items"][0]["id"]
        == (customer["id"])
    )
    record = made(shop.admin, "repair", what="Skates", customer=customer["id"], effort=1)
    assert shop.admin.post(f"/records/repair/{record['id']}/move", json={"to": "done"}).status_code == 200
    (activity,) = noted(shop, customer["id"])
    assert activity["subject"] == "Ready: Skates"
    entry = shop.admin.get(f"/records/activity/{activity['id']}/history").json()["items"][0]
    assert (entry["channel"], entry["cause"]["plugin"]) == ("plugin", "workshop")


@pytest.mark.contract("hooks.md#listener-cli-rows")
def test_the_server_tells_of_what_was_written_before_it_ran(shop: Workshop) -> None:
    (knife,) = shop.admin.get("/records/repair", params={"filter": "what = 'Knife'"}).json()["items"]
    assert [activity["subject"] for activity in noted(shop, knife["id"])] == ["Taken in"]


def test_the_plugin_is_told_of_as_any_other(shop: Workshop) -> None:
    states = {state["name"]: state for state in shop.admin.get("/plugins").json()["items"]}
    workshop = states["workshop"]
    assert (workshop["title"], workshop["source"], workshop["state"]) == ("Workshop", "folder", "active")
    assert next(hook for hook in workshop["hooks"] if hook["hook"] == "check_write")["calls"] > 0
    assert "workshop" in shop.crm("plugins")
    assert shop.crm("check").endswith("No faults.")
