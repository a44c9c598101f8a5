"""Rollups resolved: which records are measured, what is measured, and how a measure becomes the field's value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields.base import Kind, RollupOptions, ValueContext
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.fields.number import unscaled
from crm_kernel.filters.environment import Environment, Row
from crm_kernel.filters.expression import Expression, Place
from crm_kernel.filters.faults import bad
from crm_kernel.filters.parser import parse_path
from crm_kernel.filters.places import Places, World
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.filters.to_predicate import reader_of
from crm_kernel.formulas.difference import Difference, difference_of
from crm_kernel.formulas.resolver import CHANGING, check_variables
from crm_kernel.formulas.values import MATH, NUMBERS, ORDERED, WORDS, Type, fits, incoming, outgoing
from crm_kernel.model import EntityModel, Field, Model, Reverse


class Rollup(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One rollup of `entity`: `measure` over the live records of `child` whose `reference` names the record.

    `to_any`: the reference may lead to any entity. `inputs` are the fields of `child` that it depends on. `value` makes
    the canonical value of what the database found: (count, sum, least, greatest, first currency, last currency).
    `stored` gives of a record in hand what is measured, as its columns hold it: the value, of money its currency too.
    `difference` makes it of the stored one where that is enough.
    """

    entity: str
    name: str
    child: str
    reference: str
    to_any: bool
    measure: str
    place: Place | None
    where: Expression | None
    inputs: frozenset[str]
    value: Callable[[Sequence[Any]], Any]
    stored: Callable[[Row, Environment], Sequence[Any]]
    difference: Difference | None

    @property
    def empty(self) -> Any:
        """The value of a record that nothing refers to."""
        return self.value((0, None, None, None, None, None))


def resolve_rollup(model: Model, entity: EntityModel, field: Field, context: ValueContext) -> Rollup | Fault:
    """A rollup, or what is wrong with it; the pointer is below `x-crm/rollup`."""
    options = field.options.rollup or RollupOptions(of="", measure="count")
    reverse = entity.reverses.get(options.of)
    if reverse is None:
        hint = "It is `reverse` of a reference, else `<entity>_by_<field>`."
        guess = near(options.of, entity.reverses)
        detail = f"No records refer to this one as {options.of!r}" + (f";{guess}" if guess else ".")
        return Fault(pointer="/of", code="unknown_field", detail=detail, hint=hint)
    child = model[reverse.entity]
    place: Place | None = None
    where: Expression | None = None
    try:
        if options.field is not None:
            place = _place(options.field, model, child)
    except Error as error:
        return Fault(pointer="/field", code=error.code, detail=error.detail, hint=error.hint)
    try:
        if options.where is not None:
            where = _where(options.where, model, child, context)
    except Error as error:
        return Fault(pointer="/where", code=error.code, detail=error.detail, hint=error.hint)
    found = _measured(options.measure, place)
    if found is None or not fits(found, field.type, field.choices):
        return _misfit(options.measure, place, found, field)
    return _rollup(entity, field, reverse, child, place, where, context)


def _rollup(
    entity: EntityModel,
    field: Field,
    reverse: Reverse,
    child: EntityModel,
    place: Place | None,
    where: Expression | None,
    context: ValueContext,
) -> Rollup:
    names = {reverse.field, *((place.field,) if place else ())}
    names |= {path.partition(".")[0] for path in (where.paths if where else ())}
    measure = field.options.rollup.measure if field.options.rollup else "count"
    finish, raw = outgoing(field.type, context), _raw(measure, place)
    return Rollup(
        entity=entity.name,
        name=field.name,
        child=child.name,
        reference=reverse.field,
        to_any=len(child.fields[reverse.field].type.columns()) > 1,
        measure=measure,
        place=place,
        where=where,
        inputs=frozenset(names),
        value=lambda row: finish(raw(row)),
        stored=_stored(place, child),
        difference=difference_of(measure, place, where, field.type, finish),
    )


def _stored(place: Place | None, child: EntityModel) -> Callable[[Row, Environment], Sequence[Any]]:
    if place is None:
        return lambda _row, _at: (1,)
    if place.member and not place.money:
        read = reader_of(place)
        return lambda row, at: (read(row, at),)
    columns = child.fields[place.field].type.to_columns
    return lambda row, _: columns(row[place.field])


def _place(text: str, model: Model, child: EntityModel) -> Place:
    path = parse_path(text)
    place = Places(model, SYSTEM_SCOPE).place(path, World(child))
    if place.steps:
        raise bad(1, repr(text), f"a field of {child.name} itself")
    if place.field in CHANGING:
        raise bad(1, repr(text), "a field that changes only when somebody changes it")
    return place


def _where(text: str, model: Model, child: EntityModel, context: ValueContext) -> Expression:
    where = resolve(text, child.name, model, context=context)
    if where.uses_related:
        raise bad(1, "a condition on other records", f"one on the {child.name} itself")
    check_variables(where, 1)
    changing = [path for path in where.paths if path in CHANGING]
    if changing:
        raise bad(1, f"a condition on {changing[0]!r}", "one on fields that change only when somebody changes them")
    return where


def _measured(measure: str, place: Place | None) -> Type | None:
    """What a measure gives, None where the field cannot be measured so."""
    if place is None:
        return Type(Kind.INTEGER)
    kind, _ = incoming(place.kind)
    if measure in ("sum", "avg"):
        if kind not in NUMBERS | {Kind.MONEY}:
            return None
        return Type(Kind.DECIMAL if measure == "avg" and kind in NUMBERS else kind)
    return Type(kind) if kind in ORDERED else None


def _misfit(measure: str, place: Place | None, found: Type | None, field: Field) -> Fault:
    what = WORDS[place.kind] if place else "records"
    if found is None:
        hint = "sum and avg are of numbers and money, min and max of dates and moments too."
        return Fault(pointer="/field", code="type", detail=f"The {measure} of {what} has no meaning.", hint=hint)
    detail = f"The {measure} is {WORDS[found.kind]}, the field is {WORDS[field.type.kind]}."
    return Fault(pointer="", code="type", detail=detail, hint="Declare the field with the type of its measure.")


def _raw(measure: str, place: Place | None) -> Callable[[Sequence[Any]], Any]:
    """What the columns of the database mean, as a value inside formulas."""
    if place is None:
        return lambda row: Decimal(row[0])
    if place.kind is Kind.MONEY:
        return lambda row: _money(measure, row)
    if place.kind not in (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL):
        return lambda row: row[2 if measure == "min" else 3]
    if place.money:  # the amount alone: minor units are of one size within one currency only
        return lambda row: None if (found := _money(measure, row)) is None else found[0]
    scale = place.scale if place.kind is Kind.DECIMAL else 0
    return lambda row: _pick(measure, row, lambda value: _number(value, scale))


def _number(value: Any, scale: int) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else unscaled(int(value), scale)


def _money(measure: str, row: Sequence[Any]) -> tuple[Decimal, str] | None:
    currency, last = row[4], row[5]
    if currency is None or currency != last:
        return None
    amount = _pick(measure, row, lambda units: unscaled(int(units), minor_digits(currency)))
    return None if amount is None else (amount, currency)


def _pick(measure: str, row: Sequence[Any], read: Callable[[Any], Decimal]) -> Decimal | None:
    value = {"sum": row[1], "avg": row[1], "min": row[2], "max": row[3]}[measure]
    if value is None:
        return None
    return MATH.divide(read(value), Decimal(row[0])) if measure == "avg" else read(value)
