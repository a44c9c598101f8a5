"""The routes of imports that are sent, with good, bad, unauthenticated and denied input."""

from __future__ import annotations

import csv
import io
import json
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.acceptance.http.conftest import Case, World, cases

IMPORT = "POST /api/records/{entity}/import"
JOB = "GET /api/jobs/{id}"
CANCEL = "POST /api/jobs/{id}/cancel"
UNDO = "POST /api/jobs/{id}/undo"
ERRORS = "GET /api/jobs/{id}/errors.csv"
TIMELINE = "GET /api/records/{entity}/{id}/timeline"

CONTACTS = "/api/records/contact"
INTO_CONTACTS = f"{CONTACTS}/import"
NOBODY = {"who": None, "code": "unauthenticated"}
FILE = "first_name,budget\nAnna,5\nBela,-1\n"
PATIENCE = 60.0


def form(text: str | bytes = FILE, **parts: Any) -> dict[str, Any]:
    """A form with a file, as the client takes it."""
    mapping = parts.pop("mapping", None)
    small = {name: (None, value) for name, value in parts.items()}
    if mapping is not None:
        small["mapping"] = (None, mapping if isinstance(mapping, str) else json.dumps(mapping))
    return {"files": {"file": ("people.csv", text), **small}}


def send(world: World, who: str | None, path: str = INTO_CONTACTS, **sent: Any) -> httpx.Response:
    """A file sent."""
    return world.send(who, "POST", path, **(sent or form()))


def ended(world: World, url: str, who: str = "ann") -> dict[str, Any]:
    """The job once nothing of it waits or runs."""
    begun = monotonic()
    while (job := world.get(who, url))["state"] in ("queued", "running"):
        assert monotonic() - begun < PATIENCE, job
        sleep(0.05)
    return job


@pytest.fixture(scope="module")
def imported(world: World) -> str:
    """The path of a job that is done."""
    answer = send(world, "ann")
    assert answer.status_code == 202, answer.text
    url = answer.headers["Location"]
    job = ended(world, url)
    assert (job["state"], job["counts"]["created"], job["counts"]["refused"]) == ("done", 1, 1)
    return url


@cases(
    Case(IMPORT, "good", 202, who="ann", path=INTO_CONTACTS, body=form(dry_run="true")),
    Case(IMPORT, "good", 202, who="reader", path=INTO_CONTACTS, body=form(dry_run="true")),
    Case(IMPORT, "bad", 422, who="ann", path=INTO_CONTACTS, body=form("nix\nA\n"), code="invalid"),
    Case(IMPORT, "bad", 422, who="ann", path=INTO_CONTACTS, body=form(mapping={"keys": []}), code="invalid"),
    Case(IMPORT, "bad", 422, who="ann", path=INTO_CONTACTS, body=form(mapping="{"), code="invalid"),
    Case(IMPORT, "bad", 422, who="ann", path=INTO_CONTACTS, body=form(on_duplicate="nix"), code="invalid"),
    Case(IMPORT, "bad", 422, who="ann", path=INTO_CONTACTS, body=form(dryrun="true"), code="invalid"),
    Case(IMPORT, "bad", 422, who="ann", path=INTO_CONTACTS, body={"files": {"mapping": (None, "{}")}}, code="invalid"),
    Case(IMPORT, "bad", 400, who="ann", path=INTO_CONTACTS, body=form(b"first_name\n\xff\n"), code="bad_value"),
    Case(IMPORT, "bad", 400, who="ann", path=INTO_CONTACTS, body={"json": {}}, code="bad_value"),
    Case(IMPORT, "bad", 400, who="ann", path=f"{INTO_CONTACTS}?dry_run=true", body=form(), code="unknown_parameter"),
    Case(IMPORT, "bad", 404, who="ann", path="/api/records/nothing/import", body=form(), code="not_found"),
    Case(IMPORT, "unauthenticated", 401, path=INTO_CONTACTS, body=form(), **NOBODY),
    Case(IMPORT, "denied", 403, path=INTO_CONTACTS, body=form(), code="forbidden"),
    Case(IMPORT, "denied", 403, who="reader", path=INTO_CONTACTS, body=form(), code="read_only_token"),
    Case(IMPORT, "denied", 404, who="dan", path=INTO_CONTACTS, body=form(), code="not_found"),
)
def test_import(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(JOB, "good", 200, who="ann", path="{imported}", has={"state": "done", "kind": "import", "rows": 2}),
    Case(JOB, "bad", 404, who="ann", path="/api/jobs/{never}", code="not_found"),
    Case(JOB, "bad", 400, who="ann", path="{imported}?full=true", code="unknown_parameter"),
    Case(JOB, "unauthenticated", 401, path="{imported}", **NOBODY),
    Case(JOB, "denied", 404, path="{imported}", code="not_found"),
    Case(JOB, "denied", 404, who="scoped", path="{imported}", code="not_found"),
)
def test_job(world: World, case: Case, imported: str) -> None:
    world.run(case._replace(path=str(case.path).replace("{imported}", imported)))


