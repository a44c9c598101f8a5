"""Forms with a file: what they may hold, and what is refused before or while they are read."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from tests.api.conftest import Office

PATH = "/api/records/contact/import"
B = b"--b\r\n"
END = b"--b--\r\n"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    """One part of a form."""
    file = f'; filename="{filename}"' if filename is not None else ""
    return B + f'Content-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


FILE = part("file", b"first_name\nAnna\n", "people.csv")


async def send(office: Office, body: bytes, kind: str = "multipart/form-data; boundary=b", **headers: str) -> Any:
    sent = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await office("ann", "POST", PATH, content=body, headers=sent)


def kept(office: Office) -> list[Path]:
    folder = office.kernel.settings.folder / "data" / "jobs"
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (FILE + END, "text/csv", 400, "bad_value"),
        (FILE + END, "multipart/form-data", 400, "bad_value"),
        (FILE + END, f"multipart/form-data; boundary={'b' * 201}", 400, "bad_value"),
        (FILE, "multipart/form-data; boundary=b", 400, "bad_value"),  # cut
        (b"", "multipart/form-data; boundary=b", 400, "bad_value"),
        (b"no form at all", "multipart/form-data; boundary=b", 400, "bad_value"),
        (END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + FILE + END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + part("dry_run", b"true") * 2 + END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + part("dry_run", b"maybe") + END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + part("on_duplicat", b"skip") + END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + part("mapping", b"key = [") + END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + part("mapping", b"\xff") + END, "multipart/form-data; boundary=b", 422, "invalid"),
        (FILE + part("mapping", b" " * (1024**2 + 1)) + END, "multipart/form-data; boundary=b", 413, "too_large"),
        (FILE * 17 + END, "multipart/form-data; boundary=b", 400, "bad_value"),
    ],
)
async def test_forms_that_are_refused(office: Office, body: bytes, kind: str, status: int, code: str) -> None:
    answer = await send(office, body, kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert kept(office) == []


async def test_all_faults_of_a_form_at_once(office: Office) -> None:
    answer = await send(office, part("nix", b"x") + part("mapping", b"{}") * 2 + END)
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/file", "required"),
        ("/mapping", "unique"),
        ("/nix", "unknown_field"),
    ]
    answer = await send(office, FILE + part("dry_run", b"x") + part("on_duplicate", b"x") + END)
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/dry_run", "/on_duplicate"]
    mapping = part("mapping", b'{"encoding": "nix", "delimiter": "\\u0000"}')
    answer = await send(office, FILE + mapping + END)
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/mapping/delimiter", "/mapping/encoding"]


async def test_a_file_larger_than_declared_room_is_refused_before_it_is_read(office: Office) -> None:
    answer = await send(office, FILE + END, Content_Length=str(10**12))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_form_that_is_whole_is_a_job(office: Office) -> None:
    mapping = part("mapping", b'key = ["external_id"]\n[columns]\nfirst_name = "first_name"\nid = "external_id"\n')
    body = part("file", b"first_name,id\nAnna,1\n", "../up/people.csv") + mapping + part("on_duplicate", b"skip")
    answer = await send(office, body + END)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["file"], job["rows"], job["state"], job["entity"]) == ("people.csv", 1, "queued", "contact")
    assert answer.headers["Location"] == f"/api/jobs/{job['id']}"
    (file,) = kept(office)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"first_name,id\nAnna,1\n", 0o600)
    await office.kernel.jobs.work(job["id"])
    done = await office("ann", "GET", f"/api/jobs/{job['id']}")
    assert (done.json()["state"], done.json()["counts"]["created"]) == ("done", 1)


async def test_a_read_only_token_may_try_it(office: Office) -> None:
    sent = {"Content-Type": "multipart/form-data; boundary=b"}
    tried = await office("reader", "POST", PATH, content=FILE + part("dry_run", b"true") + END, headers=sent)
    assert (tried.status_code, tried.json()["dry_run"]) == (202, True)
    refused = await office("reader", "POST", PATH, content=FILE + END, headers=sent)
    assert refused.json()["code"] == "read_only_token"


async def test_a_record_route_is_not_taken_for_it(office: Office) -> None:
    assert (await office("ann", "GET", PATH)).status_code == 405


DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        FILE + part("mapping", b"[" * DEEP) + END,
        FILE + part("mapping", b'{"constants": {"a": ' + b"[" * DEEP + b"]" * DEEP + b"}}") + END,
        FILE + part("mapping", b"a = " + b"[" * DEEP) + END,
        FILE + part("mapping", b"a" + b".a" * DEEP + b" = 1") + END,
        FILE + part("mapping", b"[" + b"a." * DEEP + b"a]") + END,
        FILE + part("mapping", b"a = " + b"{a = " * DEEP) + END,
        FILE + part("mapping", b'encoding = "idna"') + END,
        FILE + part("mapping", b'encoding = "punycode"') + END,
        FILE + part("mapping", b'{"constants": {"a": "\\ud800"}}') + END,
        FILE + part("mapping", b'{"columns": {"first_name": "\\ud800"}}') + END,
        FILE + part("mapping", b'{"columns": {"\\u0000": "first_name"}}') + END,
        part("file", b"first_name\n\x00\n" * 3, "a\x00b") + part("nix", b"") + END,
        FILE.replace(b"people", b"\xff\xfe") + part("nix", b"") + END,
        part("file", b"n" + b",n" * 10_000 + b"\nx\n", "x.csv") + END,
        part("file", ",".join(f"column{n}" for n in range(5_000)).encode() + b"\nx\n", "x.csv") + END,
        part("file", ",".join(f"column{n}" for n in range(5_000)).encode() + b"\nx\n", "x.csv")
        + part("mapping", json.dumps({"columns": {f"c{n}": f"f{n}" for n in range(20_000)}}).encode())
        + END,
        B + b"Content-Disposition: form-data\r\n\r\nx\r\n" + END,
        B + b"Content-Disposition: attachment; name=file\r\n\r\nx\r\n" + END,
        B + b"X: " + b"y" * 10_000 + b"\r\n\r\nx\r\n" + END,
        FILE.replace(b'"file"', b'"f\xffle"') + END,
    ],
)
async def test_hostile_forms_are_refused_in_time(office: Office, body: bytes) -> None:
    begun = process_time()
    answer = await send(office, body)
    assert answer.status_code in (400, 413, 422), answer.text
    assert process_time() - begun < 2
    assert kept(office) == []


@pytest.mark.parametrize("id", ["%00", "..", "a%2Fb", "x" * 300, "01A22055-C002-72E4-BD83-4B99FB68B316", "%ff"])
async def test_ids_that_are_none(office: Office, id: str) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/undo"), ("GET", "/errors.csv")):
        assert (await office("ann", method, f"/api/jobs/{id}{path}")).status_code in (404, 405)
