"""Where the rows of an import come from: a CSV file with a mapping, or the source records a plugin reads (floor 7).

A source gives rows in batches, and of a batch the changes it asks for and what became of each of its rows.
"""

from __future__ import annotations

import hashlib
import logging
from asyncio import to_thread
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.doors import Importer
from crm_kernel.errors import ConfigError, Error, Fault
from crm_kernel.fields.base import Faulty
from crm_kernel.operations.calls import Calls, Overrun
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.crm import Crm
from crm_kernel.operations.import_changes import Duplicates, Refusal, Result, Row, Size, batches, result, to_change
from crm_kernel.operations.import_mapping import Column, Plan
from crm_kernel.operations.import_rows import CsvFile, Survey
from crm_kernel.operations.outcomes import LEFT_OUT, Outcome
from crm_kernel.plugin_declarations import IMPORTERS
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Registry
from crm_kernel.storage.ports import Database
from crm_kernel.storage.store import Store

log = logging.getLogger("crm_kernel.imports")


class Item(NamedTuple):
    """One source record: its number, the changes it asks for, or why it cannot be read."""

    number: int
    changes: Sequence[AnyChange]
    faults: Sequence[Fault]


class Asked(NamedTuple):
    """The changes of a batch, and for each the number of the row it belongs to (None: one for each row sent)."""

    changes: list[AnyChange]
    groups: list[int] | None = None


class Source(Protocol):
    """Rows in batches. `ahead`: a batch can be made ready before the one before it is stored."""

    @property
    def name(self) -> str: ...
    @property
    def ahead(self) -> bool: ...
    def batches(self, start: int, size: Size) -> AsyncGenerator[list[Any]]: ...
    async def asked(self, rows: Sequence[Any], database: Database) -> Asked: ...
    def result(self, rows: Sequence[Any], outcomes: Sequence[Outcome]) -> Result: ...


