"""Whatever is sent for a body is refused in time, by each route that takes one, and has changed nothing."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, NamedTuple

import pytest

from tests.security.cases import hostile
from tests.security.conftest import Fort

MIB = 1024 * 1024


class Sent(NamedTuple):
    """A body, and the statuses that it may be refused with."""

    content: bytes
    statuses: tuple[int, ...] = (400,)
    kind: str = "application/json"
    encoding: str = ""


def value(of: Any) -> Sent:
    """A body that is JSON, and no value that a route takes."""
    return Sent(json.dumps(of).encode(), (400, 404, 413, 422))


GZIP = gzip.compress(b'{"first_name": "A"}')
BOMB = gzip.compress(b"[" + b" " * 64 * MIB + b"]")
XML = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'

BODIES = {
    "nothing": Sent(b""),
    "no JSON": Sent(b"first_name=A"),
    "half of it": Sent(b'{"first_name": "A"'),
    "two values": Sent(b"{} {}"),
    "a comma too many": Sent(b'{"a": 1,}'),
    "a comment": Sent(b"{/* */}"),
    "quotes of another kind": Sent(b"{'a': 1}"),
    "NaN": Sent(b'{"budget": NaN}'),
    "infinity": Sent(b'{"budget": -Infinity}'),
    "UTF-16": Sent('{"first_name": "A"}'.encode("utf-16")),
    "no UTF-8": Sent(b'{"first_name": "\xff\xfe"}'),
    "a NUL before it": Sent(b"\x00{}"),
    "a control character": Sent(b'{"first_name": "a\x01b"}'),
    "65 lists": Sent(b"[" * 65 + b"]" * 65),
    "65 objects": Sent(b'{"a":' * 65 + b"1" + b"}" * 65),
    "a million lists that do not end": Sent(b"[" * MIB, (400, 413)),
    "a million objects that do not end": Sent(b'{"a":' * (MIB // 5), (400, 413)),
    "a text of brackets that does not end": Sent(b'["' + b"[" * MIB, (400, 413)),
    "a number of 1,000 digits": Sent(b'{"version": ' + b"9" * 1000 + b"}", (400, 404, 422)),
    "a number that is larger than numbers are": Sent(b'{"version": 1e999}', (400, 404, 422)),
    "a number of a million digits": Sent(b'{"version": ' + b"1" * MIB + b"}", (400, 404, 413, 422)),
    "null": value(None),
    "a list": value([]),
    "a text": value("{}"),
    "a number": value(0),
    "true": value(True),
    "members of Python and JavaScript": value({"__proto__": {"admin": True}, "__class__": 1, "constructor": {}}),
    "a member without a name": value({"": 1}),
    "members named as columns": value({"id\" = 'x', \"owner": 1, "bank__fold": "x", "wish__amount": 1}),
    "half of a surrogate pair": Sent(b'{"\\ud800": "\\udfff"}', (400, 404, 422)),
    "100,000 members": value({f"m{n}": n for n in range(100_000)}),
    "seven members of a megabyte": value({"budget_" * (MIB // 7) + str(n): 1 for n in range(7)}),
    "operators": value({"id": {"$ne": None}, "filter": {"$where": "1"}}),
    "one member twice": Sent(b'{"nothing": 1, "nothing": 2}', (400, 404, 422)),
    "nine megabytes": Sent(b'{"a": "' + b"x" * 9 * MIB + b'"}', (413, 422)),
    "33 megabytes": Sent(b'{"a": "' + b"x" * 33 * MIB + b'"}', (413,)),
    "three million values": Sent(b"[" + b"[]," * 1_600_000 + b"1]", (413,)),
    "text": Sent(b'{"first_name": "A"}', kind="text/plain"),
    "what a page of another site can send": Sent(b'{"first_name": "A"}', kind="application/x-www-form-urlencoded"),
    "a form": Sent(b'--x\r\n\r\n{"first_name": "A"}\r\n--x--', kind="multipart/form-data; boundary=x"),
    "XML with a DTD": Sent(XML, kind="application/xml"),
    "XML that says it is JSON": Sent(XML),
    "pickled Python": Sent(b"cos\nsystem\n(S'true'\ntR.", kind="application/x-python-pickle"),
    "gzip": Sent(GZIP, encoding="gzip"),
    "deflate": Sent(zlib.compress(b"{}"), encoding="deflate"),
    "64 megabytes in gzip": Sent(BOMB, (400,), encoding="gzip"),
    "64 megabytes in gzip, twice": Sent(gzip.compress(BOMB), (400,), encoding="gzip, gzip"),
}


@pytest.mark.contract("http-api.md#no-500", "http-api.md#bad-json")
@hostile(5, BODIES)
def test_bodies_are_refused_by_every_route_that_takes_one(fort: Fort, case: Sent) -> None:
    headers = {"Content-Type": case.kind, **({"Content-Encoding": case.encoding} if case.encoding else {})}
    taking = [operation for operation in fort.routes if operation.body == "application/json"]
    headers |= fort.sessions["ann"]
    fort.each(
        taking,
        lambda o: fort.send(None, o.method, fort.address(o), content=case.content, headers=headers),
        *case.statuses,
    )


KEYS = {
    "an empty key": ("Idempotency-Key", ""),
    "a key of 256 letters": ("Idempotency-Key", "x" * 256),
    "a version that is none": ("If-Match", "x"),
    "a version of 1,000 digits": ("If-Match", f'"{"9" * 1000}"'),
    "a version that is SQL": ("If-Match", "\"1' OR '1'='1\""),
    "a version that never was": ("If-Match", '"0"'),
}


@hostile(3, KEYS)
def test_what_stands_in_headers_is_a_value(fort: Fort, case: tuple[str, str]) -> None:
    name, text = case
    path = f"/api/records/contact/{fort.ids['contact']}"
    for method, body in (("PATCH", {"bank": "canaryrow"}), ("DELETE", None)):
        answer = fort.send("ann", method, path, headers={name: text}, json=body)
        assert answer.status_code in (400, 412), answer.text


def rows(change: Any, number: int) -> bytes:
    return json.dumps({"atomic": False, "changes": [change] * number}).encode()


MANY = {
    "upserts on 100,000 names": rows({"upsert": {"on": [f"n{n}" for n in range(100_000)], "values": {"a": 1}}}, 1),
    "100 rows of 1,000 unknown names": rows({"create": {"values": {f"n{n}": 1 for n in range(1000)}}}, 100),
    "100 rows of 1,000 unknown members": rows({"update": {f"n{n}": 1 for n in range(1000)}}, 100),
    "1,000 rows of 100 unknown names": rows({"create": {"values": {f"bud{n}": 1 for n in range(100)}}}, 1000),
    "names of 10,000 letters": rows({"create": {"values": {"n" * 10_000: 1, "b" * 10_000: 1}}}, 300),
    "10,000 changes of no kind": rows({"nothing": {}}, 10_000),
    "10,000 versions of 100 digits": rows({"delete": {"id": "x", "version": 10**100}}, 10_000),
}


@hostile(5, MANY)
def test_a_batch_of_faults_is_refused_in_time(fort: Fort, case: bytes) -> None:
    answer = fort.send("ann", "POST", "/api/records/contact/batch", content=case)
    assert answer.status_code in (200, 413, 422), answer.text[:1000]
    if answer.status_code == 200:
        assert answer.json()["counts"]["failed"] == len(answer.json()["results"])
