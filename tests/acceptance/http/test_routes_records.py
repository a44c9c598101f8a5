"""Each route of records with good, bad, unauthenticated and denied input."""

from __future__ import annotations

import pytest

from tests.acceptance.http.conftest import Case, World, cases

LIST = "GET /api/records/{entity}"
EXPORT = "GET /api/records/{entity}/export"
CREATE = "POST /api/records/{entity}"
GET = "GET /api/records/{entity}/{id}"
PATCH = "PATCH /api/records/{entity}/{id}"
DELETE = "DELETE /api/records/{entity}/{id}"
RESTORE = "POST /api/records/{entity}/{id}/restore"
BATCH = "POST /api/records/{entity}/batch"
MOVE = "POST /api/records/{entity}/{id}/move"
MOVES = "GET /api/records/{entity}/{id}/moves"
MERGE = "POST /api/records/{entity}/{id}/merge"
UNDO = "POST /api/records/{entity}/{id}/undo"
HISTORY = "GET /api/records/{entity}/{id}/history"

CONTACTS = "/api/records/contact"
LEASES = "/api/records/lease"
NOBODY = {"who": None, "code": "unauthenticated"}


@cases(
    Case(LIST, "good", 200, path=CONTACTS),
    Case(LIST, "good", 200, path=f"{CONTACTS}?limit=1&count=exact&sort=-budget,name&fields=name,owner.name"),
    Case(LIST, "good", 200, path=f"{CONTACTS}?q=%27%22%00*+OR+(NEAR&count=exact&limit=1"),
    Case(LIST, "good", 200, path=f"{CONTACTS}?q={'qzx+' * 2500}", has={"items": []}),
    Case(LIST, "bad", 400, path=f"{CONTACTS}?limit=0", code="bad_value"),
    Case(LIST, "bad", 400, path=f"{CONTACTS}?filter=budget", code="bad_filter"),
    Case(LIST, "bad", 404, path="/api/records/nothing", code="not_found"),
    Case(LIST, "unauthenticated", 401, path=CONTACTS, **NOBODY),
    Case(LIST, "denied", 404, who="dan", path=CONTACTS, code="not_found"),
    Case(LIST, "denied", 403, who="cid", path=f"{CONTACTS}?deleted=only", code="forbidden"),
)
def test_list(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(EXPORT, "good", 200, path=f"{CONTACTS}/export?sort=name&q=a&filter=name+is+not+null"),
    Case(EXPORT, "good", 200, path=f"{CONTACTS}/export?format=jsonl&fields=name,owner.name"),
    Case(EXPORT, "bad", 400, path=f"{CONTACTS}/export?format=xls", code="bad_value"),
    Case(EXPORT, "bad", 400, path=f"{CONTACTS}/export?lossless=1", code="bad_value"),
    Case(EXPORT, "bad", 400, path=f"{CONTACTS}/export?limit=5", code="unknown_parameter"),
    Case(EXPORT, "bad", 400, path=f"{CONTACTS}/export?fields=nothing", code="unknown_field"),
    Case(EXPORT, "bad", 404, path="/api/records/nothing/export", code="not_found"),
    Case(EXPORT, "unauthenticated", 401, path=f"{CONTACTS}/export", **NOBODY),
    Case(EXPORT, "denied", 403, path=f"{LEASES}/export", code="forbidden"),
    Case(EXPORT, "denied", 404, who="dan", path=f"{CONTACTS}/export", code="not_found"),
)
def test_export(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(CREATE, "good", 201, path=CONTACTS, body={"first_name": "Ilze"}, has={"first_name": "Ilze", "version": 1}),
    Case(CREATE, "bad", 422, path=CONTACTS, body={"budget": -1}, code="invalid"),
    Case(CREATE, "bad", 422, path=CONTACTS, body=[], code="invalid"),
    Case(CREATE, "bad", 404, path="/api/records/nothing", body={}, code="not_found"),
    Case(CREATE, "bad", 400, path=f"{CONTACTS}?dry_run=true", body={}, code="unknown_parameter"),
    Case(CREATE, "unauthenticated", 401, path=CONTACTS, body={}, **NOBODY),
    Case(CREATE, "denied", 403, who="cid", path=LEASES, body={"number": "1"}, code="forbidden"),
    Case(CREATE, "denied", 403, path=CONTACTS, body={"owner": None, "first_name": "A"}, code="forbidden"),
)
def test_create(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(GET, "good", 200, path=f"{CONTACTS}/{{contact}}", has={"version": 1, "bank": None}),
    Case(GET, "bad", 404, path=f"{CONTACTS}/{{never}}", code="not_found"),
    Case(GET, "bad", 404, path=f"{CONTACTS}/no-uuid", code="not_found"),
    Case(GET, "bad", 400, path=f"{CONTACTS}/{{contact}}?fields=nothing", code="unknown_field"),
    Case(GET, "unauthenticated", 401, path=f"{CONTACTS}/{{contact}}", **NOBODY),
    Case(GET, "denied", 404, path=f"{CONTACTS}/{{hidden}}", code="not_found"),
)
def test_get(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(PATCH, "good", 200, path=f"{CONTACTS}/{{contact}}", body={"budget": 5}, has={"budget": 5, "version": 2}),
    Case(PATCH, "good", 200, path=f"{CONTACTS}/{{contact}}", body={}, has={"version": 1}),
    Case(PATCH, "bad", 422, path=f"{CONTACTS}/{{contact}}", body={"budget": "much"}, code="invalid"),
    Case(PATCH, "bad", 412, path=f"{CONTACTS}/{{contact}}", body={}, headers={"If-Match": '"7"'}, code="stale"),
    Case(PATCH, "bad", 400, path=f"{CONTACTS}/{{contact}}", body={}, headers={"If-Match": "7"}, code="bad_value"),
    Case(PATCH, "unauthenticated", 401, path=f"{CONTACTS}/{{contact}}", body={}, **NOBODY),
    Case(PATCH, "denied", 404, path=f"{CONTACTS}/{{hidden}}", body={}, code="not_found"),
    Case(PATCH, "denied", 403, who="cid", path=f"{CONTACTS}/{{open}}", body={"bank": "x"}, code="forbidden"),
)
def test_patch(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(DELETE, "good", 204, path=f"{CONTACTS}/{{contact}}"),
    Case(DELETE, "good", 204, who="ann", path=f"{CONTACTS}/{{contact}}?purge=true"),
    Case(DELETE, "bad", 404, path=f"{CONTACTS}/{{deleted}}", code="not_found"),
    Case(DELETE, "bad", 400, path=f"{CONTACTS}/{{contact}}?purge=1", code="bad_value"),
    Case(DELETE, "bad", 412, path=f"{CONTACTS}/{{contact}}", headers={"If-Match": '"7"'}, code="stale"),
    Case(DELETE, "unauthenticated", 401, path=f"{CONTACTS}/{{contact}}", **NOBODY),
    Case(DELETE, "denied", 404, path=f"{CONTACTS}/{{hidden}}", code="not_found"),
    Case(DELETE, "denied", 403, path=f"{CONTACTS}/{{contact}}?purge=true", code="forbidden"),
)
def test_delete(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(RESTORE, "good", 200, path=f"{CONTACTS}/{{deleted}}/restore", has={"deleted_at": None, "version": 3}),
    Case(RESTORE, "bad", 404, path=f"{CONTACTS}/{{contact}}/restore", code="not_found"),
    Case(RESTORE, "unauthenticated", 401, path=f"{CONTACTS}/{{deleted}}/restore", **NOBODY),
    Case(RESTORE, "denied", 404, who="eve", path=f"{CONTACTS}/{{deleted}}/restore", code="not_found"),
)
def test_restore(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(BATCH, "good", 200, path=f"{CONTACTS}/batch", body={"changes": [{"create": {"values": {"name": "A"}}}]}),
    Case(BATCH, "good", 200, path=f"{CONTACTS}/batch", body={"changes": []}),
    Case(BATCH, "bad", 422, path=f"{CONTACTS}/batch", body={"changes": [{"make": {}}]}, code="invalid"),
    Case(BATCH, "bad", 422, path=f"{CONTACTS}/batch", body={"changes": [{"create": {"values": {"budget": -1}}}]}),
    Case(BATCH, "unauthenticated", 401, path=f"{CONTACTS}/batch", body={"changes": []}, **NOBODY),
    Case(BATCH, "denied", 404, who="dan", path=f"{CONTACTS}/batch", body={"changes": []}, code="not_found"),
    Case(
        BATCH,
        "denied",
        403,
        who="cid",
        path=f"{LEASES}/batch",
        body={"changes": [{"create": {"values": {"number": "1"}}}]},
        code="forbidden",
    ),
)
def test_batch(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(MOVE, "good", 200, path=f"{LEASES}/{{lease}}/move", body={"to": "signed"}, has={"stage": "signed"}),
    Case(MOVE, "bad", 409, path=f"{LEASES}/{{lease}}/move", body={"to": "ended"}, code="move_refused"),
    Case(MOVE, "bad", 422, path=f"{LEASES}/{{lease}}/move", body={"to": "nowhere"}, code="invalid"),
    Case(MOVE, "bad", 422, path=f"{LEASES}/{{lease}}/move", body={}, code="invalid"),
    Case(MOVE, "unauthenticated", 401, path=f"{LEASES}/{{lease}}/move", body={}, **NOBODY),
    Case(MOVE, "denied", 403, who="cid", path=f"{LEASES}/{{lease}}/move", body={"to": "signed"}, code="forbidden"),
    Case(MOVE, "denied", 404, who="dan", path=f"{LEASES}/{{lease}}/move", body={"to": "signed"}, code="not_found"),
)
def test_move(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(MOVES, "good", 200, path=f"{LEASES}/{{lease}}/moves", has={"pipeline": "letting", "stage": "draft"}),
    Case(MOVES, "bad", 404, path=f"{LEASES}/{{never}}/moves", code="not_found"),
    Case(MOVES, "bad", 400, path=f"{LEASES}/{{lease}}/moves?to=signed", code="unknown_parameter"),
    Case(MOVES, "unauthenticated", 401, path=f"{LEASES}/{{lease}}/moves", **NOBODY),
    Case(MOVES, "denied", 404, who="dan", path=f"{LEASES}/{{lease}}/moves", code="not_found"),
)
def test_moves(world: World, case: Case) -> None:
    world.run(case)


