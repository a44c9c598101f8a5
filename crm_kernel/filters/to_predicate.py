"""Turns a resolved filter into a Python function that is true for exactly the records that the SQL finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import msgspec

from crm_kernel.fields.base import Kind
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.fields.folding import fold
from crm_kernel.filters.environment import Environment, Row
from crm_kernel.filters.expression import (
    All,
    AnyElement,
    AnyRow,
    Compared,
    Expression,
    Negated,
    Place,
    Some,
    Step,
    Test,
    Tree,
    conditions,
    tree_of,
)
from crm_kernel.filters.moments import date_of
from crm_kernel.filters.operators import operator_of
from crm_kernel.filters.scope import Rows
from crm_kernel.filters.values import Constant, SecondsAgo

Predicate = Callable[[Any, Environment], bool]
Reader = Callable[[Any, Environment], Any]

_SEARCHED = frozenset({"contains", "starts with", "ends with", "matches"})
_JSON_TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.CHOICE: (str,),
    Kind.DATE: (str,),
    Kind.REFERENCE: (str,),
    Kind.INTEGER: (int, float, Decimal),
    Kind.NUMBER: (int, float, Decimal),
    Kind.BOOLEAN: (bool,),
    Kind.LIST: (list,),
    Kind.OBJECT: (dict,),
    Kind.JSON: (object,),
}


@lru_cache(1024)
def to_predicate(expression: Expression) -> Callable[[Row, Environment], bool]:
    """A function of a record of canonical values and an environment.

    Beyond the record it asks `environment.lookup` and `environment.referring`, as `expression.needs` announces.
    Making it takes ten times longer than asking it once, so those of rules are kept.
    """
    return _condition(expression.root)


def reader_of(place: Place) -> Callable[[Row, Environment], Any]:
    """A function that gives the canonical value at a place; None where it is absent, hidden or masked."""
    return _reader(place)


def _condition(tree: Tree) -> Predicate:
    match tree:
        case All():
            items = [_condition(item) for item in tree.items]
            return lambda row, environment: all(item(row, environment) for item in items)
        case Some():
            items = [_condition(item) for item in tree.items]
            return lambda row, environment: any(item(row, environment) for item in items)
        case Negated():
            item = _condition(tree.item)
            return lambda row, environment: not item(row, environment)
        case Test():
            return _test(tree)
        case Compared():
            return _compared(tree)
        case AnyElement():
            return _any_element(tree)
        case AnyRow():
            return _any_row(tree)


# ---- tests ----------------------------------------------------------------------------------------------------------
def _test(tree: Test) -> Predicate:
    read, holds = _comparable(tree), _holding(tree)
    if tree.operator == "is not null":
        return lambda row, environment: read(row, environment) is not None
    if tree.operator in ("in", "not in"):
        return _membership(tree, read)
    values = tree.values
    if all(isinstance(value, Constant) for value in values):
        settled = [_plain(value.value, tree.place) for value in cast("tuple[Constant, ...]", values)]

        def constant(row: Any, environment: Environment) -> bool:
            found = read(row, environment)
            return found is not None and holds(found, *settled)

        return constant

    def test(row: Any, environment: Environment) -> bool:
        found = read(row, environment)
        operands = [_plain(value.get(environment), tree.place) for value in values]
        return found is not None and None not in operands and holds(found, *operands)

    return test


def _membership(tree: Test, read: Reader) -> Predicate:
    place, wanted = tree.place, tree.operator == "in"

    def items(environment: Environment) -> list[Any] | None:
        found = tree.values[0].get(environment) if tree.listed else [v.get(environment) for v in tree.values]
        return None if found is None else [_plain(item, place) for item in found]

    def test(row: Any, environment: Environment) -> bool:
        found, listed = read(row, environment), items(environment)
        if found is None or listed is None:
            return False
        return found in listed if wanted else None not in listed and found not in listed

    return test


def _comparable(tree: Test) -> Reader:
    """Reads the place in the form in which `_holding` compares it."""
    place, read = tree.place, _reader(tree.place)
    if tree.operator in _SEARCHED and place.fold:

        def folded(row: Any, environment: Environment) -> Any:
            found = read(row, environment)
            return None if found is None else fold(found)

        return folded
    if place.kind is Kind.MOMENT:
        return lambda row, environment: _plain(read(row, environment), place)
    return read


def _holding(tree: Test) -> Callable[..., bool]:
    python = operator_of(tree.operator).python
    return _on_money(tree.operator, python) if tree.place.kind is Kind.MONEY else python


def _on_money(symbol: str, python: Callable[..., bool]) -> Callable[..., bool]:
    def holds(found: Any, wanted: tuple[Decimal, str]) -> bool:
        same = found["currency"] == wanted[1]
        amount = python(found["amount"], wanted[0])
        return (not same or amount) if symbol == "!=" else (same and amount)

    return holds


def _plain(value: Any, place: Place) -> Any:
    """Moments without their `Z`, so that the order of text is that of time."""
    return value.removesuffix("Z") if place.kind is Kind.MOMENT and value is not None else value


def _compared(tree: Compared) -> Predicate:
    left, right = _reader(tree.left), _reader(tree.right)
    kinds = {tree.left.kind, tree.right.kind}
    python = operator_of(tree.operator).python
    if Kind.MONEY in kinds:
        holds = _on_money(tree.operator, python)
        python = lambda a, b: holds(a, (b["amount"], b["currency"]))  # noqa: E731 - one of several forms
    elif kinds == {Kind.DATE, Kind.MOMENT}:
        left, right = (_day(read, place) for read, place in ((left, tree.left), (right, tree.right)))
    elif kinds == {Kind.DECIMAL, Kind.NUMBER}:
        left, right = (_double(read, place) for read, place in ((left, tree.left), (right, tree.right)))

    def test(row: Any, environment: Environment) -> bool:
        a, b = left(row, environment), right(row, environment)
        return a is not None and b is not None and python(_plain(a, tree.left), _plain(b, tree.right))

    return test


def _day(read: Reader, place: Place) -> Reader:
    if place.kind is Kind.DATE:
        return read

    def day(row: Any, environment: Environment) -> str | None:
        found = read(row, environment)
        return None if found is None else date_of(found, environment.zone)

    return day


def _double(read: Reader, place: Place) -> Reader:
    """A decimal as SQL makes it a double: its integer divided by a power of ten."""
    if place.kind is not Kind.DECIMAL:
        return read
    whole = _reader_of_money(place) if place.money else None

    def double(row: Any, environment: Environment) -> float | None:
        found: Decimal | None = read(row, environment)
        if found is None:
            return None
        digits = minor_digits(whole(row, environment)["currency"]) if whole else place.scale
        numerator, denominator = found.as_integer_ratio()
        return float(numerator * 10**digits // denominator) / 10.0**digits

    return double


# ---- related records, lists -----------------------------------------------------------------------------------------
def _any_row(tree: AnyRow) -> Predicate:
    reach, inner, shown = _follower(tree.steps), _condition(tree.inner), _shown(tree.mask, tree.rows)

    def test(row: Any, environment: Environment) -> bool:
        here = reach(row, environment)
        if here is None:
            return False
        return any(
            there.get("deleted_at") is None and shown(there, environment) and inner(there, environment)
            for there in environment.referring(tree.target, tree.field, here["id"])
        )

    return test


def _any_element(tree: AnyElement) -> Predicate:
    read, inner = _reader(tree.place), _condition(tree.inner)

    def test(row: Any, environment: Environment) -> bool:
        found = read(row, environment)
        return isinstance(found, list | tuple) and any(inner(element, environment) for element in cast("Any", found))

    return test


def _follower(steps: tuple[Step, ...]) -> Callable[[Any, Environment], Row | None]:
    """Follows the references from a row; None where one is empty, masked, hidden or deleted."""
    hops = [(step, _shown(step.mask), _shown(step.rows)) for step in steps]

    def follow(row: Row, environment: Environment) -> Row | None:
        here: Row | None = row
        for step, readable, visible in hops:
            key = here.get(step.field) if readable(here, environment) else None
            here = environment.lookup(step.target, key) if key is not None else None
            if here is None or here.get("deleted_at") is not None or not visible(here, environment):
                return None
        return here

    return follow


def _shown(*rows: Rows) -> Predicate:
    tests = [_condition(tree) for tree in conditions(*rows)]
    if not tests:
        return lambda _row, _environment: True
    return lambda row, environment: all(test(row, environment) for test in tests)


# ---- places ---------------------------------------------------------------------------------------------------------
def _reader(place: Place) -> Reader:
    take = _taker(place)
    if not place.steps and tree_of(place.mask) is None and place.root in ("record", "element"):
        return take
    base, follow, shown = _base(place), _follower(place.steps), _shown(place.mask)

    def read(row: Any, environment: Environment) -> Any:
        start = base(row, environment)
        here = None if start is None else follow(start, environment)
        return take(here, environment) if here is not None and shown(here, environment) else None

    return read


def _base(place: Place) -> Reader:
    if place.root == "event":
        return lambda _, environment: environment.event
    if place.root == "before":
        return lambda _, environment: environment.before
    return lambda row, _: row


def _taker(place: Place) -> Reader:
    """Takes the value out of the row or element where it stands."""
    field, member, kind = place.field, place.member, place.kind
    if place.limits is not None:
        return _rotting(place)
    if place.root != "element" and not member:
        return lambda row, _: row.get(field)
    if place.money:
        return lambda row, _: None if (found := row.get(field)) is None else found[member[0]]
    types = _JSON_TYPES.get(kind, (object,))

    def take(row: Any, _: Environment) -> Any:
        found: Any = row.get(field) if field else row
        for name in member:
            found = cast("dict[str, Any]", found).get(name) if isinstance(found, dict) else None
        fits = isinstance(found, types) and (kind in (Kind.BOOLEAN, Kind.JSON) or not isinstance(found, bool))
        # JSON columns keep decimals as they were written; SQL reads them as doubles.
        return None if not fits else float(found) if isinstance(found, Decimal) else found

    return take


def _reader_of_money(place: Place) -> Reader:
    return _reader(msgspec.structs.replace(place, member=(), kind=Kind.MONEY))


def _rotting(place: Place) -> Reader:
    limits = {(limit.pipeline, limit.stage): SecondsAgo(limit.seconds) for limit in place.limits or ()}

    def rotting(row: Any, environment: Environment) -> bool:
        limit, since = limits.get((row.get("pipeline"), row.get("stage"))), row.get("stage_since")
        if limit is None or since is None:
            return False
        return since.removesuffix("Z") < limit.get(environment).removesuffix("Z")

    return rotting
