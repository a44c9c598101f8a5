"""A small world for filters: models, a SQLite database made from them, and records that SQL and predicates both see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from crm_kernel.errors import Fault
from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Options, ValueContext
from crm_kernel.fields.reference import Id
from crm_kernel.fields.rotting import Limit, Rotting
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.filters.to_sql import bind, to_sql
from crm_kernel.model import EntityModel, Field, Reverse, Source
from crm_kernel.testing.kit import NewDatabase
from tests.looking import Looker

CONTEXT = ValueContext(currency="EUR")
NOW = datetime(2026, 3, 18, 10, 30, tzinfo=UTC)
MOMENT = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}

ROOM = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "area": {"type": "number"},
        "open": {"type": "boolean"},
        "on": {"type": "string", "format": "date"},
        "kind": {"enum": ["hall", "attic"]},
        "parts": {"type": "array", "items": TEXT},
    },
}

FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "team": {"name": TEXT | {"x-crm": {"search": True}}},
    "person": {
        "name": TEXT,
        "age": {"type": "integer"},
        "team": TEXT | {"x-crm": {"reference": "team"}},
        "boss": TEXT | {"x-crm": {"reference": "person"}},
        "home": {"type": "object", "properties": {"city": TEXT}},
    },
    "deal": {
        "name": TEXT,
        "note": TEXT | {"x-crm": {"search": True}},
        "count": {"type": "integer"},
        "score": {"type": "number"},
        "ratio": {"type": "number", "x-crm": {"decimal": 2}},
        "finer": {"type": "number", "x-crm": {"decimal": 4}},
        "price": {"type": "object", "x-crm": {"money": True}},
        "cost": {"type": "object", "x-crm": {"money": True}},
        "kind": {"enum": ["big", "small", "Žluť"]},
        "open": {"type": "boolean"},
        "due": {"type": "string", "format": "date"},
        "since": MOMENT,
        "until": MOMENT,
        "owner": TEXT | {"x-crm": {"reference": "person"}},
        "buyer": TEXT | {"x-crm": {"reference": "person"}},
        "about": TEXT | {"x-crm": {"reference": "*"}},
        "tags": {"type": "array", "items": TEXT},
        "kinds": {"type": "array", "items": {"enum": ["a", "b"]}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "rooms": {"type": "array", "items": {"$ref": "#/$defs/Room"}},
        "address": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "city": TEXT,
                        "floor": {"type": "integer"},
                        "lift": {"type": "boolean"},
                        "geo": {"type": "object", "properties": {"lat": {"type": "number"}}},
                    },
                },
                {"type": "null"},
            ],
            "type": "object",
        },
        "blob": {},
        "group": TEXT,
    },
    "visit": {
        "deal": TEXT | {"x-crm": {"reference": "deal"}},
        "host": TEXT | {"x-crm": {"reference": "person"}},
        "topic": TEXT | {"x-crm": {"reference": "*"}},
        "rating": {"type": "integer"},
        "state": {"enum": ["new", "done"]},
    },
}
REVERSES = {
    "deal": [Reverse("visits", "visit", "deal"), Reverse("topics", "visit", "topic")],
    "person": [Reverse("deals", "deal", "owner"), Reverse("staff", "person", "boss")],
}
TITLES = {"deal": "{name} {owner.name}", "team": "{name}"}
LIMITS = (Limit("sales", "fresh", 3600), Limit("sales", "stale", 86400))


def _field(name: str, schema: dict[str, Any], source: str = "plugin", kind: Any = None) -> Field:
    options = msgspec.convert(schema.get("x-crm", {}), Options)
    return Field(
        name=name,
        type=kind or from_schema(schema, options),
        schema=schema,
        source=Source(source, source),
        options=options,
    )


def _no_faults(record: Mapping[str, Any], *, only_known: bool = True) -> list[Fault]:  # noqa: ARG001
    return []


def _entity(name: str) -> EntityModel:
    fields = [_field("id", TEXT, "system", Id()), _field("deleted_at", MOMENT, "system")]
    fields += [_field("stage_since", MOMENT, "system"), _field("rotting", {}, "system", Rotting(LIMITS))]
    fields += [_field(n, TEXT, "system") for n in ("pipeline", "stage")]
    fields += [_field(n, s) for n, s in FIELDS[name].items()]
    return EntityModel(
        name=name,
        label=name.capitalize(),
        plural=name.capitalize() + "s",
        title=TITLES.get(name, ""),
        icon=None,
        history=True,
        source=Source("plugin", "test"),
        fields={f.name: f for f in fields},
        schema={"allOf": [{"$defs": {"Room": ROOM}}]},
        validate=_no_faults,
        reverses={r.name: r for r in REVERSES.get(name, [])},
    )


def uid(number: int) -> str:
    """A readable id."""
    return f"00000000-0000-7000-8000-{number:012}"


class World:
    """Models and records, asked by SQL and by predicate."""

    def __init__(self, database: Looker) -> None:
        self.model = {name: _entity(name) for name in FIELDS}
        self.dialect = database.dialect
        self.database = database
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        for entity in self.model.values():
            columns = [
                f'"{f.name}{c.suffix}" {self.dialect.column_type(c.storage)}'
                for f in entity.fields.values()
                for c in f.type.columns()
            ]
            self.database(f'CREATE TABLE "e_{entity.name}" ({", ".join(columns)})')
        self.fill({})

    def fill(self, records: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Puts these sent values in the place of all records; absent fields are null."""
        self.records = {name: {} for name in self.model}
        for name in self.model:
            self.database(f'DELETE FROM "e_{name}"')
        for name, rows in records.items():
            encoded = [self._encoded(self.model[name], row) for row in rows]
            if encoded:
                marks = ", ".join("?" * len(encoded[0]))
                columns = ", ".join(encoded[0])
                statement = f'INSERT INTO "e_{name}" ({columns}) VALUES ({marks})'
                self.database.many(statement, [list(row.values()) for row in encoded])

    def _encoded(self, entity: EntityModel, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The stored values of a record, by quoted column."""
        assert sent.keys() <= entity.fields.keys(), sent.keys() - entity.fields.keys()
        record: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for field in entity.fields.values():
            value = sent.get(field.name)
            record[field.name] = None if value is None else field.type.canonical(value, CONTEXT)
            columns = field.type.columns()
            stored = field.type.to_columns(record[field.name]) if columns else ()
            for column, part in zip(columns, stored, strict=True):
                values[f'"{field.name}{column.suffix}"'] = self.dialect.encode(part, column.storage)
        if '"topic__entity"' in values:
            values['"topic__entity"'] = "deal"
        self.records[entity.name][record["id"]] = record
        return values

    def rows_of(self, entity: str, text: str | None) -> Rows:
        """A row rule: None for all rows, "" for none."""
        return None if text is None else NOTHING if text == "" else resolve(text, entity, self.model, context=CONTEXT)

    def environment(self, **values: Any) -> Environment:
        """An environment that finds this world's records."""
        base: dict[str, Any] = {"now": NOW, "zone": "Europe/Riga", "lookup": self.lookup, "referring": self.referring}
        return Environment(**(base | values))

    def lookup(self, entity: str, id: str) -> Mapping[str, Any] | None:
        return self.records[entity].get(id)

    def referring(self, entity: str, field: str, id: str) -> list[Mapping[str, Any]]:
        return [r for r in self.records[entity].values() if r[field] == id]

    def by_sql(
        self, text: str, entity: str = "deal", *, environment: Environment | None = None, **more: Any
    ) -> set[str]:
        """The ids that the SQL finds."""
        expression = resolve(text, entity, self.model, context=CONTEXT, **more)
        sql = to_sql(expression, self.dialect)
        statement = f'SELECT t."id" FROM "e_{entity}" AS t WHERE {sql.text}'
        rows = self.database(statement, bind(sql.params, environment or self.environment()))
        return {row[0] for row in rows}

    def by_predicate(
        self, text: str, entity: str = "deal", *, environment: Environment | None = None, **more: Any
    ) -> set[str]:
        """The ids for which the predicate is true."""
        holds = to_predicate(resolve(text, entity, self.model, context=CONTEXT, **more))
        return {id for id, row in self.records[entity].items() if holds(row, environment or self.environment())}

    def ask(self, text: str, entity: str = "deal", **more: Any) -> set[str]:
        """The ids that both find; fails where they differ."""
        found, expected = self.by_sql(text, entity, **more), self.by_predicate(text, entity, **more)
        assert found == expected, f"{text}: SQL finds {found - expected} more, the predicate {expected - found}"
        return found

    def holds(self, text: str, values: Mapping[str, Any], **more: Any) -> bool:
        """Whether a filter holds for one deal with these values, and for none other."""
        self.fill({"deal": [{"id": uid(1), **values}]})
        return self.ask(text, **more) == {uid(1)}


class Rules:
    """A scope made of texts: `rows[entity]`, `fields[entity, field]`; None is everything, "" nothing."""

    def __init__(
        self,
        world: World,
        rows: Mapping[str, Any] | None = None,
        fields: Mapping[tuple[str, str], Any] | None = None,
        unknown: Iterable[tuple[str, str]] = (),
    ) -> None:
        from_text = world.rows_of
        self._rows = {name: from_text(name, text) for name, text in (rows or {}).items()}
        self._fields = {key: from_text(key[0], text) for key, text in (fields or {}).items()}
        self._unknown = set(unknown)

    def field_exists(self, entity: str, field: str) -> bool:
        return (entity, field) not in self._unknown

    def rows(self, entity: str) -> Any:
        return self._rows.get(entity)

    def field_rows(self, entity: str, field: str) -> Any:
        return self._fields.get((entity, field))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[World]:
    database = Looker(kept_database(tmp_path_factory.mktemp("filters")))
    yield World(database)
    database.close()


@pytest.fixture
def rules(world: World) -> Any:
    """Makes a `Rules` scope."""
    return lambda **parts: Rules(world, **parts)
