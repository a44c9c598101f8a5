"""Records as CSV or JSON lines, a page at a time (floor 7).

Pages follow each other by the keys of the sort, as those of a list do, each read for itself. So an export of any length
takes the memory of one page and holds no lock and no old state of the database, however slowly it is fetched; what
is written meanwhile may be in it or not. Where no sort is asked for it is by id, in which a page is found at once
however far it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.operations.answers import encode
from crm_kernel.operations.csv_text import csv_line, csv_lines
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.read import Page, Reader

FORMATS = ("csv", "jsonl")
PAGE = 500


async def export(
    reader: Reader, entity: str, caller: Caller, query: ListQuery, *, form: str, lossless: bool = False
) -> AsyncIterator[bytes]:
    """The parts of the export. What is wrong with the query, or not allowed, is raised before the first one.

    CSV is inert in spreadsheets unless `lossless`. Raises `Error` as a list does, and `forbidden` without the action
    `export`.
    """
    query = msgspec.structs.replace(query, export=True, sort=query.sort or "id", limit=PAGE, cursor=None, count="none")
    first = await reader.list(entity, caller, query)
    names = reader.exported(entity, caller, query)
    return _parts(reader, entity, caller, query, first, names, form, lossless)


async def _parts(
    reader: Reader,
    entity: str,
    caller: Caller,
    query: ListQuery,
    page: Page,
    names: Sequence[str],
    form: str,
    lossless: bool,
) -> AsyncGenerator[bytes]:
    if form == "csv":
        yield csv_line(names, lossless=lossless).encode()
    while True:
        if page.items:
            yield _csv(page.items, names, lossless) if form == "csv" else _lines(page.items, names)
        if page.next is None:
            return
        page = await reader.list(entity, caller, msgspec.structs.replace(query, cursor=page.next))


def _csv(items: Sequence[dict[str, Any]], names: Sequence[str], lossless: bool) -> bytes:
    return csv_lines(([item[name] for name in names] for item in items), lossless=lossless).encode()


def _lines(items: Sequence[dict[str, Any]], names: Sequence[str]) -> bytes:
    return b"".join([encode({name: item[name] for name in names}) + b"\n" for item in items])
