"""From rows to records. What is stored is what is answered as far as possible: only columns that differ are touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

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