INTO = f"{LEASES}/{{lease}}/merge"
NONE = {"records": ["00000000-0000-4000-8000-000000000000"]}


@cases(
    Case(MERGE, "bad", 422, who="ann", path=INTO, body={}, code="invalid"),
    Case(MERGE, "bad", 422, who="ann", path=INTO, body={"records": "x", "nix": 1}, code="invalid"),
    Case(MERGE, "bad", 422, who="ann", path=INTO, body={"records": []}, code="invalid"),
    Case(MERGE, "bad", 404, who="ann", path=INTO, body=NONE, code="not_found"),
    Case(MERGE, "unauthenticated", 401, path=INTO, body=NONE, **NOBODY),
    Case(MERGE, "denied", 403, path=INTO, body={"records": []}, code="forbidden"),
    Case(MERGE, "denied", 404, who="dan", path=INTO, body=NONE, code="not_found"),
)
def test_merge_refused(world: World, case: Case) -> None:
    world.run(case)


@pytest.mark.contract("http-api.md#merge")
def test_merge(world: World) -> None:
    other, twice = world.lease(rent=7)["id"], world.lease(rent=9)["id"]
    case = Case(MERGE, "good", 200, who="ann", path=INTO, body={"records": [other]}, has={"rent": 5})
    kept = world.run(case).json()
    assert world.send("ann", "GET", f"{LEASES}/{other}").status_code == 404
    path = f"{LEASES}/{kept['id']}/merge"
    refused = world.send("ann", "POST", path, json={"records": [twice, twice]}).json()
    assert [error["pointer"] for error in refused["errors"]] == ["/records/1"]


