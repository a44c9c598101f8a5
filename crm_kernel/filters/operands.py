"""Reads the operands of a comparison as values of the place they are compared with, or refuses them with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from crm_kernel.errors import Error
from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.fields.currencies import CURRENCIES
from crm_kernel.filters import moments, syntax
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import Place
from crm_kernel.filters.faults import bad, unknown
from crm_kernel.filters.shapes import Part, Schema, definitions_of, part_of
from crm_kernel.filters.tokens import shortened
from crm_kernel.filters.values import Caller, Constant, Edge, Parameter, Relative, Value, Wall, as_date, as_moment

NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL})
_AS_TEXT = frozenset({Kind.CHOICE, Kind.REFERENCE, Kind.MONEY})
_MONEY = re.compile(r"(?:([A-Za-z]{3})\s*)?(-?[0-9]+(?:\.[0-9]+)?)", re.ASCII)

EXPECTED: Mapping[Kind, str] = {
    Kind.TEXT: "a text",
    Kind.CHOICE: "one of its choices as text",
    Kind.REFERENCE: "an id as text, @me or @my_team",
    Kind.INTEGER: "a number",
    Kind.NUMBER: "a number",
    Kind.DECIMAL: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date ('2026-03-31', @today …)",
    Kind.MOMENT: "a moment or date ('2026-03-31', '2026-03-31T09:00', @now …)",
    Kind.MONEY: "an amount of money ('EUR 100.50')",
}


class Operands:
    """Reads operands. `params` are the JSON Schemas of `@param.NAME`; `names` collects the variables used."""

    def __init__(self, params: Mapping[str, Schema], context: ValueContext) -> None:
        self._params = params
        self._context = context
        self.names: set[str] = set()

    def read(self, node: syntax.Value, place: Place) -> Value:
        """The value of an operand for a place that is no moment. Raises `bad_filter` where it does not fit."""
        match node:
            case syntax.Moment():
                if place.kind is not Kind.DATE:
                    raise self._misfit(node, place)
                return as_date(self._relative(node))
            case syntax.Variable(name="param"):
                parameter = self._parameter(node, place)
                return as_date(parameter) if place.kind is Kind.DATE else parameter
            case syntax.Variable():
                return self._caller(node, place)
            case syntax.Literal():
                return self._literal(node, place)

    def span(self, node: syntax.Value, place: Place) -> tuple[Value, Value | None]:
        """For a moment: (the moment, None), or for a date (the start of the day, the start of the next)."""
        value, is_moment = self._temporal(node, place)
        if is_moment:
            return as_moment(value), None
        self.names.add("zone")
        return Edge(value, False), Edge(value, True)

    def text(self, node: syntax.Value, place: Place) -> Value:
        """A text to search for: a literal, or a parameter that is a text."""
        if isinstance(node, syntax.Literal) and isinstance(node.value, str):
            return Constant(node.value)
        if isinstance(node, syntax.Variable) and node.name == "param":
            return self._parameter(node, Place(kind=Kind.TEXT, label=place.label))
        raise bad(node.at, described(node), "a text")

    # ---- variables ----------------------------------------------------------------------------------------------
    def _caller(self, node: syntax.Variable, place: Place) -> Value:
        several = node.name == "my_teams"
        if place.kind is not Kind.REFERENCE:
            raise self._misfit(node, place)
        if several != node.listed:
            expected = "a list in parentheses, or @my_teams" if node.listed else "one value (lists stand after 'in')"
            raise bad(node.at, described(node), expected)
        self.names.add(node.name)
        return Caller(node.name)

    def _relative(self, node: syntax.Moment) -> Relative:
        self.names |= {"now", "zone"}
        return Relative(node.name, node.amount, node.unit)

    def _parameter(self, node: syntax.Variable, place: Place) -> Parameter:
        name = node.parameter or ""
        if name not in self._params:
            raise unknown("parameter", name, node.at, self._params)
        self.names |= {f"param.{name}", "zone"}
        part = self._part(node, place)
        read = _reader(part, place, self._context)
        if read is None:
            raise bad(node.at, f"parameter {name!r} ({_kind_words(part)})", EXPECTED[place.kind])
        return Parameter(name, EXPECTED[place.kind], read, node.listed)

    def _part(self, node: syntax.Variable, place: Place) -> Part:
        """One value of a parameter. Code gives values without a schema: an empty one says what the place says."""
        schema = self._params[node.parameter or ""]
        if not schema:
            return Part(Kind.TEXT if place.kind in _AS_TEXT else place.kind)
        part = part_of(schema, definitions_of(schema))
        if (part.kind is Kind.LIST) != node.listed:
            expected = "a list" if node.listed else "one value (lists stand after 'in')"
            raise bad(node.at, f"parameter {node.parameter!r}", expected)
        return part.element() if node.listed else part

    # ---- literals -----------------------------------------------------------------------------------------------
    def _literal(self, node: syntax.Literal, place: Place) -> Value:
        value: Any = node.value
        if place.kind is Kind.DATE:
            temporal, is_moment = self._temporal(node, place)
            self.names |= {"zone"} if is_moment else set()
            return as_date(temporal)
        if place.kind is Kind.CHOICE and isinstance(value, str) and place.choices and value not in place.choices:
            raise unknown("choice", value, node.at, place.choices)
        if place.kind is Kind.REFERENCE and place.storage == "uuid" and isinstance(value, str):
            value = _uuid(value)
        if place.kind is Kind.MONEY:
            return Constant(self._money(node))
        found = _fitting(value, place.kind)
        if found is None:
            raise self._misfit(node, place)
        return Constant(found)

    def _money(self, node: syntax.Literal) -> tuple[Decimal, str]:
        found = read_money(node.value, self._context) if isinstance(node.value, str) else None
        if found is None:
            raise bad(node.at, described(node), EXPECTED[Kind.MONEY])
        if found[1] not in CURRENCIES:
            raise unknown("currency", found[1], node.at, sorted(CURRENCIES))
        return found

    def _temporal(self, node: syntax.Value, place: Place) -> tuple[Value, bool]:
        if isinstance(node, syntax.Moment):
            value = self._relative(node)
            return value, value.is_moment
        if isinstance(node, syntax.Variable) and node.name == "param":
            parameter = self._parameter(node, place)
            return parameter, self._part(node, place).kind is Kind.MOMENT
        text = node.value if isinstance(node, syntax.Literal) else None
        if isinstance(text, str):
            day = moments.parse_date(text)
            if day is not None:
                return Constant(day), False
            moment = moments.parse_moment(text)
            if moment is not None and moment.tzinfo is None:
                self.names.add("zone")
                return Wall(moment), True
            if moment is not None:
                return Constant(moment), True
        raise self._misfit(node, place)

    def _misfit(self, node: syntax.Value, place: Place) -> Error:
        return bad(node.at, described(node), EXPECTED[place.kind])


def described(node: syntax.Value | syntax.Path) -> str:
    """What an operand is, for a message: `text 'abc'`, `number 5`, `@me`."""
    match node:
        case syntax.Literal(value=bool()):
            return "true" if node.value else "false"
        case syntax.Literal(value=str()):
            return f"text {shortened(repr(node.value))}"
        case syntax.Literal():
            return f"number {shortened(str(node.value))}"
        case syntax.Variable(name="param"):
            return f"@param.{node.parameter}"
        case syntax.Path():
            return f"field {node.dotted!r}"
        case _:
            return f"@{node.name}"


def read_money(value: Any, context: ValueContext) -> tuple[Decimal, str] | None:
    """(amount, currency) of `'EUR 100.50'`, the app's currency where none is named; None for all else."""
    found = _MONEY.fullmatch(value.strip()) if isinstance(value, str) else None
    return (Decimal(found[2]), (found[1] or context.currency).upper()) if found else None


