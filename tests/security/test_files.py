"""Files that are sent cannot fill, crash or lead astray the server; files that are answered run in no spreadsheet."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from typing import Any

import pytest

from tests.acceptance.http.test_routes_jobs import ended
from tests.security.cases import hostile
from tests.security.conftest import Fort

MIB = 1024 * 1024
INTO = "/api/records/contact/import"


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", b"first_name\n" + b"A\n" * MIB)
    return file.getvalue()


def sent(content: bytes, name: str = "people.csv", **parts: str) -> dict[str, Any]:
    return {"files": {"file": (name, content), **{part: (None, text) for part, text in parts.items()}}}


REFUSED: dict[str, dict[str, Any]] = {
    "nothing": sent(b""),
    "no text": sent(bytes(range(256)) * 100),
    "a NUL": sent(b"first_name\nA\x00B\n"),
    "UTF-16": sent("first_name\nA\n".encode("utf-16")),
    "a zip": sent(zipped()),
    "64 megabytes in gzip": sent(gzip.compress(b"first_name\n" + b"A\n" * 32 * MIB)),
    "XML with a DTD": sent(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
    "a column twice": sent(b"first_name,first_name\nA,B\n"),
    "a column that is SQL": sent(b'"first_name\' OR 1=1 --"\nA\n'),
    "a column of Python": sent(b"__class__\nA\n"),
    "a column beside the fields": sent(b"first_name,bank__fold\nA,B\n"),
    "a column that is read only": sent(b"first_name,created_by\nA,B\n"),
    "100,000 columns": sent(b",".join(b"c%d" % n for n in range(100_000)) + b"\n"),
    "a quote that does not end": sent(b'first_name\n"' + b"A" * MIB),
    "a mapping that is deep": sent(b"first_name\nA\n", mapping="[" * 100 + "]" * 100),
    "a mapping that is SQL": sent(b"first_name\nA\n", mapping='{"key": ["id\' OR 1=1"]}'),
    "a mapping that reads a file": sent(b"first_name\nA\n", mapping="@/etc/passwd"),
    "a part that is none": sent(b"first_name\nA\n", path="/etc/passwd"),
}


@hostile(7, REFUSED)
def test_a_file_that_is_none_is_refused(fort: Fort, case: dict[str, Any]) -> None:
    before = fort.get("ann", "/api/records/contact", count="exact", limit=1)["count"]
    answer = fort.send("ann", "POST", INTO, **case)
    if answer.status_code == 202:  # found only by whoever goes through it
        job = ended(fort, answer.headers["Location"])
        assert job["counts"]["created"] == 0, job
    else:
        assert answer.status_code in (400, 413, 422), answer.text
    assert fort.get("ann", "/api/records/contact", count="exact", limit=1)["count"] == before


NAMES = {
    "a path": "../../../../crm.toml",
    "a path of Windows": "..\\..\\crm.toml",
    "a whole path": "/etc/passwd",
    "a script": "<script>.csv",
    "a line break": "a\r\nSet-Cookie: a=b.csv",
    "255 letters": "a" * 255,
    "nothing but dots": "..",
}


@hostile(7, NAMES)
def test_the_name_of_a_file_names_no_file_of_ours(fort: Fort, case: str) -> None:
    before = {file: file.stat().st_mtime_ns for file in fort.folder.rglob("*") if "data" not in file.parts}
    answer = fort.send("ann", "POST", INTO, **sent(b"first_name\nA\n", case, dry_run="true"))
    assert answer.status_code in (202, 400, 422), answer.text
    assert "set-cookie" not in answer.headers
    if answer.status_code == 202:
        ended(fort, answer.headers["Location"])
    after = {file: file.stat().st_mtime_ns for file in fort.folder.rglob("*") if "data" not in file.parts}
    moving = ("crm.db", "outgoing.log")
    assert {f.name for f in before.keys() ^ after.keys() if not f.name.startswith(moving)} == set()
    assert {f.name for f in before if f.name == "crm.toml" and before[f] != after[f]} == set()


@hostile(7, {"another's rights": "bob", "no rights": "dan", "only reading": "reader", "another entity": "scoped"})
def test_a_file_is_imported_by_who_may(fort: Fort, case: str) -> None:
    answer = fort.send(case, "POST", INTO, **sent(b"first_name\nA\n"))
    assert answer.status_code in (403, 404)


FORMULAS = {
    "=": "=1+1",
    "+": "+1+1",
    "-": "-1+1",
    "@": "@SUM(1)",
    "a tab": "\t=1+1",
    "a line break": "\r=1+1",
    "another line break": "\n=1+1",
    "a blank": " =1+1",
    "a hard blank": "\u00a0=1+1",
    "a wide sign": "\uff1d1+1",
    "a mark of order": "\ufeff=1+1",
    "what is not seen": "\u200b\u0001=1+1",
    "a command": "=cmd|' /C calc'!A0",
}


@pytest.mark.contract("http-api.md#export-inert")
@hostile(7, FORMULAS)
def test_an_export_runs_in_no_spreadsheet(fort: Fort, case: str) -> None:
    id = fort.contact("bob", first_name="Formula", bank=case)["id"]
    asked = {"filter": f"id = '{id}'", "fields": "bank"}
    answer = fort.send("bob", "GET", "/api/records/contact/export", params=asked)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    stored = fort.get("bob", f"/api/records/contact/{id}")["bank"]
    assert rows == [["bank"], ["'" + stored]]
    lossless = fort.send("bob", "GET", "/api/records/contact/export", params={**asked, "lossless": "true"})
    assert list(csv.reader(io.StringIO(lossless.text, newline=""))) == [["bank"], [stored]]
