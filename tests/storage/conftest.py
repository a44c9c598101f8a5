"""Real databases of the engine that is tested on, and two entities that have a field of every storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crm_kernel.errors import Fault
from crm_kernel.fields.autonumber import Autonumber
from crm_kernel.fields.base import FieldType, Options
from crm_kernel.fields.boolean import Boolean
from crm_kernel.fields.choice import Choice
from crm_kernel.fields.document import JsonType, ListType, ObjectType
from crm_kernel.fields.moment import Date, Moment
from crm_kernel.fields.money import MoneyType
from crm_kernel.fields.number import DecimalNumber, Integer, Number
from crm_kernel.fields.reference import AnyReference, Id, Reference
from crm_kernel.fields.rotting import Rotting
from crm_kernel.fields.text import Text
from crm_kernel.model import SYSTEM, EntityModel, Field, Model, Source
from crm_kernel.storage.evolution import evolve
from crm_kernel.storage.ports import Database
from crm_kernel.storage.postgres_engine import PostgresEngine
from crm_kernel.storage.records import RecordStore
from crm_kernel.storage.sqlite_engine import SqliteEngine
from crm_kernel.testing.kit import NewDatabase

DOCUMENT = Source("document", "test")
_SYSTEM_FIELDS: dict[str, FieldType] = {
    "id": Id(),
    "version": Integer(),
    "created_at": Moment(),
    "created_by": Choice(()),
    "updated_at": Moment(),
    "updated_by": Choice(()),
    "owner": Reference("user"),
    "team": Reference("team"),
    "deleted_at": Moment(),
}
_STAGE_FIELDS: dict[str, FieldType] = {
    "pipeline": Choice(()),
    "stage": Choice(()),
    "stage_since": Moment(),
    "stage_reason": Choice(()),
    "rotting": Rotting(),
}


def field(name: str, type: FieldType, source: Source = DOCUMENT, **options: Any) -> Field:
    """A field as the merge of declarations makes it."""
    if isinstance(type, Reference):
        options.setdefault("reference", type.target or None)
    return Field(name=name, type=type, schema={}, source=source, options=Options(**options))


def _valid(record: Mapping[str, Any], *, only_known: bool = True) -> list[Fault]:  # noqa: ARG001 - an interface
    return []


def entity(name: str, *fields: Field, pipelines: tuple[str, ...] = ()) -> EntityModel:
    """An entity with the system fields and some others."""
    system = _SYSTEM_FIELDS | (_STAGE_FIELDS if pipelines else {})
    every = [field(system_name, type, SYSTEM) for system_name, type in system.items()] + list(fields)
    return EntityModel(
        name=name,
        label=name.capitalize(),
        plural=name,
        title="{name}",
        icon=None,
        history=True,
        source=DOCUMENT,
        fields={f.name: f for f in every},
        schema={},
        validate=_valid,
        pipelines=pipelines,
    )


def record(model: EntityModel, number: int, /, **values: Any) -> dict[str, Any]:
    """A whole record; `number` makes its id."""
    empty = dict.fromkeys(model.fields)
    at = f"2026-03-01T10:00:{number % 60:02}Z"
    system = {"id": identity(number), "version": 1, "created_at": at, "updated_at": at}
    return {**empty, **system, **values}


def identity(number: int) -> str:
    """The id of the record with this number."""
    return f"01890000-0000-7000-8000-{number:012x}"


@pytest.fixture
def make() -> SimpleNamespace:
    """The builders above, for tests."""
    return SimpleNamespace(field=field, entity=entity, record=record, identity=identity)


@pytest.fixture
def company() -> EntityModel:
    return entity("company", field("name", Text(), index=True))


@pytest.fixture
def contact() -> EntityModel:
    """Every kind of storage, names of Piccolo's methods, a pipeline, a unique field."""
    return entity(
        "contact",
        field("name", Text(), index=True),
        field("number", Autonumber("C-{000}"), autonumber="C-{000}"),
        field("external_id", Text(), unique=True),
        field("select", Integer(), index=True),
        field("score", Number()),
        field("rate", DecimalNumber(4)),
        field("active", Boolean()),
        field("birthday", Date()),
        field("called_at", Moment(), index=True),
        field("budget", MoneyType(), index=True),
        field("kind", Choice(("buyer", "seller")), index=True),
        field("company", Reference("company")),
        field("about", AnyReference()),
        field("labels", ListType(Text())),
        field("address", ObjectType()),
        field("anything", JsonType()),
        pipelines=("sales",),
    )


@pytest.fixture
def model(company: EntityModel, contact: EntityModel) -> Model:
    return {"company": company, "contact": contact}


def database_at(url: str, patience: float = 0.2) -> Database:
    """A database that is not open yet."""
    if url.startswith("postgresql:"):
        return PostgresEngine(url)
    return SqliteEngine(Path(url.removeprefix("sqlite:///")), patience=patience)


@pytest.fixture
def url(new_database: NewDatabase, tmp_path: Path) -> str:
    """An empty database."""
    return new_database(tmp_path)


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Database]:
    """An open engine on an empty database."""
    opened = database_at(url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def database(engine: Database, model: Model) -> Database:
    """An engine with all tables."""
    await evolve(engine, model)
    return engine


@pytest.fixture
async def other(url: str) -> AsyncIterator[Database]:
    """The same database as another process would open it."""
    opened = database_at(url, patience=5.0)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def store(engine: Database) -> RecordStore:
    return RecordStore(engine.dialect)