def plain_number(value: Decimal) -> int | float:
    """The number as it is compared with integers and doubles."""
    return int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)


def _fitting(value: Any, kind: Kind) -> Any:
    """A literal as a canonical value of the kind, None where it does not fit."""
    if kind in (Kind.TEXT, Kind.CHOICE, Kind.REFERENCE):
        return value if isinstance(value, str) else None
    if kind is Kind.BOOLEAN:
        return value if isinstance(value, bool) else None
    if not isinstance(value, Decimal):
        return None
    return value if kind is Kind.DECIMAL else plain_number(value)


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _reader(part: Part, place: Place, context: ValueContext) -> Callable[[Any, Environment], Any] | None:
    """How a parameter of this schema becomes a value for the place; None where their kinds do not fit."""
    texts = (Kind.TEXT, Kind.CHOICE)
    match place.kind:
        case Kind.TEXT | Kind.CHOICE | Kind.REFERENCE if part.kind in texts:
            return lambda sent, _: sent if isinstance(sent, str) else None
        case Kind.BOOLEAN if part.kind is Kind.BOOLEAN:
            return lambda sent, _: sent if isinstance(sent, bool) else None
        case Kind.DATE | Kind.MOMENT if part.kind is Kind.DATE:
            return lambda sent, _: _as_date(sent)
        case Kind.DATE | Kind.MOMENT if part.kind is Kind.MOMENT:
            return lambda sent, environment: _as_moment(sent, environment.zone)
        case Kind.INTEGER | Kind.NUMBER if part.kind in NUMBERS:
            return lambda sent, _: None if (number := _as_decimal(sent)) is None else plain_number(number)
        case Kind.DECIMAL if part.kind in NUMBERS:
            return lambda sent, _: _as_decimal(sent)
        case Kind.MONEY if part.kind in texts:
            return lambda sent, _: read_money(sent, context)
        case _:
            return None


def _as_decimal(sent: Any) -> Decimal | None:
    if isinstance(sent, bool) or not isinstance(sent, int | float | Decimal):
        return None
    number = Decimal(repr(sent)) if isinstance(sent, float) else Decimal(sent)
    return number if number.is_finite() and -400 < number.adjusted() < 400 else None


def _as_date(sent: Any) -> date | None:
    return moments.parse_date(sent) if isinstance(sent, str) else None


def _as_moment(sent: Any, zone: str) -> datetime | None:
    found = moments.parse_moment(sent) if isinstance(sent, str) else None
    return moments.in_zone(found, zone) if found is not None and found.tzinfo is None else found


def _kind_words(part: Part) -> str:
    return EXPECTED.get(part.kind, "no single type")
