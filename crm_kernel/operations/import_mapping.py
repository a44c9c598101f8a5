"""An import mapping settled for one entity and one file: how each cell becomes a value (floor 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from crm_kernel.access import Access
from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields.base import Faulty, FieldType, Kind, ValueContext
from crm_kernel.fields.reference import ANY
from crm_kernel.mappings import ColumnMapping, ImportMapping
from crm_kernel.model import EntityModel, Field, Model

Read = Callable[[str], Any]
"""The sent value of a cell that is not blank. Raises `Faulty`."""

_NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.MONEY)
_MUTABLE = (Kind.MONEY, Kind.LIST, Kind.OBJECT, Kind.JSON)
_REMEMBERED = 4096
"""Cells of a column whose values are remembered: numbers and dates repeat, and reading them is slow."""

_TOLD = 1000
_HINTED = 20
"""Faults that are told, and those that are told with a name that may be meant."""

_HINT = "Correct the mapping (or the header of the file); nothing was imported."


class Column(NamedTuple):
    """One column that is used: its place in the row, its header, its field, how its cells are read (None: as is)."""

    place: int
    header: str
    field: Field
    read: Read | None
    match: Field | None = None
    """The unique field of the other entity by which a reference is found."""
    blank: Any = None
    """What a blank cell means: nothing, unless the mapping translates it."""


class Plan(NamedTuple):
    """What every row of a file goes through. `width` is the number of cells a row has to have."""

    entity: str
    columns: tuple[Column, ...]
    constants: dict[str, Any]
    key: tuple[Field, ...]
    width: int
    context: ValueContext

    @property
    def refers_to_itself(self) -> bool:
        """Whether a row may name an earlier one, by a reference to the entity of the file."""
        return any(c.match is not None and c.field.options.reference == self.entity for c in self.columns)


def readable_part(entities: Model, entity: str, access: Access) -> Model:
    """The entities as they exist for an importer: of `entity` what he may read or set, of others what he may read.

    So a mapping over a field that is denied to him is told as one over a field that is not there.
    """
    if access.unrestricted:
        return entities
    found: dict[str, EntityModel] = {}
    for name, model in entities.items():
        if access.knows(name):
            there = access.existing(name) if name == entity else access.readable(name)
            fields = {field: model.fields[field] for field in model.fields if field in there}
            found[name] = msgspec.structs.replace(model, fields=fields)
    return found


def settle(
    mapping: ImportMapping, header: Sequence[str], model: EntityModel, entities: Model, context: ValueContext
) -> Plan:
    """The plan of a mapping for a file with this header.

    `context` are the app's region, currency and zone. Raises `Error("invalid")` with a fault for everything that does
    not fit: columns the file has not, fields the entity has not, options of the wrong type, keys that are not indexed.
    Pointers of faults point into the mapping.
    """
    check = _Check(mapping, model, entities)
    if mapping.timezone is not None:
        context = context._replace(timezone=mapping.timezone)
    columns = [
        Column(
            place=place,
            header=name,
            field=field,
            read=_read(column, field, context, mapping.decimal),
            match=check.match(at, column, field),
            blank=_value((column.values or {}).get("")),
        )
        for place, name, at, column, field in check.used(header)
    ]
    for name in mapping.constants:
        check.field(name, f"/constants/{name}")
    key = check.key({c.field.name for c in columns} | set(mapping.constants))
    if check.faults:
        raise Error("invalid", hint=_HINT, faults=check.faults)
    return Plan(model.name, tuple(columns), dict(mapping.constants), key, len(header), context)


class _Check:
    """Collects what does not fit while the plan is made."""

    def __init__(self, mapping: ImportMapping, model: EntityModel, entities: Model) -> None:
        self.faults: list[Fault] = []
        self._mapping = mapping
        self._model = model
        self._entities = entities

    def fault(self, pointer: str, code: str, detail: str) -> None:
        if len(self.faults) < _TOLD:
            self.faults.append(Fault(pointer=pointer, code=code, detail=detail))

    def _near(self, name: str, known: Iterable[str]) -> str:
        """A name that may be meant, for the first faults: to look for one takes long where there are many."""
        return near(name[:100], known) if len(self.faults) < _HINTED else ""

    def _meant(self, name: str, known: Iterable[str]) -> str:
        found = self._near(name, known)
        return f";{found}" if found else "."

    def used(self, header: Sequence[str]) -> Iterator[tuple[int, str, str, ColumnMapping, Field]]:
        """Each column of the file (place, name, pointer into the mapping), once for each field that it fills;
        everything wrong with the header is noted."""
        columns = self._mapping.columns
        for name in columns or {}:
            if name not in header:
                hint = self._near(name, header) or f" it has {', '.join(repr(h[:100]) for h in header[:_HINTED])}."
                self.fault(f"/columns/{name}", "required", f"The file has no column {name!r};{hint}")
        times = Counter(header)
        for index, name in enumerate(header):
            filling = self._mapping.filled_by(name)
            if columns is None and self._mapping.unmapped == "ignore" and name not in self._model.fields:
                continue
            if not filling:
                if self._mapping.unmapped == "error":
                    self.fault("/unmapped", "unknown_field", f"The mapping does not name the column {name!r}.")
                continue
            if not name:
                self.fault("/columns", "required", f"Column {index + 1} of the file has no name.")
                continue
            if times[name] > 1:
                if header.index(name) == index:
                    self.fault(f"/columns/{name}", "unique", f"The file has {times[name]} columns {name!r}.")
                continue
            for place, column in enumerate(filling):
                at = f"/columns/{name}/{place}" if len(filling) > 1 else f"/columns/{name}"
                field = self.field(column.field, at)
                if field is not None:
                    self._options(at, column, field)
                    yield index, name, at, column, field

    def field(self, name: str, pointer: str) -> Field | None:
        """The field of this name, if a caller may write it at all."""
        field = self._model.fields.get(name)
        if field is None:
            known = [n for n, f in self._model.fields.items() if not f.read_only]
            self.fault(pointer, "unknown_field", f"{self._model.name} has no field {name!r}{self._meant(name, known)}")
        elif field.read_only and name != "id":
            self.fault(pointer, "read_only", f"The field {name!r} is set by the kernel, not by an import.")
            return None
        return field

    def _options(self, at: str, column: ColumnMapping, field: Field) -> None:
        kind = field.type.kind
        if column.currency is not None and kind is not Kind.MONEY:
            self.fault(f"{at}/currency", "type", f"{field.name!r} is {field.type.name}, so it has no currency.")
        if column.format is not None:
            if kind not in (Kind.DATE, Kind.MOMENT):
                self.fault(f"{at}/format", "type", f"{field.name!r} is {field.type.name}; formats are for dates.")
            elif not _is_format(column.format):
                self.fault(f"{at}/format", "format", f"{column.format!r} is no strptime format.")

    def match(self, pointer: str, column: ColumnMapping, field: Field) -> Field | None:
        """The field that `match` names, if references can be found by it."""
        if column.match is None:
            return None
        at, target = f"{pointer}/match", field.options.reference
        if field.type.kind is not Kind.REFERENCE or target is None or target == ANY:
            self.fault(at, "type", f"{field.name!r} is no reference to one entity, so nothing can be matched.")
            return None
        found = self._entities[target].fields.get(column.match) if target in self._entities else None
        if found is None or not found.options.unique:
            there = self._entities[target].fields if target in self._entities else {}
            unique = [n for n, f in there.items() if f.options.unique]
            expected = " or ".join(repr(n) for n in unique) or "none, as it has no unique field"
            self.fault(at, "unknown_field", f"{column.match!r} is no unique field of {target}; expected {expected}.")
        return found

    def key(self, filled: set[str]) -> tuple[Field, ...]:
        """The fields that make a duplicate; one of them at least finds its records by an index."""
        fields: list[Field] = []
        for index, name in enumerate(self._mapping.key):
            at, field = f"/key/{index}", self._model.fields.get(name)
            if field is None:
                self.fault(at, "unknown_field", f"{self._model.name} has no field {name!r}{self._meant(name, filled)}")
            elif name not in filled:
                self.fault(at, "required", f"The key {name!r} is filled by no column and no constant.")
            elif field.type.kind in _MUTABLE:
                self.fault(at, "type", f"{name!r} is {field.type.name}, which cannot be a key.")
            else:
                fields.append(field)
        if fields and not any(f.options.index or f.options.unique or f.name == "id" for f in fields):
            named = " and ".join(repr(f.name) for f in fields)
            self.fault(
                "/key", "required", f'The key {named} is not indexed; give the field "x-crm": {{"index": true}}.'
            )
        return tuple(fields)


def _is_format(text: str) -> bool:
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(text), text)
    except ValueError:
        return False
    return True


def _read(column: ColumnMapping, field: Field, context: ValueContext, decimal: str) -> Read | None:
    """How the cells of a column are read: translated values first, then its format, then as its type reads text."""
    kind = field.type.kind
    if column.currency is not None:
        context = context._replace(currency=column.currency)
    read: Read | None = None
    if column.format is not None and kind in (Kind.DATE, Kind.MOMENT):
        read = formatted(column.format, field.type, context)
    elif type(field.type).parse is not FieldType.parse:
        read = _parsed(field.type, context, decimal if kind in _NUMBERS else ".")
    if read is not None and kind not in _MUTABLE:
        read = lru_cache(maxsize=_REMEMBERED)(read)
    return read if column.values is None else _translated(column.values, read)


def _parsed(type_: FieldType, context: ValueContext, decimal: str) -> Read:
    def read(text: str) -> Any:
        return type_.parse(text if decimal == "." else text.replace(decimal, "."), context)

    return read


def formatted(format: str, type_: FieldType, context: ValueContext) -> Read:
    """Reads dates and moments of a strptime format."""

    def read(text: str) -> Any:
        try:
            moment = datetime.strptime(text.strip(), format)
        except ValueError:
            raise Faulty("format", f"{text[:40]!r} is not of the format {format!r}.") from None
        if type_.kind is Kind.DATE:
            return moment.date().isoformat()
        return moment.isoformat() if moment.tzinfo else type_.parse(moment.isoformat(), context)

    return read


def _value(sent: Any) -> Any:
    """A value of a mapping; TOML has no null, so `""` stands for it."""
    return None if sent == "" else sent


def _translated(values: dict[str, Any], read: Read | None) -> Read:
    def translate(text: str) -> Any:
        stripped = text.strip()
        if stripped in values:
            return _value(values[stripped])
        return text if read is None else read(text)

    return translate
