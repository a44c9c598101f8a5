"""From records to bind values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from crm_kernel.fields.base import FieldType, Storage
from crm_kernel.fields.folding import fold
from crm_kernel.fields.text import Text
from crm_kernel.filters.dialect import Dialect
from crm_kernel.model import Field
from crm_kernel.storage.columns import FOLD, StoredColumn, field_columns

_ENTITY = "__entity"
"""The suffix of the column that names the entity a reference to any record leads to. The reference is the id alone, so
who writes such a record puts the name beside it, as `record["about__entity"]`."""


Encode = Callable[[Mapping[str, Any]], list[Any]]


class Encoded(NamedTuple):
    """How records become bind values: `columns` in their order, `encode` a record of canonical values."""

    columns: tuple[str, ...]
    encode: Encode


def encoder(fields: Iterable[Field], dialect: Dialect) -> Encoded:
    """Turns records into the bind values of all columns of `fields`.

    Columns that take the canonical value as it is come first: they are read in one go, and so are the texts whose
    folded copies come next (an import of wide records is 1.5 times faster). At least one field must be plain; `id` is.
    """
    plain: list[str] = []
    beside: list[str] = []
    texts: list[str] = []
    several: list[tuple[str, Callable[[Any], Iterable[Any]], list[None], list[str]]] = []
    for field in fields:
        columns = list(field_columns(field))
        bind = _bind(field, columns, dialect)
        if any(column.name == field.name + _ENTITY for column in columns):
            plain.append(field.name)
            beside.append(field.name + _ENTITY)
        elif bind is None:
            plain.append(field.name)
        elif type(field.type).to_columns is Text.to_columns:
            plain.append(field.name)
            texts.append(field.name)
        else:
            several.append((field.name, bind, [None] * len(columns), [column.name for column in columns]))
    first = _getter(plain)
    folding = _getter(texts) if texts else lambda _: ()

    def encode(record: Mapping[str, Any]) -> list[Any]:
        values = [*first(record)]
        for name in beside:
            values.append(record.get(name))
        values += [None if text is None else fold(text) for text in folding(record)]
        for name, bind, nothing, _ in several:
            value = record[name]
            values += nothing if value is None else bind(value)
        return values

    folded = [name + FOLD for name in texts]
    columns = (*plain, *beside, *folded, *(column for *_, names in several for column in names))
    return Encoded(columns, encode)


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What gives the values of some names as a tuple, of one name too."""
    if len(names) == 1:
        [name] = names
        return lambda record: (record[name],)
    return itemgetter(*names)


def _bind(field: Field, columns: Sequence[StoredColumn], dialect: Dialect) -> Callable[[Any], Iterable[Any]] | None:
    """The bind values of a canonical value; None where there is one column that takes it as it is."""
    storages: list[Storage] = [column.storage for column in columns]
    convert = field.type.to_columns
    if "moment" in storages:  # the one storage whose stored form is not the canonical one
        pairs = list(enumerate(storages))
        return lambda value: [dialect.encode(convert(value)[position], storage) for position, storage in pairs]
    is_plain = type(field.type).to_columns is FieldType.to_columns
    return None if is_plain else convert


def bind_main(field: Field, dialect: Dialect) -> Callable[[Any], Any]:
    """What gives the bind value of the main column for a canonical value."""
    storage = next(field_columns(field)).storage
    convert = field.type.to_columns
    if type(field.type).to_columns in (FieldType.to_columns, Text.to_columns):
        return lambda value: dialect.encode(value, storage)
    return lambda value: dialect.encode(convert(value)[0], storage)