@cases(
    Case(CANCEL, "bad", 409, who="ann", path="{imported}/cancel", code="conflict"),
    Case(CANCEL, "bad", 404, who="ann", path="/api/jobs/{never}/cancel", code="not_found"),
    Case(CANCEL, "unauthenticated", 401, path="{imported}/cancel", **NOBODY),
    Case(CANCEL, "denied", 404, path="{imported}/cancel", code="not_found"),
    Case(CANCEL, "denied", 403, who="reader", path="{imported}/cancel", code="read_only_token"),
    Case(CANCEL, "good", 200, who="ann", path="{waiting}/cancel", has={"state": "cancelled"}),
)
def test_cancel(world: World, case: Case, imported: str) -> None:
    path = str(case.path).replace("{imported}", imported)
    if "{waiting}" in path:  # a node that is busy with another file does not begin with this one
        send(world, "ann", **form("first_name\n" + "Zita\n" * 20_000, dry_run="true"))
        path = path.replace("{waiting}", send(world, "ann").headers["Location"])
    world.run(case._replace(path=path))


@cases(
    Case(UNDO, "unauthenticated", 401, path="{imported}/undo", **NOBODY),
    Case(UNDO, "denied", 404, path="{imported}/undo", code="not_found"),
    Case(UNDO, "denied", 403, who="reader", path="{imported}/undo", code="read_only_token"),
    Case(UNDO, "bad", 404, who="ann", path="/api/jobs/{never}/undo", code="not_found"),
    Case(UNDO, "good", 202, who="ann", path="{imported}/undo", has={"kind": "import"}),
    Case(UNDO, "bad", 409, who="ann", path="{imported}/undo", code="conflict"),
)
def test_undo(world: World, case: Case, imported: str) -> None:
    world.run(case._replace(path=str(case.path).replace("{imported}", imported)))
    job = ended(world, imported)
    assert job["state"] == ("undone" if case.kind == "good" or case.status == 409 else "done")


@cases(
    Case(ERRORS, "good", 200, who="ann", path="{imported}/errors.csv"),
    Case(ERRORS, "bad", 404, who="ann", path="/api/jobs/{never}/errors.csv", code="not_found"),
    Case(ERRORS, "unauthenticated", 401, path="{imported}/errors.csv", **NOBODY),
    Case(ERRORS, "denied", 404, path="{imported}/errors.csv", code="not_found"),
)
def test_errors(world: World, case: Case, imported: str) -> None:
    answer = world.run(case._replace(path=str(case.path).replace("{imported}", imported)))
    if case.kind == "good":
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert (row["first_name"], row["_row"], row["_pointer"], row["_code"]) == ("Bela", "2", "/budget", "minimum")


@cases(
    Case(TIMELINE, "good", 200, path=f"{CONTACTS}/{{contact}}/timeline", has={"next": None}),
    Case(TIMELINE, "bad", 400, path=f"{CONTACTS}/{{contact}}/timeline?limit=501", code="bad_value"),
    Case(TIMELINE, "bad", 400, path=f"{CONTACTS}/{{contact}}/timeline?cursor=x", code="bad_cursor"),
    Case(TIMELINE, "unauthenticated", 401, path=f"{CONTACTS}/{{contact}}/timeline", **NOBODY),
    Case(TIMELINE, "denied", 404, path=f"{CONTACTS}/{{hidden}}/timeline", code="not_found"),
)
def test_timeline(world: World, case: Case) -> None:
    world.run(case)


@pytest.mark.contract("http-api.md#import-once")
def test_a_form_that_is_sent_again_with_its_key_is_one_job(world: World) -> None:
    key = {"Idempotency-Key": "one import"}
    sent = [send(world, "ann", headers=key, **form("first_name\nOnce\n")) for _ in range(2)]
    assert [a.status_code for a in sent] == [202, 202]
    assert sent[0].json() == sent[1].json()
    assert "Idempotency-Replayed" in sent[1].headers
    other = send(world, "ann", headers=key, **form("first_name\nTwice\n"))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key")
    ended(world, sent[0].headers["Location"])
    assert world.get("ann", CONTACTS, filter="first_name = 'Once'", count="exact")["count"] == 1


@pytest.mark.contract("http-api.md#import-too-large")
def test_a_file_that_is_too_large_is_refused_and_fills_no_memory(world: World) -> None:

    def body() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\nfirst_name\n'
        for _ in range(9 * 16):  # MiB by MiB: 9 more than the app allows
            yield b"A" * 65536

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = world.send("ann", "POST", INTO_CONTACTS, content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    left = [p.name for p in (world.folder / "data" / "jobs").iterdir() if p.name.endswith(".part")]
    assert left == []
