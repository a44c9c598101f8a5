"""What every field type must hold, run by each of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_kernel.fields import BUILTIN_TYPES, from_schema
from crm_kernel.fields.base import FieldType, Kind, ValueContext
from crm_kernel.fields.shape import options_of

CONTEXT = ValueContext(region="LV", currency="EUR", timezone="Europe/Riga")
ID = "0192d7a0-0000-7000-8000-00000000000a"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | NUMBERS | TEXTS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXTS, parts, max_size=4),
    max_leaves=12,
)


class Case(NamedTuple):
    """A schema, the type it means, and sent values of which each must be taken."""

    name: str
    schema: dict[str, Any]
    kind: Kind
    values: st.SearchStrategy[Any]


CASES = [
    Case("text", {"type": "string"}, Kind.TEXT, TEXTS),
    Case("integer", {"type": "integer"}, Kind.INTEGER, st.integers(-(2**53) + 1, 2**53 - 1)),
    Case("number", {"type": "number"}, Kind.NUMBER, st.floats(allow_nan=False, allow_infinity=False)),
    Case("decimal", {"type": "number", "x-crm": {"decimal": 4}}, Kind.DECIMAL, NUMBERS),
    Case("boolean", {"type": "boolean"}, Kind.BOOLEAN, st.booleans()),
    Case(
        "money",
        {"x-crm": {"money": True}},
        Kind.MONEY,
        st.builds(lambda a, c: {"amount": a, "currency": c}, NUMBERS, st.sampled_from(["EUR", "USD", "KWD", "CLF"])),
    ),
    Case("date", {"type": "string", "format": "date"}, Kind.DATE, st.dates().map(str)),
    Case(
        "date-time",
        {"type": "string", "format": "date-time"},
        Kind.MOMENT,
        st.datetimes(timezones=st.timezones()).filter(lambda m: 1 < m.year < 9999),
    ),
    Case("choice", {"enum": ["b", "a", None]}, Kind.CHOICE, st.sampled_from(["a", " b "])),
    Case("email", {"type": "string", "format": "email"}, Kind.TEXT, st.emails()),
    Case("url", {"type": "string", "format": "uri"}, Kind.TEXT, st.just("https://example.org/A?b=c")),
    Case(
        "phone", {"x-crm": {"phone": True}}, Kind.TEXT, st.sampled_from(["21234567", "+37121234567", "371 2123-4567"])
    ),
    Case("autonumber", {"x-crm": {"autonumber": "LV-{0000}"}}, Kind.TEXT, st.just("LV-0017")),
    Case("reference", {"x-crm": {"reference": "contact"}}, Kind.REFERENCE, st.sampled_from([ID, ID.upper()])),
    Case("reference-any", {"x-crm": {"reference": "*"}}, Kind.REFERENCE, st.just(ID)),
    Case("list", {"type": "array"}, Kind.LIST, st.lists(JSON, max_size=5)),
    Case("list", {"type": "array", "items": {"type": "integer"}}, Kind.LIST, st.lists(st.integers(0, 9), max_size=5)),
    Case("object", {"type": "object"}, Kind.OBJECT, st.dictionaries(TEXTS, JSON, max_size=4)),
    Case("json", {}, Kind.JSON, JSON),
]
IDS = [f"{case.name}-{index}" for index, case in enumerate(CASES)]


def made(case: Case) -> FieldType:
    return from_schema(case.schema, options_of(case.schema))


def canonical(field_type: FieldType, sent: Any) -> Any:
    return None if sent is None else field_type.canonical(sent, CONTEXT)


@pytest.fixture(params=CASES, ids=IDS)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def test_every_builtin_type_is_run() -> None:
    assert {case.name for case in CASES} == {cls.name for cls in BUILTIN_TYPES}


def test_a_schema_means_its_type(case: Case) -> None:
    assert (made(case).name, made(case).kind) == (case.name, case.kind)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(max_examples=50)
@given(data=st.data())
def test_the_canonical_form_is_a_fixed_point(case: Case, data: st.DataObject) -> None:
    field_type = made(case)
    value = canonical(field_type, data.draw(case.values))
    assert value is None or field_type.canonical(value, CONTEXT) == value
    assert value is None or type(field_type.canonical(value, CONTEXT)) is type(value)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(max_examples=50)
@given(data=st.data())
def test_what_is_stored_is_what_is_read(case: Case, data: st.DataObject) -> None:
    field_type = made(case)
    value = canonical(field_type, data.draw(case.values))
    columns = field_type.columns()
    stored = field_type.to_columns(value)
    assert len(stored) == len(columns)
    shown = [cell for cell, column in zip(stored, columns, strict=True) if column.suffix != "__fold"]
    read = field_type.from_columns()
    assert (shown[0] if read is None else read(*shown)) == value


@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(max_examples=50)
@given(data=st.data())
def test_text_is_read_as_what_it_was_written_from(case: Case, data: st.DataObject) -> None:
    field_type = made(case)
    value = canonical(field_type, data.draw(case.values))
    if value is not None:
        assert canonical(field_type, field_type.parse(field_type.text(value), CONTEXT)) == value


def test_null_is_stored_as_null(case: Case) -> None:
    stored = made(case).to_columns(None)
    shown = [cell for cell, column in zip(stored, made(case).columns(), strict=True) if column.suffix != "__fold"]
    read = made(case).from_columns()
    assert set(stored) == {None}
    assert read is None or read(*shown) is None


def test_the_folded_copy_is_the_last_column(case: Case) -> None:
    suffixes = [column.suffix for column in made(case).columns()]
    assert suffixes.count("__fold") == int(made(case).folds)
    assert not made(case).folds or suffixes[-1] == "__fold"


@pytest.mark.parametrize("wrong", [True, 1.5, Decimal("1.5"), [], {}, {"a": 1}])
def test_a_value_of_another_json_type_is_left_to_json_schema(case: Case, wrong: Any) -> None:
    field_type = made(case)
    if field_type.kind not in (Kind.NUMBER, Kind.DECIMAL):
        assert field_type.canonical(wrong, CONTEXT) == wrong


def test_an_unreadable_text_is_returned_as_it_is(case: Case) -> None:
    assert made(case).parse("[no", CONTEXT) == "[no"


@pytest.mark.contract("documents.md#text-normal")
@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_an_empty_text_is_null(case: Case, blank: str) -> None:
    if made(case).kind in (Kind.TEXT, Kind.CHOICE, Kind.DATE, Kind.MOMENT, Kind.REFERENCE, Kind.JSON):
        assert made(case).canonical(blank, CONTEXT) is None
