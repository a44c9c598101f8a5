"""Exports and search over HTTP: names and types of the answer, its head alone, and one that breaks off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.operations.read import Page

EXPORT = "/api/records/contact/export"


async def test_an_export_is_a_file(office: Any) -> None:
    await office.contact("ann", budget=5, bank="=1+1")
    answer = await office("ann", "GET", EXPORT, params={"fields": "budget,bank"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="contact.csv"'
    assert answer.text == "budget,bank\n5.0,'=1+1\n"
    lossless = await office("ann", "GET", EXPORT, params={"fields": "bank", "lossless": "true"})
    assert lossless.text == "bank\n=1+1\n"
    lines = await office("ann", "GET", EXPORT, params={"fields": "budget", "format": "jsonl"})
    assert lines.headers["Content-Type"] == "application/jsonl"
    assert lines.text == '{"budget":5.0}\n'
    head = await office("ann", "HEAD", EXPORT)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("fault", [Error("busy", "The database is busy."), RuntimeError("broken")])
async def test_an_export_that_breaks_off_has_no_end(kernel: Any, asgi: Any, fault: Exception) -> None:
    async def pages(*asked: Any) -> Page:
        if asked[-1].cursor is not None:
            raise fault
        return Page([{"id": "1"}], "further", None, False)

    kernel.reader = SimpleNamespace(list=pages, exported=lambda *_: ("id",))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": EXPORT, "raw_path": EXPORT.encode(), "root_path": "", "scheme": "http",
        "query_string": b"", "http_version": "1.1", "server": ("crm", 80), "client": ("127.0.0.1", 1), "state": {},
        "headers": [(b"host", b"crm"), (b"authorization", b"Bearer admin")], "asgi": {"version": "3.0"},
    }  # fmt: skip
    await asgi(scope, receive, send)
    assert [m["type"] for m in sent].count("http.response.start") == 1
    assert b"".join(m.get("body", b"") for m in sent) == b"id\n1\n"
    assert all(m["more_body"] for m in sent[1:])


async def test_search_over_http(office: Any) -> None:
    await office.contact("ann", last_name="Ābele")
    (item,) = (await office("ann", "GET", "/api/search", params={"q": "abel"})).json()["items"]
    assert item["entity"] == "contact"
    assert "Ābele" in item["snippet"]
    assert set(item) == {"entity", "id", "title", "snippet"}
