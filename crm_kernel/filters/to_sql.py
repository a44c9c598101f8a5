"""Turns a resolved filter into SQL that holds for exactly the rows for which the predicate is true.

A condition may come out as null instead of false: in WHERE that is the same. `not` is carried down to the single
tests, where `(…) IS NOT TRUE` turns both into true. So the text needs no wrapping of columns and indexes stay usable.
A test beyond references is a semi-join (`company IN (SELECT … JOIN …)`), one subquery whatever the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from crm_kernel.fields.base import Kind
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.filters.binding import Bound, plain, scaled, seconds_before
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.environment import Environment
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
)
from crm_kernel.filters.operators import OPERATORS, operator_of
from crm_kernel.filters.scope import Rows
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.sql_parts import FALSE, TRUE, Cursor, bound, by_digits, column, member_of, scale_of, table
from crm_kernel.filters.values import Segments

_SEARCHED = ("contains", "starts with", "ends with", "matches")


def to_sql(expression: Expression, dialect: Dialect, *, alias: str = "t") -> Sql:
    """A condition on the row `alias` of the entity's table, for WHERE.

    Static for an expression and a dialect: what changes from call to call is in `params`, which `bind` turns into
    bind values. Expressions about events are for predicates only (`ValueError`).
    """
    return Compiler(dialect).condition(expression.root, Cursor(alias))


def bind(params: Iterable[Any], environment: Environment) -> list[Any]:
    """The bind values of an `Sql`, its variables taken from the environment."""
    return [p.bind(environment) if isinstance(p, Bound) else p for p in params]


class Compiler:
    """Compiles trees for one statement; aliases are counted through it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._aliases = 0

    def condition(self, tree: Tree, cursor: Cursor, *, negated: bool = False) -> Sql:
        """The tree, or its negation, as a condition on the row."""
        match tree:
            case Negated():
                return self.condition(tree.item, cursor, negated=not negated)
            case All() | Some():
                both = isinstance(tree, All) != negated
                # SQLite's parser holds a stack: long parts first keeps it low, whatever the nesting.
                parts = sorted((self.condition(i, cursor, negated=negated) for i in tree.items), key=_length)
                if len(parts) < 2:
                    return parts[0] if parts else (TRUE if both else FALSE)
                return compose("({})", join(" AND " if both else " OR ", parts))
            case Test(operator="is not null") if negated and _bare(tree.place):
                return self._plain_test(tree, OPERATORS["is null"].sql, cursor)
            case _:
                found = self._leaf(tree, cursor)
                return compose("({}) IS NOT TRUE", found) if negated else found

    def visible(self, entity_alias: str, *rows: Rows, live: bool = True) -> list[Sql]:
        """The conditions that a related row is there for the caller."""
        found = [compose("{} IS NULL", column(entity_alias, "deleted_at"))] if live else []
        return found + [self.condition(tree, Cursor(entity_alias)) for tree in conditions(*rows)]

    def scalar(self, place: Place, cursor: Cursor, *, folded: bool = False) -> Sql:
        """The stored value of a place as an expression, or its folded copy; null where it is hidden or absent."""
        take = self._folded if folded else self._column
        if not place.steps:
            masks = self.visible(cursor.alias, place.mask, live=False)
            value = take(place, cursor)
            return compose("CASE WHEN {} THEN {} END", join(" AND ", masks), value) if masks else value
        alias, chain, wheres = self._chain(place.steps)
        wheres += self.visible(alias, place.mask, live=False)
        template = f'(SELECT {{}} FROM {{}} WHERE {chain.first}."id" = {{}} AND {{}})'
        key = self._reference(place.steps[0], cursor)
        return compose(template, take(place, Cursor(alias)), chain.source, key, join(" AND ", wheres))

    # ---- leaves -------------------------------------------------------------------------------------------------
    def _leaf(self, tree: Tree, cursor: Cursor) -> Sql:
        match tree:
            case Test():
                return self._reached(tree.place, cursor, lambda at: self._test(tree, at))
            case AnyElement():
                return self._reached(tree.place, cursor, lambda at: self._any_element(tree, at))
            case AnyRow():
                return self._any_row(tree, cursor)
            case Compared():
                return self._compared(tree, cursor)
            case _:
                raise ValueError(f"not a leaf: {tree!r}")

    def _reached(self, place: Place, cursor: Cursor, test: Callable[[Cursor], Sql]) -> Sql:
        """A test that is false on null, on the row where the place is, and only where it may be read."""
        if place.root in ("event", "before"):
            raise ValueError("a condition on an event has no SQL")
        if not place.steps:
            return _all([*self.visible(cursor.alias, place.mask, live=False), test(cursor)])
        alias, chain, wheres = self._chain(place.steps)
        wheres += [*self.visible(alias, place.mask, live=False), test(Cursor(alias))]
        template = f'{{}} IN (SELECT {chain.first}."id" FROM {{}} WHERE {{}})'
        found = compose(template, column(cursor.alias, place.steps[0].field), chain.source, join(" AND ", wheres))
        return _all([*self.visible(cursor.alias, place.steps[0].mask, live=False), found])

    def _any_row(self, tree: AnyRow, cursor: Cursor) -> Sql:
        there = self._alias()
        wheres = self.visible(there, tree.mask, tree.rows)
        if tree.any_entity is not None:
            wheres.append(compose("{} = {}", column(there, f"{tree.field}__entity"), param(tree.any_entity)))
        inner = self.condition(tree.inner, Cursor(there))
        source = f"{table(tree.target)} AS {there}"
        if not tree.steps:
            key = compose("{} = {}", column(there, tree.field), column(cursor.alias, "id"))
            template = f"EXISTS (SELECT 1 FROM {source} WHERE {{}})"
            return compose(template, join(" AND ", [inner, key, *wheres]))
        alias, chain, steps = self._chain(tree.steps)
        template = f'{{}} IN (SELECT {chain.first}."id" FROM {{}} JOIN {source} ON {{}} = {{}} WHERE {{}})'
        on = (column(there, tree.field), column(alias, "id"))
        first = column(cursor.alias, tree.steps[0].field)
        found = compose(template, first, chain.source, *on, join(" AND ", [inner, *steps, *wheres]))
        return _all([*self.visible(cursor.alias, tree.steps[0].mask, live=False), found])

    def _any_element(self, tree: AnyElement, cursor: Cursor) -> Sql:
        alias = self._alias()
        listed = column(cursor.alias, tree.place.field)
        inner = self.condition(tree.inner, Cursor(alias, column(cursor.alias, tree.place.field + tree.place.fold)))
        return compose("EXISTS (SELECT 1 FROM {} WHERE {})", self._dialect.elements(listed, alias), inner)

    def _compared(self, tree: Compared, cursor: Cursor) -> Sql:
        left, right = tree.left, tree.right
        operator = operator_of(tree.operator)
        if left.kind is Kind.MONEY:
            return self._compared_money(tree, cursor)
        if {left.kind, right.kind} == {Kind.DATE, Kind.MOMENT}:
            pair = [self._day(place, cursor) for place in (left, right)]
        elif Kind.DECIMAL in (left.kind, right.kind):
            pair = self._samescale_of(left, right, cursor)
        else:
            pair = [self.scalar(place, cursor) for place in (left, right)]
        return operator.sql(self._dialect, pair[0], pair[1:])

    def _compared_money(self, tree: Compared, cursor: Cursor) -> Sql:
        def member(place: Place, name: str) -> Sql:
            return self.scalar(member_of(place, name), cursor)

        amounts = operator_of(tree.operator).sql(
            self._dialect, member(tree.left, "amount"), [member(tree.right, "amount")]
        )
        sides = (member(tree.left, "currency"), member(tree.right, "currency"))
        if tree.operator == "!=":
            return compose("({} <> {} OR {})", *sides, amounts)
        return compose("{} = {} AND {}", *sides, amounts)

    # ---- one test on one row ------------------------------------------------------------------------------------
    def _test(self, tree: Test, cursor: Cursor) -> Sql:
        place, operator = tree.place, operator_of(tree.operator)
        if tree.operator in _SEARCHED:
            values = [bound(value, plain(self._dialect, "text")) for value in tree.values]
            return operator.sql(self._dialect, self._folded(place, cursor), values)
        if place.kind is Kind.MONEY and tree.values:
            return self._money_test(tree, cursor)
        if place.kind is Kind.DECIMAL and place.money and tree.values:
            return self._amount_test(tree, cursor)
        return self._plain_test(tree, operator.sql, cursor)

    def _plain_test(self, tree: Test, sql: Callable[[Dialect, Sql, Sequence[Sql]], Sql], cursor: Cursor) -> Sql:
        left = self._column(tree.place, cursor)
        return self._compare(tree, sql, left, tree.place.scale)

    def _compare(self, tree: Test, sql: Callable[[Dialect, Sql, Sequence[Sql]], Sql], left: Sql, digits: int) -> Sql:
        if not tree.listed:
            return sql(self._dialect, left, self._operands(tree, digits))
        storage = tree.place.storage
        one = scaled(digits, tree.operator, 0) if _is_whole(tree.place) else None
        items = bound(tree.values[0], lambda found: self._listed(found, one, storage))
        among = self._dialect.among(left, items, storage)
        # NULL NOT IN (an empty list) is true in SQL.
        return among if tree.operator == "in" else compose("({} IS NOT NULL AND NOT ({}))", left, among)

    def _operands(self, tree: Test, digits: int) -> list[Sql]:
        encode = plain(self._dialect, tree.place.storage)
        values: list[Sql] = []
        for index, value in enumerate(tree.values):
            change = scaled(digits, tree.operator, index) if _is_whole(tree.place) else encode
            values.append(bound(value, change))
        return [compose("({})", join(", ", values))] if tree.operator in ("in", "not in") else values

    def _listed(self, found: Any, one: Callable[[Any], Any] | None, storage: Any) -> Any:
        # A list that is null makes IN and NOT IN null, as one element that is null does.
        items = [None] if found is None else [one(item) for item in found] if one else found
        return self._dialect.encode_list(items, storage)

    def _money_test(self, tree: Test, cursor: Cursor) -> Sql:
        value = tree.values[0]
        amount, currency = (column(cursor.alias, tree.place.field + s) for s in ("__amount", "__currency"))
        own = bound(value, lambda found: found and found[1])
        units = bound(value, lambda found: found and scaled(minor_digits(found[1]), tree.operator, 0)(found[0]))
        test = operator_of(tree.operator).sql(self._dialect, amount, [units])
        template = "({} <> {} OR {})" if tree.operator == "!=" else "{} = {} AND {}"
        return compose(template, currency, own, test)

    def _amount_test(self, tree: Test, cursor: Cursor) -> Sql:
        """An amount of any currency against numbers: the numbers are scaled to each currency's minor units."""
        amount, currency = (column(cursor.alias, tree.place.field + s) for s in ("__amount", "__currency"))
        sql = operator_of(tree.operator).sql
        return by_digits(currency, lambda digits: self._compare(tree, sql, amount, digits))

    # ---- columns ------------------------------------------------------------------------------------------------
    def _column(self, place: Place, cursor: Cursor) -> Sql:
        if place.root == "element":
            return self._dialect.element(cursor.alias, place.member, place.kind)
        if place.limits is not None:
            return self._rotting(place, cursor.alias)
        if place.money:
            suffix = "__currency" if place.member == ("currency",) else "__amount"
            return column(cursor.alias, place.field + suffix)
        if place.member:
            return self._dialect.member(column(cursor.alias, place.field), place.member, place.kind)
        return column(cursor.alias, place.field)

    def _folded(self, place: Place, cursor: Cursor) -> Sql:
        if place.root == "element":
            return self._dialect.folded_element(cursor.folded or FALSE, cursor.alias, place.member)
        folded = column(cursor.alias, place.field + place.fold)
        return self._dialect.member(folded, place.member, place.kind) if place.member else folded

    def _rotting(self, place: Place, alias: str) -> Sql:
        names = [column(alias, name) for name in ("pipeline", "stage", "stage_since")]
        cases = [
            compose(
                "WHEN {} = {} AND {} = {} AND {} < {} THEN TRUE",
                *(names[0], param(limit.pipeline), names[1], param(limit.stage), names[2]),
                param(seconds_before(self._dialect, limit.seconds)),
            )
            for limit in place.limits or ()
        ]
        return compose("CASE {} ELSE FALSE END", join(" ", cases)) if cases else Sql("FALSE")

    def _day(self, place: Place, cursor: Cursor) -> Sql:
        value = self.scalar(place, cursor)
        if place.kind is Kind.DATE:
            return value
        return self._dialect.local_date(value, param(Bound(Segments(), self._dialect.encode_segments)))

    def _samescale_of(self, left: Place, right: Place, cursor: Cursor) -> list[Sql]:
        if Kind.NUMBER in (left.kind, right.kind):
            return [self._as_double(place, cursor) for place in (left, right)]
        scale = max(scale_of(left), scale_of(right))
        return [self._times(place, cursor, scale) for place in (left, right)]

    def _times(self, place: Place, cursor: Cursor, scale: int) -> Sql:
        value = self.scalar(place, cursor)
        if place.money and place.member == ("amount",):
            currency = self.scalar(member_of(place, "currency"), cursor)
            return by_digits(currency, lambda digits: self._scaled_up(value, 10 ** (scale - digits)))
        factor = 10 ** (scale - scale_of(place))
        return self._scaled_up(value, factor)

    def _scaled_up(self, value: Sql, factor: int) -> Sql:
        return compose(self._dialect.times("{}", factor), value) if factor > 1 else value

    def _as_double(self, place: Place, cursor: Cursor) -> Sql:
        value = self.scalar(place, cursor)
        if place.money and place.member == ("amount",):
            currency = self.scalar(member_of(place, "currency"), cursor)
            return by_digits(currency, lambda digits: compose(f"{{}} / {10**digits}.0", value))
        return compose(f"{{}} / {10**place.scale}.0", value) if place.kind is Kind.DECIMAL else value

    # ---- references ---------------------------------------------------------------------------------------------
    def _chain(self, steps: tuple[Step, ...]) -> tuple[str, Chain, list[Sql]]:
        """FROM items for the rows that the steps reach, the last one's alias, and that all are there for the caller."""
        first = alias = self._alias()
        source = [Sql(f"{table(steps[0].target)} AS {first}")]
        wheres = self.visible(first, steps[0].rows)
        for step in steps[1:]:
            wheres += self.visible(alias, step.mask, live=False)
            following = self._alias()
            on = f'{following}."id" = {column(alias, step.field)}'
            source.append(Sql(f" JOIN {table(step.target)} AS {following} ON {on}"))
            wheres += self.visible(following, step.rows)
            alias = following
        return alias, Chain(first, join("", source)), wheres

    def _reference(self, step: Step, cursor: Cursor) -> Sql:
        masks = self.visible(cursor.alias, step.mask, live=False)
        key = column(cursor.alias, step.field)
        return compose("CASE WHEN {} THEN {} END", join(" AND ", masks), key) if masks else key

    def _alias(self) -> str:
        self._aliases += 1
        return f"r{self._aliases}"


class Chain(NamedTuple):
    """Joined tables, and the alias of the first."""

    first: str
    source: Sql


def _length(part: Sql) -> int:
    return -len(part.text)


def _all(parts: list[Sql]) -> Sql:
    return parts[0] if len(parts) == 1 else compose("({})", join(" AND ", parts))


def _is_whole(place: Place) -> bool:
    """Whether an integer column holds it: then what it is compared with must be an integer too."""
    if place.kind is Kind.DECIMAL:
        return True
    return place.kind is Kind.INTEGER and place.root != "element" and not place.member


def _bare(place: Place) -> bool:
    return not place.steps and place.mask is None and place.root == "record" and place.limits is None
