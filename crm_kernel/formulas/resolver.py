"""Resolves a formula: names against the fields of its entity, parts by their types, into a function of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.filters import syntax as written
from crm_kernel.filters.environment import Environment, Row
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.faults import bad
from crm_kernel.filters.operands import described
from crm_kernel.filters.parser import parse
from crm_kernel.filters.places import Places, World
from crm_kernel.filters.resolver import resolve_node
from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.filters.to_predicate import reader_of, to_predicate
from crm_kernel.formulas import functions
from crm_kernel.formulas.literals import WRITTEN, read_text
from crm_kernel.formulas.syntax import Call, Choice, Node, Operation
from crm_kernel.formulas.values import MATH, NUMBERS, ORDERED, SCALARS, TEXTS, WORDS, Evaluate, Type, incoming
from crm_kernel.model import EntityModel, Model

CHANGING = frozenset({"version", "updated_at", "updated_by", "deleted_at", "rotting"})
"""What changes with every write, with a deletion or with time alone: a stored value of it would soon be false."""
MAX_ROUND = 12
_TEMPORAL = frozenset({Kind.DATE, Kind.MOMENT})


class Typed(NamedTuple):
    """A part of a formula: what it gives, and how; `text` where it is a text as written."""

    type: Type
    evaluate: Evaluate
    text: str | None = None


Paths = dict[str, Typed]
"""Paths of an entity that were resolved already: hundreds of formulas may read the same fields."""


def resolve_formula(
    node: Node, text: str, model: Model, entity: EntityModel, context: ValueContext, paths: Paths
) -> tuple[Typed, frozenset[str]]:
    """What a formula gives, and the fields that it reads; `paths` are those of its entity.

    Raises `Error("bad_filter" | "unknown_field")`, both with the member `column`.
    """
    resolver = _Resolver(text, model, entity, context, paths)
    return resolver.typed(node), frozenset(resolver.inputs)


def resolve_condition(
    text: str, model: Model, entity: EntityModel, context: ValueContext
) -> tuple[Typed, frozenset[str]]:
    """A formula that is a condition as a whole: true or false. Raises as `resolve_formula`."""
    resolver = _Resolver(text, model, entity, context, {})
    holds = to_predicate(resolver.condition(parse(text)))
    return Typed(Type(Kind.BOOLEAN), holds), frozenset(resolver.inputs)


class _Resolver:
    def __init__(self, text: str, model: Model, entity: EntityModel, context: ValueContext, paths: Paths) -> None:
        self._text = text
        self._paths = paths
        self._model = model
        self._entity = entity
        self._context = context
        self._places = Places(model, SYSTEM_SCOPE)
        self.inputs: set[str] = set()

    def typed(self, node: Node) -> Typed:
        match node:
            case written.Literal():
                return _literal(node)
            case written.Path():
                return self._path(node)
            case Operation():
                return self._operation(node)
            case Choice():
                return self._choice(node)
            case Call():
                return self._call(node, [self.typed(argument) for argument in node.arguments])

    # ---- fields and conditions ----------------------------------------------------------------------------------
    def _path(self, node: written.Path) -> Typed:
        dotted = node.dotted
        self._read(node.names[0], node.at)
        if dotted not in self._paths:
            self._paths[dotted] = self._place(node)
        return self._paths[dotted]

    def _place(self, node: written.Path) -> Typed:
        place = self._places.place(node, World(self._entity))
        if place.steps:
            raise bad(node.at, f"{node.dotted!r}", "a field of the record itself: a formula reads no other record")
        kind, convert = incoming(place.kind)
        if kind not in SCALARS and kind is not Kind.REFERENCE:
            raise bad(node.at, f"{node.dotted!r} ({WORDS[kind]})", "a single value")
        read = reader_of(place)
        texts = frozenset(place.choices) if kind is Kind.CHOICE and place.choices else None
        return Typed(Type(kind, texts), read if convert is None else lambda row, at: convert(read(row, at)))

    def _read(self, name: str, at: int) -> None:
        if name in CHANGING:
            raise bad(at, f"{name!r}", "a field that changes only when somebody changes it")
        self.inputs.add(name)

    def condition(self, node: written.Node) -> Expression:
        """A condition on the record alone, the same for everybody at any time."""
        found = resolve_node(node, self._text, self._entity.name, self._model, context=self._context)
        if found.uses_related:
            raise bad(node.at, "a condition on other records", "one on this record: a formula reads no other record")
        check_variables(found, node.at)
        for path in found.paths:
            self._read(path.partition(".")[0], node.at)
        return found

    def _choice(self, node: Choice) -> Typed:
        holds = to_predicate(self.condition(node.condition))
        nodes = (node.then, node.otherwise)
        then, otherwise = self._alike(nodes, [self.typed(branch) for branch in nodes])
        first, second = then.evaluate, otherwise.evaluate
        type = _common([then, otherwise])
        return Typed(type, lambda row, at: first(row, at) if holds(row, at) else second(row, at))

    # ---- operators ----------------------------------------------------------------------------------------------
    def _operation(self, node: Operation) -> Typed:
        left, right = self._coerced([(node.left, self.typed(node.left)), (node.right, self.typed(node.right))])
        kinds, operator = (left.type.kind, right.type.kind), node.operator
        if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
            whole = kinds == (Kind.INTEGER, Kind.INTEGER) and operator != "/"
            kind = Kind.INTEGER if whole else Kind.DECIMAL
            return Typed(Type(kind), _strict(functions.NUMERIC[operator], left, right))
        if Kind.MONEY in kinds and (found := _with_money(operator, left, right)) is not None:
            return found
        if kinds == (Kind.DATE, Kind.INTEGER) and operator in "+-":
            return Typed(left.type, _strict(functions.days_later(1 if operator == "+" else -1), left, right))
        raise bad(node.right.at, f"{WORDS[kinds[0]]} {operator} {WORDS[kinds[1]]}", _FITTING[operator])

    def _coerced(self, parts: Sequence[tuple[Node, Typed]]) -> list[Typed]:
        """The parts, each written text as what the others are: an amount of money, a date, a moment."""
        wanted = {part.type.kind for _, part in parts} & {Kind.MONEY, Kind.DATE, Kind.MOMENT}
        if len(wanted) != 1:
            return [part for _, part in parts]
        (kind,) = wanted
        return [self._as(node, part, kind) for node, part in parts]

    def _as(self, node: Node, part: Typed, kind: Kind) -> Typed:
        if part.text is None:
            return part
        value = read_text(part.text, kind, node.at, self._context)
        if value is None:
            raise bad(node.at, f"text {part.text[:40]!r}", WRITTEN[kind])
        return Typed(Type(kind), lambda _row, _at: value)

    def _alike(self, nodes: Sequence[Node], found: Sequence[Typed]) -> list[Typed]:
        """Parts of one type. Raises `bad_filter` at the first that is of another."""
        parts = self._coerced(list(zip(nodes, found, strict=True)))
        for node, part in zip(nodes, parts, strict=True):
            if not _same(parts[0].type.kind, part.type.kind):
                raise bad(node.at, WORDS[part.type.kind], f"{WORDS[parts[0].type.kind]}, as before it")
        return parts

    # ---- functions ----------------------------------------------------------------------------------------------
    def _call(self, node: Call, parts: list[Typed]) -> Typed:
        name = node.name
        match name:
            case "concat":
                self._expect(node, parts, SCALARS)
                texts = [functions.text_of(part.type.kind) for part in parts]
                join = lambda *values: "".join(t(v) for t, v in zip(texts, values, strict=True))  # noqa: E731
                return Typed(Type(Kind.TEXT), _strict(join, *parts))
            case "coalesce":
                parts = self._alike(node.arguments, parts)
                return Typed(_common(parts), _first_of([part.evaluate for part in parts]))
            case "min" | "max":
                parts = self._alike(node.arguments, parts)
                self._expect(node, parts, ORDERED)
                how = functions.extreme(parts[0].type.kind, min if name == "min" else max)
                return Typed(_common(parts), _strict(how, *parts))
            case "date_diff":
                return self._date_diff(node, parts)
            case "round":
                return self._round(node, parts)
            case _:
                return self._of_one(node, parts)

    def _of_one(self, node: Call, parts: list[Typed]) -> Typed:
        self._count(node, 1)
        (part,) = parts
        if node.name in ("-", "abs"):
            self._expect(node, parts, NUMBERS | {Kind.MONEY})
            change = functions.on_amount(part.type.kind, Decimal.copy_abs if node.name == "abs" else MATH.minus)
            return Typed(part.type, _strict(change, part))
        self._expect(node, parts, TEXTS)
        if node.name == "length":
            return Typed(Type(Kind.INTEGER), _strict(lambda text: Decimal(len(text)), part))
        change = str.lower if node.name == "lower" else str.upper
        texts = None if part.type.texts is None else frozenset(map(change, part.type.texts))
        return Typed(Type(Kind.TEXT, texts), _strict(change, part))

    def _round(self, node: Call, parts: list[Typed]) -> Typed:
        self._count(node, 1, 2)
        digits = 0
        if len(node.arguments) == 2:
            digits = _whole(node.arguments[1])
        self._expect(node, parts[:1], NUMBERS | {Kind.MONEY})
        kind = parts[0].type.kind
        whole = kind in NUMBERS and digits <= 0
        change = functions.on_amount(kind, functions.rounder(digits))
        return Typed(Type(Kind.INTEGER if whole else kind), _strict(change, parts[0]))

    def _date_diff(self, node: Call, parts: list[Typed]) -> Typed:
        self._count(node, 3)
        unit = parts[2].text
        if unit not in functions.UNITS:
            raise bad(node.arguments[2].at, _got(node.arguments[2]), "one of 'h', 'd', 'w', 'm', 'y'")
        pair = self._coerced(list(zip(node.arguments[:2], parts[:2], strict=True)))
        self._expect(node, pair, _TEMPORAL)
        how = functions.difference([part.type.kind for part in pair], unit)
        first, second = pair[0].evaluate, pair[1].evaluate

        def evaluate(row: Row, environment: Environment) -> Any:
            a, b = first(row, environment), second(row, environment)
            return None if a is None or b is None else how(a, b, environment)

        return Typed(Type(Kind.INTEGER), evaluate)

    def _expect(self, node: Call, parts: Sequence[Typed], kinds: frozenset[Kind]) -> None:
        for argument, part in zip(node.arguments, parts, strict=False):
            if part.type.kind not in kinds:
                wanted = " or ".join(dict.fromkeys(WORDS[kind] for kind in WORDS if kind in kinds))
                raise bad(argument.at, WORDS[part.type.kind], f"{wanted} in {node.name}(…)")

    def _count(self, node: Call, least: int, most: int | None = None) -> None:
        if not least <= len(node.arguments) <= (most or least):
            wanted = f"{least}" if most is None else f"{least} or {most}"
            raise bad(node.at, f"{len(node.arguments)} values in {node.name}(…)", wanted)


def check_variables(expression: Expression, at: int) -> None:
    """Raises `bad_filter` where an expression depends on who asks, or when."""
    found = expression.variables - {"zone"}
    if found:
        names = ", ".join(f"@{name}" for name in sorted(found))
        raise bad(at, f"a condition on {names}", "one that holds for everybody at any time")


def _literal(node: written.Literal) -> Typed:
    value = node.value
    if isinstance(value, bool):
        return Typed(Type(Kind.BOOLEAN), lambda _row, _at: value)
    if isinstance(value, str):
        return Typed(Type(Kind.TEXT, frozenset({value})), lambda _row, _at: value, value)
    kind = Kind.INTEGER if value == value.to_integral_value() else Kind.DECIMAL
    return Typed(Type(kind), lambda _row, _at: value)


def _with_money(operator: str, left: Typed, right: Typed) -> Typed | None:
    kinds = (left.type.kind, right.type.kind)
    both = kinds == (Kind.MONEY, Kind.MONEY)
    if both and operator in "+-":
        return Typed(left.type, _strict(functions.of_money(functions.NUMERIC[operator]), left, right))
    if both and operator == "/":
        return Typed(Type(Kind.DECIMAL), _strict(functions.ratio, left, right))
    if kinds[0] is Kind.MONEY and kinds[1] in NUMBERS and operator in "*/":
        return Typed(left.type, _strict(functions.by_number(functions.NUMERIC[operator]), left, right))
    if kinds[1] is Kind.MONEY and kinds[0] in NUMBERS and operator == "*":
        return Typed(right.type, _strict(functions.by_number(functions.multiply), right, left))
    return None


def _strict(change: Callable[..., Any], *parts: Typed) -> Evaluate:
    """A function of values, null where one of them is."""
    reads = [part.evaluate for part in parts]
    if len(reads) == 1:
        (read,) = reads

        def of_one(row: Row, environment: Environment) -> Any:
            value = read(row, environment)
            return None if value is None else change(value)

        return of_one

    def evaluate(row: Row, environment: Environment) -> Any:
        values = [read(row, environment) for read in reads]
        return None if None in values else change(*values)

    return evaluate


def _first_of(reads: Sequence[Evaluate]) -> Evaluate:
    def evaluate(row: Row, environment: Environment) -> Any:
        return next((value for read in reads if (value := read(row, environment)) is not None), None)

    return evaluate


def _common(parts: Sequence[Typed]) -> Type:
    """The type of one of several parts of the same type."""
    kinds = {part.type.kind for part in parts}
    if kinds <= TEXTS:
        texts = [part.type.texts for part in parts]
        known = None if None in texts else frozenset[str]().union(*(t for t in texts if t is not None))
        return Type(Kind.TEXT, known)
    return Type(kinds.pop() if len(kinds) == 1 else Kind.DECIMAL)


def _same(first: Kind, second: Kind) -> bool:
    return first is second or any({first, second} <= group for group in (NUMBERS, TEXTS))


def _whole(node: Node) -> int:
    value = node.value if isinstance(node, written.Literal) else None
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) <= MAX_ROUND:
        return int(value)
    raise bad(node.at, _got(node), f"a whole number from -{MAX_ROUND} to {MAX_ROUND}, as written")


def _got(node: Node) -> str:
    return described(node) if isinstance(node, written.Literal | written.Path) else "a formula"


_FITTING = {
    "+": "numbers, amounts of money, or a date and a whole number of days (texts: concat)",
    "-": "numbers, amounts of money, or a date and a whole number of days (two dates: date_diff)",
    "*": "numbers, or an amount of money and a number",
    "/": "numbers, an amount of money and a number, or two amounts",
}