class Services(Protocol):
    """What sources need of their kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def store(self) -> Store: ...
    @property
    def plugins(self) -> PluginHost: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def calls(self) -> Calls: ...
    def crm_for(self, plugin: str, caller: Caller, *, writes: bool = True) -> Crm: ...


class CsvSource:
    """The rows of a CSV file, read as a plan says."""

    def __init__(self, services: Services, file: CsvFile, plan: Plan, caller: Caller, on_duplicate: Duplicates) -> None:
        self.name = file.name
        self.ahead = not plan.refers_to_itself
        self._services = services
        self._file = file
        self._plan = plan
        self._caller = caller
        self._on_duplicate: Duplicates = on_duplicate

    async def batches(self, start: int, size: Size) -> AsyncGenerator[list[Row]]:
        """The rows after row `start`."""
        for rows in batches(self._file.rows(start), self._plan, size):
            yield rows

    async def asked(self, rows: Sequence[Row], database: Database) -> Asked:
        """A change of each row that can be sent."""
        sent = _sent(rows)
        for column in self._plan.columns:
            if column.match is not None:
                await self._match(column, sent, database)
        return Asked([to_change(self._plan, row, self._on_duplicate) for row in sent])

    def result(self, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> Result:
        """Counts and refused rows of a batch."""
        return result(rows, _sent(rows), outcomes)

    async def _match(self, column: Column, rows: list[Row], database: Database) -> None:
        """Put ids in the place of what names other records, found in one statement."""
        name, match = column.field.name, column.match
        if match is None:
            return
        registry, context = self._services.registry, self._plan.context
        target = registry.entities[str(column.field.options.reference)]
        keys: dict[str, Any] = {}
        for text in {row.values[name] for row in rows if isinstance(row.values[name], str)}:
            try:
                keys[text] = match.type.canonical(match.type.parse(text, context), context)
            except Faulty:
                keys[text] = None
        rules = registry.access(self._caller).key_rows(target.name, (match.name,))
        environment = registry.environment(self._caller, self._services.clock.now())
        found = await self._services.store.lookups.find_by_key(
            database, target, (match.name,), [(k,) for k in keys.values()], rules, environment
        )
        for row in rows:
            text = row.values[name]
            if isinstance(text, str) and f"/{name}" not in row.faults:
                id = found.get((keys[text],))
                if id is not None:
                    row.values[name] = id
                else:
                    row.fail(column, "reference", f"There is no {target.name} with {match.name} {text[:80]!r} for you.")


def _sent(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.is_sent]


class ItemSource:
    """The source records of a file, read by the importer of a plugin."""

    ahead = True

    def __init__(
        self, services: Services, plugin: str, importer: Importer, path: Path, caller: Caller, *, name: str
    ) -> None:
        self.name = name
        self._services = services
        self._plugin = plugin
        self._importer = importer
        self._path = path
        self._caller = caller
        self._rows = 0

    async def survey(self) -> Survey:
        """Read the whole file. Raises `Error`: what the importer raises, and `plugin_fault` where it fails."""
        with _opened(self._path) as file:
            digest = await to_thread(lambda: hashlib.file_digest(file, "sha256").hexdigest())
        async with aclosing(self._items()) as items:
            self._rows = sum([1 async for _ in items])
        return Survey(digest, [], self._rows)

    async def batches(self, start: int, size: Size) -> AsyncGenerator[list[Item]]:
        """The source records after number `start`, as many as the survey found."""
        batch: list[Item] = []
        number = 0
        async with aclosing(self._items()) as items:
            async for item in items:
                number = item.number
                if number > self._rows:
                    break
                if number > start:
                    batch.append(item)
                if sum(len(one.changes) or 1 for one in batch) >= size.rows:
                    yield batch
                    batch = []
        if batch:
            yield batch
        if number < self._rows:
            detail = f"The importer {self._importer.name!r} read {self._rows} records at first, then {number}."
            raise _fault(detail)

    async def asked(self, rows: Sequence[Item], database: Database) -> Asked:
        """All changes of the source records that can be read."""
        del database
        pairs = [(change, number) for number, item in enumerate(rows) if not item.faults for change in item.changes]
        return Asked([change for change, _ in pairs], [number for _, number in pairs])

    def result(self, rows: Sequence[Item], outcomes: Sequence[Outcome]) -> Result:
        """Counts and refused source records: each is counted once, by what became of its changes."""
        counts = {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}
        refusals: list[Refusal] = []
        left = iter(outcomes)
        for item in rows:
            found = [next(left) for _ in item.changes] if not item.faults else []
            faults = [*item.faults, *_faults(item, found)]
            counts["refused" if faults else _counted(found)] += 1
            if faults:
                refusals.append(Refusal(item.number, [], faults))
        return Result(counts, refusals)

    async def _items(self) -> AsyncGenerator[Item]:
        """All source records, each looked at: what is no list of changes is the fault of the plugin."""
        crm = self._services.crm_for(self._plugin, self._caller, writes=False)
        calls, name = self._services.calls, f"importer {self._importer.name}"
        number = 0
        with _opened(self._path) as file:
            # Not strict: it runs in a process of its own, where it keeps nobody waiting.
            work = calls.each(self._plugin, name, lambda: self._importer.read(file, crm), strict=False, expected=Error)
            try:
                async with aclosing(work) as given:
                    async for one in given:
                        number += 1
                        yield self._item(number, one)
            except (Error, GeneratorExit):
                raise
            except Exception as error:
                how = "took too long" if isinstance(error, Overrun) else "failed"
                raise self._failed(f"{how} at record {number + 1}", error) from error

    def _item(self, number: int, given: object) -> Item:
        if isinstance(given, Error):
            faults = given.faults or [Fault(pointer="", code=given.code, detail=given.detail)]
            return Item(number, (), [fault.at(row=number) for fault in faults])
        if isinstance(given, list | tuple) and all(isinstance(change, Change) for change in given):
            return Item(number, given, ())
        error = TypeError(f"an importer yields lists of changes, got {type(given).__name__}")
        self._services.plugins.note_fault(self._plugin, IMPORTERS, error)
        fault = self._failed("gave no list of changes", error).faults[0]
        return Item(number, (), [fault.at(row=number)])

    def _failed(self, how: str, error: Exception) -> Error:
        log.error("plugin %s failed in importer %s", self._plugin, self._importer.name, exc_info=error)
        return _fault(f"The importer {self._importer.name!r} of the plugin {self._plugin!r} {how}.")


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", usage=True) from error


def _fault(detail: str) -> Error:
    return Error("invalid", detail, faults=[Fault(pointer="", code="plugin_fault", detail=detail)])


_RANKED = ("created", "updated", "moved", "deleted", "merged", "skipped")


def _counted(outcomes: Sequence[Outcome]) -> str:
    """What a source record counts as: the first of `_RANKED` that became of one of its changes."""
    found = {outcome.outcome for outcome in outcomes}
    best = next((name for name in _RANKED if name in found), "unchanged" if found else "skipped")
    return best if best in ("created", "skipped", "unchanged") else "updated"


def _faults(item: Item, outcomes: Iterable[Outcome]) -> list[Fault]:
    """What is wrong with the changes of one source record; of several, pointers begin with the place of the change."""
    many = len(item.changes) > 1
    return [
        fault.at(row=item.number, prefix=f"/{place}" if many else "")
        for place, outcome in enumerate(outcomes)
        if outcome.error is not None
        for fault in outcome.error.faults
        if fault is not LEFT_OUT
    ]


def chosen(
    plugins: PluginHost, entity: str, file: str, format: str | None, media: str | None = None, *, mapped: bool
) -> tuple[str, Importer] | None:
    """(plugin, importer) for a file: of the named format, else of its suffix or its media type; None for CSV.

    Raises `Error`: invalid (no such format for the entity, or a mapping with it), bad_value (two would take the file),
    busy (its plugin is quarantined).
    """
    known = {one.name: (plugin, one) for plugin, one in plugins.declared(IMPORTERS) if one.entity == entity}
    if format is None and not mapped:
        fitting = [name for name, (_, one) in known.items() if file.lower().endswith(tuple(one.suffixes))]
        fitting = fitting or [name for name, (_, one) in known.items() if media in one.media_types]
        if len(fitting) > 1:
            detail = f"The formats {' and '.join(fitting)} both take {file!r}."
            raise Error("bad_value", detail, hint="Name one of them as format.")
        format = fitting[0] if fitting else None
    if format in (None, "csv"):
        return None
    detail = None
    if format not in known:
        detail = f"{entity} is not imported from {format[:80]!r}; there are {', '.join(['csv', *known])}."
    elif mapped:
        detail = f"The format {format!r} takes no mapping."
    if detail is not None:
        raise Error("invalid", detail, faults=[Fault(pointer="/format", code="enum", detail=detail)])
    plugin, importer = known[format]
    if not plugins.is_active(plugin):
        raise Error("busy", f"The plugin {plugin!r} is quarantined; its importers do not read.")
    return plugin, importer
