"""The columns of a report, and its rows as an entity whose fields they are (floor 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.fields import Boolean, Choice, Date, DecimalNumber, Integer, Moment, MoneyType, Number, Text
from crm_kernel.fields.base import FieldType, Kind, ValueContext
from crm_kernel.fields.reference import Id
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import Expression, Place
from crm_kernel.formulas.parser import parse_formula
from crm_kernel.formulas.resolver import resolve_formula
from crm_kernel.formulas.values import outgoing
from crm_kernel.model import EntityModel, Field, Source

How = Literal["count", "count_distinct", "sum", "avg", "min", "max", "median"]
MEASURES: tuple[How, ...] = get_args(How)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A column to group by: the value at `place`, dates in buckets where `by` is given."""

    name: str
    label: str
    kind: Kind
    place: Place
    by: Literal["day", "week", "month", "quarter", "year"] | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A measure over the values at `place` (None: over the rows) of the records for which `where` holds; `scale` are
    the decimals of a decimal result."""

    name: str
    label: str
    kind: Kind
    how: How
    pointer: str
    place: Place | None = None
    scale: int = 0
    where: Expression | None = None

    @property
    def is_money(self) -> bool:
        """Whether the result is an amount of one currency."""
        return self.kind is Kind.MONEY


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A column computed of the columns before it, for each row of the answer and for its totals.

    `evaluate` takes the row as a record of canonical values and gives a canonical value, null where it has none.
    """

    name: str
    label: str
    kind: Kind
    evaluate: Callable[[Mapping[str, Any], Environment], Any]


def label_of(name: str) -> str:
    return name.replace("_", " ").capitalize()


def derived(name: str, text: str, columns: Sequence[Group | Measure | Derived], context: ValueContext) -> Derived:
    """The column that a formula over others gives. Raises `Error`: bad_filter, unknown_field."""
    rows = rows_model(columns)
    formula, _ = resolve_formula(parse_formula(text), text, {rows.name: rows}, rows, context, {})
    kind = Kind.NUMBER if formula.type.kind is Kind.DECIMAL else formula.type.kind
    kind = Kind.TEXT if kind is Kind.CHOICE else kind
    canonical = outgoing(Text() if kind is Kind.TEXT else _TYPES[kind](), context)
    evaluate = formula.evaluate
    return Derived(
        name=name, label=label_of(name), kind=kind, evaluate=lambda row, world: canonical(evaluate(dict(row), world))
    )


def rows_model(columns: Sequence[Group | Measure | Derived]) -> EntityModel:
    """The rows of a report as an entity. Columns without a plain name are there but cannot be named in `having`."""
    source = Source("builtin", "report")
    return EntityModel(
        name="report",
        label="Report",
        plural="Reports",
        title="",
        icon=None,
        history=False,
        source=source,
        fields={c.name: Field(name=c.name, type=_type(c), schema={"title": c.label}, source=source) for c in columns},
        schema={},
        validate=_no_faults,
    )


def _type(column: Group | Measure | Derived) -> FieldType:
    place = None if isinstance(column, Derived) else column.place
    match column.kind:
        case Kind.CHOICE:
            return Choice(place.choices if place else ())
        case Kind.DECIMAL:
            return DecimalNumber(column.scale if isinstance(column, Measure) else place.scale if place else 0)
        case Kind.TEXT:
            return Text()
        case kind:
            return _TYPES[kind]()


_TYPES: Mapping[Kind, Callable[[], FieldType]] = MappingProxyType(
    {
        Kind.INTEGER: Integer,
        Kind.NUMBER: Number,
        Kind.BOOLEAN: Boolean,
        Kind.DATE: Date,
        Kind.MOMENT: Moment,
        Kind.MONEY: MoneyType,
        Kind.REFERENCE: Id,
    }
)


def _no_faults(record: Mapping[str, Any], *, only_known: bool = True, locale: str = "en") -> list[Fault]:  # noqa: ARG001
    return []
