"""Rows to records."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec

from crm_kernel.fields.base import Column, FieldType
from crm_kernel.fields.boolean import Boolean
from crm_kernel.storage.decoding import answerer, cells, columns_sql, decoder
from crm_kernel.storage.sqlite_dialect import SqliteDialect


class Pair(FieldType):
    """A plugin's type of two columns whose main one is the value."""

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "text"), Column("__more", "text"))


def test_a_type_may_keep_more_than_its_value(make: SimpleNamespace) -> None:
    fields = [make.field("a", Pair()), make.field("b", Boolean())]
    assert columns_sql(fields, SqliteDialect()) == 't."a", t."a__more", t."b"'
    decode = decoder(fields)
    assert decode(("x", "y", 1, "ignored")) == {"a": "x", "b": True}
    assert decode((None, None, None)) == {"a": None, "b": None}


class Computed(FieldType):
    """A type that is not stored."""

    def columns(self) -> tuple[Column, ...]:
        return ()


def test_answers_have_the_members_of_records(make: SimpleNamespace) -> None:
    fields = [make.field("c", Computed()), make.field("a", Pair()), make.field("b", Boolean())]
    decode, answer = decoder(fields, raw=True), answerer(cells(fields))
    for row in (("x", "y", 1, "ignored"), (None, None, None), ("x", "y", 0)):
        assert msgspec.json.encode(answer(row)) == msgspec.json.encode(decode(row))
