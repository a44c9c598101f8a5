"""From rows to records. What is stored is what is answered as far as possible: only columns that differ are touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from crm_kernel.fields.base import Column
from crm_kernel.filters.dialect import Dialect
from crm_kernel.model import Field
from crm_kernel.storage.columns import field_columns, quoted
from crm_kernel.storage.ports import Row

Record = dict[str, Any]
"""A record in memory: the canonical value of every field by name, None = empty."""
Decoder = Callable[[Row], Record]


def columns_sql(fields: Iterable[Field], dialect: Dialect, alias: str = "t") -> str:
    """What to SELECT for `decoder(fields)`."""
    return ", ".join(
        dialect.select(f"{alias}.{quoted(column.name)}", column.storage)
        for field in fields
        for column in field_columns(field)
        if not column.folded
    )


def decoder(fields: Iterable[Field], *, raw: bool = False) -> Decoder:
    """Turns a row of all columns of `fields`, folded copies left out, into a record of these fields.

    Computed fields are None in it; columns selected behind are ignored. With `raw`, JSON columns become `msgspec.Raw`:
    ready to be encoded into an answer, not to be worked with.
    """
    names: list[str] = []
    singles: list[tuple[str, Callable[[Any], Any]]] = []
    several: list[tuple[str, tuple[str, ...], Callable[..., Any]]] = []
    computed: Record = {}
    for field in fields:
        columns = [column.name for column in field_columns(field) if not column.folded]
        if not columns:
            computed[field.name] = None
            continue
        names += [field.name, *columns[1:]]
        convert = msgspec.Raw if raw and Column("", "json") in field.type.columns() else field.type.from_columns()
        if len(columns) > 1:
            several.append((field.name, tuple(columns[1:]), convert or _first))
        elif convert is not None:
            singles.append((field.name, convert))

    def decode(row: Row) -> Record:
        record: Record = dict(zip(names, row, strict=False))
        for name, convert in singles:
            if record[name] is not None:
                record[name] = convert(record[name])
        for name, others, convert in several:
            rest = [record.pop(other) for other in others]
            if record[name] is not None:
                record[name] = convert(record[name], *rest)
        if computed:
            record.update(computed)
        return record

    return decode


def _first(value: Any, *_: Any) -> Any:
    return value


class Cell(NamedTuple):
    """A member of an answer: how many columns of the row it is made of, and by what (None: of the first as it is)."""

    name: str
    width: int
    convert: Callable[..., Any] | None


def cells(fields: Iterable[Field]) -> list[Cell]:
    """The members that `decoder(fields, raw=True)` gives, in its order."""
    found: list[Cell] = []
    for field in fields:
        columns = [column for column in field_columns(field) if not column.folded]
        is_json = any(column.storage == "json" for column in columns)
        found.append(Cell(field.name, len(columns), msgspec.Raw if is_json else field.type.from_columns()))
    return sorted(found, key=lambda cell: not cell.width)


def answerer(cells: Sequence[Cell]) -> Callable[[Row], Any]:
    """Turns a row of the columns of `cells` into an object that is encoded as the record is answered.

    A struct is made and encoded in 0.6 µs where the dict of a record takes 1.5; columns behind are ignored.
    """
    row_type = _row_type(tuple(cell.name for cell in cells))
    single: list[tuple[int, Callable[[Any], Any]]] = []
    others: list[tuple[slice, Callable[..., Any]]] = []
    width = 0
    for cell in cells:
        if cell.width != 1:
            others.insert(0, (slice(width, width + cell.width), cell.convert or _first))
        elif cell.convert is not None:
            single.append((width, cell.convert))
        width += cell.width

    def answer(row: Row) -> Any:
        values = [*row[:width]]
        for at, convert in single:
            if values[at] is not None:
                values[at] = convert(values[at])
        for part, convert in others:  # from the right, as each moves what follows it
            found = values[part]
            values[part] = [convert(*found) if found and found[0] is not None else None]
        return row_type(*values)

    return answer


@lru_cache(512)
def _row_type(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """A struct with members of any name."""
    members = [f"m{number}" for number, _ in enumerate(names)]
    rename = dict(zip(members, names, strict=True))
    return msgspec.defstruct("Answer", [(member, Any) for member in members], rename=rename, gc=False)
