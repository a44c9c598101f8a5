"""Records as CSV or JSON lines, a page at a time (floor 7).

Pages follow each other by the keys of the sort, as those of a list do, each read for itself. So an export of any length
takes the memory of one page and holds no lock and no old state of the database, however slowly it is fetched; what
is written meanwhile may be in it or not. Where no sort is asked for it is by id, in which a page is found at once
however far it is.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.doors import Exporter
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.answers import decode, encode
from crm_kernel.operations.calls import Calls, Overrun
from crm_kernel.operations.changes import RecordView
from crm_kernel.operations.csv_text import csv_line, csv_lines
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.read import Page, Reader
from crm_kernel.plugin_declarations import EXPORTERS
from crm_kernel.plugins import PluginHost

FORMATS = ("csv", "jsonl")
PAGE = 500

log = logging.getLogger("crm_kernel.export")


class Format(NamedTuple):
    """A format of a plugin: whose it is, how it writes, and who calls it."""

    calls: Calls
    plugin: str
    exporter: Exporter


class Services(Protocol):
    """What formats need of their kernel."""

    @property
    def plugins(self) -> PluginHost: ...
    @property
    def calls(self) -> Calls: ...


def format_of(services: Services, name: str) -> str | Format:
    """The format of this name: one of `FORMATS`, or of a plugin. Raises `Error`: bad_value, busy (quarantined)."""
    if name in FORMATS:
        return name
    known = {one.name: Format(services.calls, plugin, one) for plugin, one in services.plugins.declared(EXPORTERS)}
    if name not in known:
        expected = " or ".join([*FORMATS, *known])
        raise Error("bad_value", f"format is {name[:100]!r}; expected {expected}.")
    if not services.plugins.is_active(plugin := known[name].plugin):
        raise Error("busy", f"The plugin {plugin!r} is quarantined; its exporters do not write.")
    return known[name]


async def export(
    reader: Reader,
    entity: str,
    caller: Caller,
    query: ListQuery,
    *,
    form: str | Format,
    lossless: bool = False,
    limit: int | None = None,
) -> AsyncIterator[bytes]:
    """The parts of the export. What is wrong with the query, or not allowed, is raised before the first one.

    CSV is inert in spreadsheets unless `lossless`; a format of a plugin gives at most `limit` records. Raises `Error`
    as a list does, `forbidden` without the action `export`, bad_value where the format is not for this entity,
    invalid with `plugin_fault` where its plugin fails.
    """
    query = msgspec.structs.replace(query, export=True, sort=query.sort or "id", limit=PAGE, cursor=None, count="none")
    first = await reader.list(entity, caller, query)
    names = reader.exported(entity, caller, query)
    pages = _pages(reader, entity, caller, query, first)
    if isinstance(form, str):
        return _parts(pages, names, form, lossless)
    if form.exporter.entity != entity:
        raise Error("bad_value", f"The format {form.exporter.name!r} is for {form.exporter.entity}, not for {entity}.")
    return await _begun(form, _records(pages, names, reader.cls_of(entity), limit))


Pages = AsyncIterator[Sequence[dict[str, Any]]]


async def _pages(
    reader: Reader, entity: str, caller: Caller, query: ListQuery, page: Page
) -> AsyncGenerator[Sequence[dict[str, Any]]]:
    while True:
        if page.items:
            yield page.items
        if page.next is None:
            return
        page = await reader.list(entity, caller, msgspec.structs.replace(query, cursor=page.next))


async def _parts(pages: Pages, names: Sequence[str], form: str, lossless: bool) -> AsyncGenerator[bytes]:
    if form == "csv":
        yield csv_line(names, lossless=lossless).encode()
    async for items in pages:
        yield _csv(items, names, lossless) if form == "csv" else _lines(items, names)


async def _records(
    pages: Pages, names: Sequence[str], cls: type | None, limit: int | None
) -> AsyncGenerator[RecordView]:
    left = limit
    async for items in pages:
        for item in items:
            if left == 0:
                return
            left = None if left is None else left - 1
            yield RecordView(decode(encode({name: item[name] for name in names if name in item})), cls)


async def _begun(form: Format, records: AsyncGenerator[RecordView]) -> AsyncIterator[bytes]:
    """What the exporter of a plugin writes; it is asked for its first bytes, so that it can still refuse."""
    written = _written(form, records)
    first = await anext(written, b"")

    async def parts() -> AsyncGenerator[bytes]:
        async with aclosing(records), aclosing(written):
            yield first
            async for part in written:
                yield part

    return parts()


async def _written(form: Format, records: AsyncGenerator[RecordView]) -> AsyncGenerator[bytes]:
    calls, plugin, exporter = form
    work = calls.each(plugin, f"exporter {exporter.name}", lambda: _bytes(exporter, records), expected=Error)
    try:
        async with aclosing(work) as parts:
            async for part in parts:
                yield part
    except (Error, GeneratorExit):
        raise
    except Exception as error:
        log.exception("plugin %s failed in exporter %s", plugin, exporter.name)
        how = "took too long" if isinstance(error, Overrun) else "failed"
        detail = f"The exporter {exporter.name!r} of the plugin {plugin!r} {how}."
        raise Error("invalid", detail, faults=[Fault(pointer="", code="plugin_fault", detail=detail)]) from error


async def _bytes(exporter: Exporter, records: AsyncGenerator[RecordView]) -> AsyncGenerator[bytes]:
    async with aclosing(exporter.write(records)) as parts:  # type: ignore[type-var]
        async for part in parts:
            if not isinstance(part, bytes):
                raise TypeError(f"an exporter yields bytes, got {type(part).__name__}")
            yield part


def _csv(items: Sequence[dict[str, Any]], names: Sequence[str], lossless: bool) -> bytes:
    return csv_lines(([item[name] for name in names] for item in items), lossless=lossless).encode()


def _lines(items: Sequence[dict[str, Any]], names: Sequence[str]) -> bytes:
    return b"".join([encode({name: item[name] for name in names}) + b"\n" for item in items])