@cases(
    Case(UNDO, "good", 200, path=f"{CONTACTS}/{{contact}}/undo", body={"version": 1}),
    Case(UNDO, "bad", 404, path=f"{CONTACTS}/{{contact}}/undo", body={"version": 2}, code="not_found"),
    Case(UNDO, "bad", 422, path=f"{CONTACTS}/{{contact}}/undo", body={"version": "1"}, code="invalid"),
    Case(UNDO, "unauthenticated", 401, path=f"{CONTACTS}/{{contact}}/undo", body={"version": 1}, **NOBODY),
    Case(UNDO, "denied", 404, path=f"{CONTACTS}/{{hidden}}/undo", body={"version": 1}, code="not_found"),
    Case(UNDO, "denied", 403, who="cid", path=f"{LEASES}/{{lease}}/undo", body={"version": 1}, code="forbidden"),
)
def test_undo(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(HISTORY, "good", 200, path=f"{CONTACTS}/{{contact}}/history", has={"next": None}),
    Case(HISTORY, "bad", 400, path=f"{CONTACTS}/{{contact}}/history?limit=501", code="bad_value"),
    Case(HISTORY, "bad", 400, path=f"{CONTACTS}/{{contact}}/history?cursor=x", code="bad_cursor"),
    Case(HISTORY, "unauthenticated", 401, path=f"{CONTACTS}/{{contact}}/history", **NOBODY),
    Case(HISTORY, "denied", 404, path=f"{CONTACTS}/{{hidden}}/history", code="not_found"),
)
def test_history(world: World, case: Case) -> None:
    world.run(case)
