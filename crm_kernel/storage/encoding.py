"""From records to bind values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from crm_kernel.fields.base import FieldType, Storage
from crm_kernel.filters.dialect import Dialect
from crm_kernel.model import Field
from crm_kernel.storage.columns import StoredColumn, field_columns

Encoder = Callable[[Mapping[str, Any]], list[Any]]
_ENTITY = "__entity"
"""The suffix of the column that names the entity a reference to any record leads to. The reference is the id alone, so
who writes such a record puts the name beside it, as `record["about__entity"]`."""


def encoder(fields: Iterable[Field], dialect: Dialect) -> Encoder:
    """Turns a record into the bind values of all columns of `fields`, in order."""
    plan: list[tuple[str, Callable[[Any], Iterable[Any]] | None]] = []
    for field in fields:
        columns = list(field_columns(field))
        if any(column.name == field.name + _ENTITY for column in columns):
            plan += [(column.name, None) for column in columns]
        else:
            plan.append((field.name, _bind(field, columns, dialect)))

    def encode(record: Mapping[str, Any]) -> list[Any]:
        values: list[Any] = []
        for name, bind in plan:
            if bind is None:
                values.append(record.get(name))
            else:
                values += bind(record[name])
        return values

    return encode


def _bind(field: Field, columns: Sequence[StoredColumn], dialect: Dialect) -> Callable[[Any], Iterable[Any]] | None:
    """The bind values of a canonical value; None where there is one column that takes it as it is."""
    storages: list[Storage] = [column.storage for column in columns]
    convert = field.type.to_columns
    if "moment" in storages:  # the one storage whose stored form is not the canonical one
        pairs = list(enumerate(storages))
        return lambda value: [dialect.encode(convert(value)[position], storage) for position, storage in pairs]
    is_plain = type(field.type).to_columns is FieldType.to_columns
    return None if is_plain else convert


def bind_main(field: Field, dialect: Dialect, value: Any) -> Any:
    """The bind value of the main column for one canonical value."""
    main = next(field_columns(field))
    return dialect.encode(field.type.to_columns(value)[0], main.storage)
