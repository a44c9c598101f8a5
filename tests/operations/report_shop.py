"""Sales for tests of reports: in a database, and in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Options, ValueContext
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import NOTHING
from crm_kernel.model import EntityModel, Field, Source
from crm_kernel.operations.report import report_parameters, run_report, unsaved_report
from tests.looking import Looker

CONTEXT = ValueContext()
NOW = datetime(2026, 3, 18, 10, 30, tzinfo=UTC)
STAGES = ["new", "won", "Ärger"]
FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "person": {"name": {"type": "string"}},
    "sale": {
        "name": {"type": "string"},
        "stage": {"enum": STAGES},
        "count": {"type": "integer"},
        "score": {"type": "number"},
        "ratio": {"type": "number", "x-crm": {"decimal": 2}},
        "amount": {"type": "object", "x-crm": {"money": True}},
        "open": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "owner": {"type": "string", "x-crm": {"reference": "person"}},
        "size": {"type": "object", "properties": {"area": {"type": "integer"}, "place": {"type": "string"}}},
    },
}


def _entity(name: str) -> EntityModel:
    source = Source("plugin", "test")
    schemas = {"id": {"type": "string"}, "deleted_at": {"type": "string", "format": "date-time"}, **FIELDS[name]}
    fields: dict[str, Field] = {}
    for field, schema in schemas.items():
        options = msgspec.convert(schema.get("x-crm", {}), Options)
        fields[field] = Field(
            name=field, type=from_schema(schema, options), schema=schema, source=source, options=options
        )
    return EntityModel(
        name=name, label=name, plural=name, title="", icon=None, history=True, source=source, schema={},
        fields=fields, validate=lambda *_, **__: [],
    )  # fmt: skip


class Shop:
    """Sales in a database and in memory; also what `run_report` asks of a database."""

    def __init__(self, database: Looker) -> None:
        self.model = {name: _entity(name) for name in FIELDS}
        self.dialect = database.dialect
        self.database = database
        self.statements: list[str] = []
        self.sales: list[dict[str, Any]] = []
        self.persons: dict[str, dict[str, Any]] = {}
        for entity in self.model.values():
            columns = [
                f'"{f.name}{c.suffix}" {self.dialect.column_type(c.storage)}'
                for f in entity.fields.values()
                for c in f.type.columns()
            ]
            self.database(f'CREATE TABLE "e_{entity.name}" ({", ".join(columns)})')

    def fill(self, sales: Iterable[Mapping[str, Any]], persons: Iterable[Mapping[str, Any]] = ()) -> None:
        for name in FIELDS:
            self.database(f'DELETE FROM "e_{name}"')
        self.sales = [self._insert("sale", {"id": f"s{i}", **row}) for i, row in enumerate(sales)]
        self.persons = {row["id"]: self._insert("person", row) for row in persons}

    def _insert(self, entity: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        names, values = [], []
        for field in self.model[entity].fields.values():
            value = sent.get(field.name)
            record[field.name] = None if value is None else field.type.canonical(value, CONTEXT)
            for column, part in zip(field.type.columns(), field.type.to_columns(record[field.name]), strict=True):
                names.append(f'"{field.name}{column.suffix}"')
                values.append(self.dialect.encode(part, column.storage))
        marks = ", ".join("?" * len(names))
        self.database(f'INSERT INTO "e_{entity}" ({", ".join(names)}) VALUES ({marks})', values)
        return record

    async def read_heavy(self, sql: str, params: Sequence[Any] = (), /) -> list[tuple[Any, ...]]:
        self.statements.append(sql)
        return self.database(sql, tuple(params))

    async def run(self, scope: Any = None, zone: str = "UTC", **parts: Any) -> dict[str, Any]:
        report = unsaved_report({"entity": "sale", "measures": [{"count": "*", "as": "n"}], **parts})
        environment = Environment(now=NOW, zone=zone, params=report_parameters(report, {}))
        return await run_report(
            self, self.dialect, report, model=self.model, scope=scope or Rules(self), environment=environment
        )  # type: ignore[arg-type]


class Rules:
    """Row rules and masks as texts, "" for no row."""

    def __init__(self, shop: Shop, rows: Mapping[str, str] = {}, fields: Mapping[tuple[str, str], str] = {}) -> None:
        def rule(entity: str, text: str) -> Any:
            return resolve(text, entity, shop.model) if text else NOTHING

        self._rows = {name: rule(name, text) for name, text in rows.items()}
        self._fields = {key: rule(key[0], text) for key, text in fields.items()}

    def field_exists(self, entity: str, field: str) -> bool:  # noqa: ARG002
        return True

    def rows(self, entity: str) -> Any:
        return self._rows.get(entity)

    def field_rows(self, entity: str, field: str) -> Any:
        return self._fields.get((entity, field))


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


PERSONS = [
    {"id": "00000000-0000-7000-8000-000000000001", "name": "Ann"},
    {"id": "00000000-0000-7000-8000-000000000002", "name": "bob"},
]
