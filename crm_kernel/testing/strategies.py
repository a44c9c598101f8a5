"""Records and filters for property tests: valid by the schema of an entity, whatever it is (floor 11).

They need `hypothesis`, which comes with the extra `testing`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_kernel.entities import entity_name
from crm_kernel.errors import Error
from crm_kernel.fields.base import Kind
from crm_kernel.filters.operators import OPERATORS
from crm_kernel.filters.resolver import resolve
from crm_kernel.model import EntityModel, Field
from crm_kernel.operations.changes import plain
from crm_kernel.operations.crm import AnyEntity
from crm_kernel.testing.factories import Drafts, is_link, is_sent
from crm_kernel.testing.kit import TestCrm

_WORDS = ["a", "Ann", "ann", "Čau bar", "O'Brien", "100%", "ﬁne", "你好", "x_y", " b "]
_DAYS = st.dates(min_value=datetime(2000, 1, 1).date(), max_value=datetime(2040, 1, 1).date())
_MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))
_ID = "00000000-0000-7000-8000-000000000001"


def records(crm: TestCrm, entity: AnyEntity, **given: Any) -> SearchStrategy[dict[str, Any]]:
    """Values of new records of an entity, valid by its schema: any of its fields may be there, those required are.

    `given` are the same in all of them; references that are required must be. Raises `ValueError` where one is not.
    """
    model = crm.kernel.registry.entities[entity_name(entity)]
    missing = [f.name for f in model.own_fields if f.required and is_link(f) and f.name not in given]
    if missing:
        raise ValueError(f"give what {', '.join(missing)} of {model.name} refer to")
    return _records(crm.drafts(entity), model, plain(given))


@st.composite
def _records(draw: DrawFn, drafts: Drafts, model: EntityModel, given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for field in filter(is_sent, model.own_fields):
        if field.name not in values and (field.required or draw(st.booleans())):
            value = draw(_value(field))
            if value is not None:
                values[field.name] = value
    for name in {fault.pointer.lstrip("/").partition("/")[0] for fault in drafts.faults(values)} - given.keys():
        values.pop(name, None)  # what goes with the others as it is drawn stays, the factory fills in what is missing
    values = drafts.draft(draw(st.integers(1, 10_000)), values)
    assume(not drafts.faults(values))
    return values


def _value(field: Field) -> SearchStrategy[Any]:
    """Values of a field, as they are sent; None where a factory is to fill it."""
    schema = field.schema
    match field.type.kind:
        case Kind.TEXT if "pattern" not in schema and field.type.name == "text":
            most = min(int(schema.get("maxLength", 40)), 40)
            least = int(schema.get("minLength", 0))
            return st.text(string.ascii_letters + "āšž 'ﬁ你", min_size=least, max_size=most).map(str.strip)
        case Kind.CHOICE:
            return st.sampled_from(field.choices)
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER:
            return st.integers(schema.get("minimum", -1000), schema.get("maximum", 1000))
        case Kind.NUMBER:
            low, high = schema.get("minimum", -1000), schema.get("maximum", 1_000_000)
            return st.integers(int(low) + 1, int(high)).map(float) if high - low > 2 else st.just(low)
        case Kind.DATE:
            return _DAYS.map(str)
        case Kind.MOMENT:
            return _MOMENTS.map(lambda moment: moment.isoformat())
        case Kind.MONEY:
            cents = st.integers(0, 10**8)
            return cents.map(lambda n: {"amount": f"{n / 100:.2f}", "currency": "EUR"})
        case _:
            return st.none()


def filters(crm: TestCrm, entity: AnyEntity, *, depth: int = 2) -> SearchStrategy[str]:
    """Filters that can be asked of an entity: over its fields, and over those of the records it refers to."""
    entities = crm.kernel.registry.entities
    return _filters(entity_name(entity), entities, depth)


@st.composite
def _filters(draw: DrawFn, name: str, entities: Mapping[str, EntityModel], depth: int) -> str:
    match draw(st.sampled_from(["and", "or", "not", "plain", "plain"] if depth else ["plain"])):
        case "and" | "or" as word:
            parts = [draw(_filters(name, entities, depth - 1)) for _ in range(2)]
            return f"({parts[0]} {word} {parts[1]})"
        case "not":
            return f"not ({draw(_filters(name, entities, depth - 1))})"
        case _:
            return draw(_comparisons(name, entities))


@st.composite
def _comparisons(draw: DrawFn, name: str, entities: Mapping[str, EntityModel]) -> str:
    field = draw(st.sampled_from([f for f in entities[name].fields.values() if f.type.kind in _LITERALS]))
    path = field.name
    target = entities.get(field.options.reference or "")
    if target is not None and draw(st.booleans()):
        field = draw(st.sampled_from([f for f in target.fields.values() if f.type.kind in _LITERALS]))
        path = f"{path}.{field.name}"
    one, other = draw(_literal(field)), draw(_literal(field))
    form = draw(st.sampled_from(_FORMS[field.type.kind]))
    asked = form.format(path=path, one=one, other=other, word=draw(_TEXTS))
    assume(_resolves(asked, name, entities))
    return asked


def _resolves(text: str, entity: str, entities: Mapping[str, EntityModel]) -> bool:
    try:
        resolve(text, entity, entities)
    except Error:
        return False
    return True


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_TEXTS = st.sampled_from([_quoted(word) for word in _WORDS])


def _literal(field: Field) -> SearchStrategy[str]:
    if field.type.kind is Kind.CHOICE:
        return st.sampled_from([_quoted(choice) for choice in field.choices])
    return _LITERALS[field.type.kind]


_LITERALS: Mapping[Kind, SearchStrategy[str]] = {
    Kind.TEXT: _TEXTS,
    Kind.CHOICE: _TEXTS,
    Kind.INTEGER: st.integers(-1000, 1000).map(str),
    Kind.NUMBER: st.integers(-1000, 1000).map(lambda n: str(n / 4)),
    Kind.DECIMAL: st.integers(-1000, 1000).map(lambda n: str(n / 4)),
    Kind.BOOLEAN: st.sampled_from(["true", "false"]),
    Kind.DATE: _DAYS.map(lambda day: f"'{day}'") | st.sampled_from(["@today", "@month_start - 1m"]),
    Kind.MOMENT: _MOMENTS.map(lambda at: f"'{at.isoformat()}'") | st.sampled_from(["@now", "@week_start + 2d"]),
    Kind.MONEY: st.integers(0, 10**6).map(lambda n: f"'EUR {n / 100:.2f}'"),
    Kind.REFERENCE: st.sampled_from(["@me", f"'{_ID}'"]),
}


def _form(symbol: str) -> str:
    """How a comparison with an operator is written."""
    match symbol:
        case "is null" | "is not null":
            return f"{{path}} {symbol}"
        case "in" | "not in":
            return f"{{path}} {symbol} ({{one}}, {{other}})"
        case "between":
            return "{path} between {one} and {other}"
        case "contains" | "starts with" | "ends with" | "matches":
            return f"{{path}} {symbol} {{word}}"
        case _:
            return f"{{path}} {symbol} {{one}}"


_FORMS = {kind: [_form(symbol) for symbol, o in OPERATORS.items() if kind in o.kinds] for kind in _LITERALS}
