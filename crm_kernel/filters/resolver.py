"""Resolves a filter: names against the entities a caller may see, operands against the types of the fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.fields.folding import fold, words
from crm_kernel.filters import syntax
from crm_kernel.filters.expression import (
    All,
    AnyElement,
    AnyRow,
    Compared,
    Expression,
    Negated,
    Place,
    Some,
    Test,
    Tree,
)
from crm_kernel.filters.faults import bad, too_much
from crm_kernel.filters.measure import levels_of, needs_of, variables_of
from crm_kernel.filters.operands import EXPECTED, NUMBERS, Operands, described
from crm_kernel.filters.operators import OPERATORS, has_words
from crm_kernel.filters.parser import parse
from crm_kernel.filters.places import STORAGES, Places, Referring, World, nested
from crm_kernel.filters.scope import NOTHING, SYSTEM_SCOPE, Rows, Scope
from crm_kernel.filters.shapes import Schema
from crm_kernel.filters.values import Chosen, Constant, Value, folded
from crm_kernel.model import Model

MAX_LEVELS = 8
"""Nested subqueries: SQLite before 3.46 parses no more than about eleven, and a list needs some of its own."""

_DAYS = {"=": "within", "!=": "outside"}
_EDGES = {"<": ("<", False), "<=": ("<", True), ">": (">=", True), ">=": (">=", False)}


def resolve(
    text: str,
    entity: str,
    model: Model,
    *,
    scope: Scope = SYSTEM_SCOPE,
    params: Mapping[str, Schema] | None = None,
    event: bool = False,
    context: ValueContext | None = None,
) -> Expression:
    """The filter `text` over records of `entity`.

    `scope` says what the caller may see, `params` the JSON Schema of each `@param.NAME`, `event` whether `event.…`
    and `before.…` may be used (then only as a predicate), `context` the app's currency. Raises
    `Error("bad_filter" | "unknown_field")`, both with the member `column`.
    """
    return resolve_node(parse(text), text, entity, model, scope=scope, params=params, event=event, context=context)


def resolve_node(
    written: syntax.Node,
    text: str,
    entity: str,
    model: Model,
    *,
    scope: Scope = SYSTEM_SCOPE,
    params: Mapping[str, Schema] | None = None,
    event: bool = False,
    context: ValueContext | None = None,
) -> Expression:
    """As `resolve`, for what is read already: `text` is what its columns are counted in."""
    resolver = _Resolver(model, scope, Operands(params or {}, context or ValueContext()))
    root = resolver.tree(written, World(model[entity], events=event))
    levels = levels_of(root)
    if levels > MAX_LEVELS:
        raise too_much(1, f"more than {MAX_LEVELS} levels of related records inside one another")
    return Expression(
        text=text,
        entity=entity,
        root=root,
        written=written,
        paths=tuple(dict.fromkeys(resolver.paths)),
        variables=frozenset(resolver.operands.names | variables_of(root)),
        needs=needs_of(root),
        levels=levels,
        labels=resolver.labels,
    )


def either(expressions: list[Expression]) -> Expression:
    """The expression that holds where one of `expressions` (at least one, over the same entity) does.

    Made without reading text again, so that no limit on the length of texts applies.
    """
    written = tuple(e.written for e in expressions)
    root = Some(tuple(e.root for e in expressions))
    return _joined(expressions, "or", root, syntax.Or(at=1, end=1, items=written))


def both(expressions: list[Expression]) -> Expression:
    """The expression that holds where all of `expressions` (at least one, over the same entity) do; as `either`."""
    written = tuple(e.written for e in expressions)
    roots = tuple(e.root for e in expressions)
    root = Some(()) if Some(()) in roots else All(roots)
    return _joined(expressions, "and", root, syntax.And(at=1, end=1, items=written))


def all_of(rules: Iterable[Rows]) -> Rows:
    """The rows that each of `rules` gives."""
    limits = {rule.text if isinstance(rule, Expression) else "": rule for rule in rules if rule is not None}
    if "" in limits:
        return NOTHING
    found = [rule for rule in limits.values() if isinstance(rule, Expression)]
    return both(found) if found else None


def _joined(expressions: list[Expression], word: str, root: Tree, written: syntax.Node) -> Expression:
    first = expressions[0]
    if len(expressions) == 1:
        return first
    return msgspec.structs.replace(
        first,
        text=f" {word} ".join(f"({e.text})" for e in expressions),
        root=root,
        written=written,
        paths=tuple(dict.fromkeys(path for e in expressions for path in e.paths)),
        variables=frozenset[str]().union(*(e.variables for e in expressions)),
        needs=needs_of(root),
        levels=levels_of(root),
        labels={},
    )


class _Resolver:
    def __init__(self, model: Model, scope: Scope, operands: Operands) -> None:
        self._places = Places(model, scope)
        self._scope = scope
        self.operands = operands
        self.paths: list[str] = []
        self.labels: dict[int, str] = {}

    def tree(self, node: syntax.Node, world: World) -> Tree:
        match node:
            case syntax.And():
                return All(tuple(self.tree(item, world) for item in node.items))
            case syntax.Or():
                return Some(tuple(self.tree(item, world) for item in node.items))
            case syntax.Not():
                return Negated(self.tree(node.item, world))
            case syntax.Quantified():
                found = self._quantified(node, world)
                return Negated(found) if node.negated else found
            case syntax.Comparison(left=syntax.Path() as left):
                return self._comparison(node, left, world)
            case syntax.Comparison():
                return self._everything(node, world)

    # ---- any, none ----------------------------------------------------------------------------------------------
    def _quantified(self, node: syntax.Quantified, world: World) -> Tree:
        found = self._places.many(node.path, world)
        self._note(node.path, found.label, world)
        if isinstance(found, Place):
            return AnyElement(place=found, inner=self.tree(node.inner, self._places.elements(node.path, found, world)))
        return self._rows(node, found, world)

    def _rows(self, node: syntax.Quantified, found: Referring, world: World) -> Tree:
        entity, field = found.model, found.reverse.field
        inner = World(entity, prefix=f"{world.prefix}{node.path.dotted}.")
        refers_to_any = entity.fields[field].options.reference == "*" or entity.fields[field].type.columns()[1:]
        here = found.steps[-1].target if found.steps else world.entity.name if world.entity else ""
        return AnyRow(
            steps=found.steps,
            target=entity.name,
            field=field,
            any_entity=here if refers_to_any else None,
            mask=self._scope.field_rows(entity.name, field),
            rows=self._scope.rows(entity.name),
            inner=self.tree(node.inner, inner),
        )

    # ---- comparisons --------------------------------------------------------------------------------------------
    def _everything(self, node: syntax.Comparison, world: World) -> Tree:
        if world.entity is None:
            raise bad(node.at, "'*'", "a field: '*' stands for a whole record")
        wanted = self._wanted(node)
        places = self._places.searched(world.entity)
        self.labels[node.at] = "Anything"
        self.paths += [f"{world.prefix}{place.field}" for place in places]
        pairs = [((word,), False) for word in wanted[:-1]] + [((word,), True) for word in wanted[-1:]]
        return All(tuple(Some(tuple(_matching(place, *pair) for place in places)) for pair in pairs))

    def _comparison(self, node: syntax.Comparison, left: syntax.Path, world: World) -> Tree:
        place = self._places.place(left, world)
        self._note(left, place.label, world)
        _check_operator(node, left, place)
        operand = node.operands[0] if node.operands else None
        if isinstance(operand, syntax.Path):
            return self._compared(node, place, operand, world)
        match node.operator:
            case "is null":
                return Negated(Test(place=place, operator="is not null"))
            case "is not null":
                return Test(place=place, operator="is not null")
            case "matches":
                wanted = self._wanted(node)
                if place.kind is Kind.CHOICE:
                    return _among_choices(
                        place, lambda choice, found: has_words(fold(choice), found, True), Constant(wanted)
                    )
                return _matching(place, wanted, True)
            case "contains" if place.kind is Kind.LIST:
                return self._membership(node, place)
            case "contains" | "starts with" | "ends with":
                value = folded(self.operands.text(_value(node.operands[0]), place))
                if place.kind is Kind.CHOICE:
                    fits = OPERATORS[node.operator].python
                    return _among_choices(place, lambda choice, needle: fits(fold(choice), needle), value)
                return Test(place=place, operator=node.operator, values=(value,))
            case _:
                return self._valued(node, place)

    def _wanted(self, node: syntax.Comparison) -> tuple[str, ...]:
        operand = node.operands[0]
        if isinstance(operand, syntax.Literal) and isinstance(operand.value, str):
            return tuple(words(operand.value))
        raise bad(operand.at, described(operand), "a text")

    def _membership(self, node: syntax.Comparison, place: Place) -> Tree:
        kind = nested(place.element.kind) if place.element else Kind.JSON
        if kind not in EXPECTED:
            raise bad(node.operator_at, "operator 'contains'", "any(…): the elements of this list are no plain values")
        element = Place(root="element", kind=kind, choices=place.choices, storage=STORAGES.get(kind, "text"))
        value = self.operands.read(_value(node.operands[0]), element)
        return AnyElement(place=place, inner=Test(place=element, operator="=", values=(value,)))

    def _valued(self, node: syntax.Comparison, place: Place) -> Tree:
        operands = [_value(operand) for operand in node.operands]
        if place.kind is Kind.MOMENT:
            return self._on_moment(node, place, operands)
        values = tuple(self.operands.read(operand, place) for operand in operands)
        if place.kind is Kind.MONEY:
            return self._on_money(node, place, values)
        listed = isinstance(operands[0], syntax.Variable) and operands[0].listed
        return Test(place=place, operator=node.operator, values=values, listed=listed)

    def _on_moment(self, node: syntax.Comparison, place: Place, operands: list[syntax.Value]) -> Tree:
        first = operands[0]
        if isinstance(first, syntax.Variable) and first.listed:
            value, day = self.operands.span(first, place)
            if day is not None:
                raise bad(first.at, described(first), "a list of date-times, or dates in parentheses")
            return Test(place=place, operator=node.operator, values=(value,), listed=True)
        spans = [self.operands.span(operand, place) for operand in operands]
        if node.operator == "between":
            (low, _), (high, end) = spans
            operator = "between" if end is None else "within"
            return Test(place=place, operator=operator, values=(low, end or high))
        if node.operator in ("in", "not in"):
            basic = "=" if node.operator == "in" else "!="
            tests = tuple(_against(place, basic, *span) for span in spans)
            return Some(tests) if node.operator == "in" else All(tests)
        return _against(place, node.operator, *spans[0])

    def _on_money(self, node: syntax.Comparison, place: Place, values: tuple[Value, ...]) -> Tree:
        def test(operator: str, value: Value) -> Test:
            return Test(place=place, operator=operator, values=(value,))

        operand = node.operands[0]
        if isinstance(operand, syntax.Variable) and operand.listed:
            raise bad(operand.at, described(operand), "amounts of money in parentheses")
        match node.operator:
            case "between":
                return All((test(">=", values[0]), test("<=", values[1])))
            case "in":
                return Some(tuple(test("=", value) for value in values))
            case "not in":
                return All(tuple(test("!=", value) for value in values))
            case _:
                return test(node.operator, values[0])

    def _compared(self, node: syntax.Comparison, left: Place, path: syntax.Path, world: World) -> Tree:
        right = self._places.place(path, world)
        self._note(path, right.label, world)
        if not _comparable(left, right):
            raise bad(path.at, f"field {path.dotted!r} ({right.kind})", EXPECTED.get(left.kind, "a value"))
        if {left.kind, right.kind} == {Kind.DATE, Kind.MOMENT}:
            self.operands.names.add("zone")
        if left.limits is not None or right.limits is not None:
            self.operands.names.add("now")
        return Compared(left=left, operator=node.operator, right=right)

    def _note(self, path: syntax.Path, label: str, world: World) -> None:
        self.labels[path.at] = label
        self.paths.append(world.prefix + path.dotted)


def _matching(place: Place, wanted: tuple[str, ...], prefix: bool) -> Test:
    return Test(place=place, operator="matches", values=(Constant(wanted), Constant(prefix)))


def _among_choices(place: Place, fits: Callable[[str, Any], bool], value: Value) -> Test:
    """A search in a choice field, as the choices that it finds."""
    return Test(place=place, operator="in", values=(Chosen(place.choices, fits, value),), listed=True)


def _against(place: Place, operator: str, start: Value, end: Value | None) -> Test:
    """A moment against a moment (`end` None), or against the day from `start` to `end`."""
    if end is None:
        return Test(place=place, operator=operator, values=(start,))
    if operator in _DAYS:
        return Test(place=place, operator=_DAYS[operator], values=(start, end))
    basic, after = _EDGES[operator]
    return Test(place=place, operator=basic, values=(end if after else start,))


def _comparable(left: Place, right: Place) -> bool:
    groups: tuple[Any, ...] = (
        {Kind.TEXT, Kind.CHOICE},
        NUMBERS,
        {Kind.BOOLEAN},
        {Kind.DATE, Kind.MOMENT},
        {Kind.MONEY},
        {Kind.REFERENCE},
    )
    return any(left.kind in group and right.kind in group for group in groups)


def _value(operand: syntax.Value | syntax.Path) -> syntax.Value:
    if isinstance(operand, syntax.Path):
        raise bad(operand.at, described(operand), "a value")
    return operand


def _check_operator(node: syntax.Comparison, left: syntax.Path, place: Place) -> None:
    if place.kind in OPERATORS[node.operator].kinds:
        return
    fitting = ", ".join(o.symbol for o in OPERATORS.values() if place.kind in o.kinds)
    raise bad(node.operator_at, f"operator '{node.operator}'", f"for {left.dotted!r} ({place.kind}) one of {fitting}")
