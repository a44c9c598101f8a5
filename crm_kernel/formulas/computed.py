"""All formulas and rollups of a model: resolved, put in order, and what their inputs make of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from typing import Any, NamedTuple

import msgspec

from crm_kernel.errors import Error, Fault
from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.filters.environment import Environment
from crm_kernel.formulas.order import Node, ordered, told
from crm_kernel.formulas.parser import parse_formula
from crm_kernel.formulas.resolver import Paths, Typed, resolve_condition, resolve_formula
from crm_kernel.formulas.rollup import Rollup, resolve_rollup
from crm_kernel.formulas.values import WORDS, Evaluate, Type, fits, outgoing
from crm_kernel.model import EntityModel, Field, Model
from crm_kernel.schema.validate import SchemaValidator


class Formula(NamedTuple):
    """One formula: the fields it reads, and its canonical value for a record."""

    name: str
    inputs: frozenset[str]
    evaluate: Evaluate


class Computed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is computed of one entity: `formulas` in their order, `rollups`.

    `digests` differ for two definitions of a field that may give different values.
    """

    formulas: tuple[Formula, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    digests: Mapping[str, str] = {}
    environment: Environment

    def fill(self, record: dict[str, Any]) -> None:
        """Put the value of each formula into a record of canonical values."""
        for formula in self.formulas:
            record[formula.name] = formula.evaluate(record, self.environment)

    def begin(self, record: dict[str, Any]) -> None:
        """Put the value of each rollup into a record that nothing refers to yet."""
        for rollup in self.rollups:
            record[rollup.name] = rollup.empty

    def reads(self, names: frozenset[str]) -> bool:
        """Whether a formula reads one of `names`."""
        return any(not names.isdisjoint(formula.inputs) for formula in self.formulas)


class Problem(NamedTuple):
    """What is wrong with one computed field; its pointer is below the field's schema."""

    entity: str
    field: str
    fault: Fault


class Resolved(NamedTuple):
    """The model with what follows from its formulas, and what is computed of each entity that has any."""

    model: Model
    computed: Mapping[str, Computed]
    problems: list[Problem]


def resolve_computed(model: Model, context: ValueContext) -> Resolved:
    """All formulas and rollups of a model. Where there are problems, nothing else is given."""
    fields = [(e, f) for e in model.values() for f in e.fields.values() if f.is_computed]
    if not fields:
        return Resolved(model, {}, [])
    fields.sort(key=lambda found: found[1].source.kind == "document")  # a circle is the fault of who came later
    problems: list[Problem] = []
    formulas: dict[Node, Formula] = {}
    rollups: dict[Node, Rollup] = {}
    paths: dict[str, Paths] = {}
    for entity, field in fields:
        node = Node(entity.name, field.name)
        found = _resolved(model, entity, field, context, paths.setdefault(entity.name, {}))
        if isinstance(found, Fault):
            problems.append(Problem(*node, found))
        elif isinstance(found, Formula):
            formulas[node] = found
        else:
            rollups[node] = found
    known = formulas.keys() | rollups.keys()
    graph = {Node(e.name, f.name): _sources(Node(e.name, f.name), formulas, rollups, known) for e, f in fields}
    order, circles = ordered(graph)
    problems += [_circular(circle, circle[0] in formulas) for circle in circles]
    if problems:
        return Resolved(model, {}, problems)
    inputs = _inputs(order, formulas)
    hidden = _sensitive(order, model, formulas, rollups)
    names = {entity.name for entity, _ in fields}
    changed = {name: _changed(model[name], inputs, hidden) for name in names}
    computed = {name: _computed(model[name], model, order, formulas, rollups, context) for name in names}
    return Resolved({**model, **changed}, computed, [])


def _resolved(
    model: Model, entity: EntityModel, field: Field, context: ValueContext, paths: Paths
) -> Formula | Rollup | Fault:
    if field.options.rollup is not None:
        found = resolve_rollup(model, entity, field, context)
        return found.at(prefix="/x-crm/rollup") if isinstance(found, Fault) else found
    text = field.options.formula or ""
    try:
        return _formula(text, model, entity, field, context, paths)
    except Error as error:
        hint = error.hint if error.code == "unknown_field" else "docs/documents.md tells what stands in a formula."
        return Fault(pointer="/x-crm/formula", code=error.code, detail=error.detail, hint=hint)


def _formula(
    text: str, model: Model, entity: EntityModel, field: Field, context: ValueContext, paths: Paths
) -> Formula | Fault:
    typed, inputs = _typed(text, model, entity, field, context, paths)
    if not fits(typed.type, field.type, field.choices):
        return _misfit(typed.type, field)
    evaluate, finish = typed.evaluate, outgoing(field.type, context)
    return Formula(field.name, inputs, lambda row, environment: finish(evaluate(row, environment)))


def _typed(
    text: str, model: Model, entity: EntityModel, field: Field, context: ValueContext, paths: Paths
) -> tuple[Typed, frozenset[str]]:
    """A formula, or for a field that is true or false a condition; the fault of the one that was read further."""
    try:
        return resolve_formula(parse_formula(text), text, model, entity, context, paths)
    except Error as error:
        if field.type.kind is not Kind.BOOLEAN:
            raise
        first = error
    try:
        return resolve_condition(text, model, entity, context)
    except Error as second:
        raise max(first, second, key=lambda error: error.extra.get("column", 0)) from None


def _misfit(found: Type, field: Field) -> Fault:
    wanted = f"one of {', '.join(map(repr, field.choices))}" if field.choices else WORDS[field.type.kind]
    detail = f"The formula gives {WORDS[found.kind]}, the field is {wanted}."
    hint = "Declare the field with the type of its formula; round(…) makes a whole number, concat(…) a text."
    return Fault(pointer="/x-crm/formula", code="type", detail=detail, hint=hint)


def _circular(circle: list[Node], is_formula: bool) -> Problem:
    pointer = "/x-crm/formula" if is_formula else "/x-crm/rollup"
    fault = Fault(
        pointer=pointer,
        code="cycle",
        detail=f"It is computed from itself: {told(circle)}.",
        hint="Compute one of them from fields that are entered.",
    )
    return Problem(*circle[0], fault)


def _sources(
    node: Node, formulas: Mapping[Node, Formula], rollups: Mapping[Node, Rollup], known: Set[Node]
) -> frozenset[Node]:
    """The computed fields from which one is computed itself."""
    if node in formulas:
        found = {Node(node.entity, name) for name in formulas[node].inputs}
    elif node in rollups:
        found = {Node(rollups[node].child, name) for name in rollups[node].inputs}
    else:
        return frozenset()
    return frozenset(found & known)


def _inputs(order: list[Node], formulas: Mapping[Node, Formula]) -> dict[Node, frozenset[str]]:
    """Of each formula all that it reads, and what its inputs read."""
    found: dict[Node, frozenset[str]] = {}
    for node in order:
        if node in formulas:
            direct = formulas[node].inputs
            found[node] = direct.union(*(found.get(Node(node.entity, name), frozenset()) for name in direct))
    return found


def _sensitive(
    order: list[Node], model: Model, formulas: Mapping[Node, Formula], rollups: Mapping[Node, Rollup]
) -> set[Node]:
    """The computed fields that tell of a sensitive one: they are sensitive too."""
    found: set[Node] = set()
    for node in order:
        rollup = rollups.get(node)
        source, inputs = (node.entity, formulas[node].inputs) if rollup is None else (rollup.child, rollup.inputs)
        fields = model[source].fields
        if any(fields[name].options.sensitive or Node(source, name) in found for name in inputs):
            found.add(node)
    return found


def _changed(entity: EntityModel, inputs: Mapping[Node, frozenset[str]], hidden: set[Node]) -> EntityModel:
    mine = {node.field: names for node, names in inputs.items() if node.entity == entity.name}
    entity = msgspec.structs.replace(entity, inputs=mine)
    names = [node.field for node in hidden if node.entity == entity.name]
    if not names:
        return entity
    fields = dict(entity.fields)
    for name in names:
        options = msgspec.structs.replace(fields[name].options, sensitive=True)
        fields[name] = msgspec.structs.replace(fields[name], options=options)
    validate = SchemaValidator(fields, entity.schema["allOf"])
    return msgspec.structs.replace(entity, fields=fields, validate=validate)


def _computed(
    entity: EntityModel,
    model: Model,
    order: list[Node],
    formulas: Mapping[Node, Formula],
    rollups: Mapping[Node, Rollup],
    context: ValueContext,
) -> Computed:
    mine = [node for node in order if node.entity == entity.name]
    return Computed(
        formulas=tuple(formulas[node] for node in mine if node in formulas),
        rollups=tuple(rollups[node] for node in mine if node in rollups),
        digests={node.field: _digest(node, model, formulas, rollups, context) for node in mine},
        environment=Environment(zone=context.timezone),
    )


def _digest(
    node: Node,
    model: Model,
    formulas: Mapping[Node, Formula],
    rollups: Mapping[Node, Rollup],
    context: ValueContext,
) -> str:
    field, rollup = model[node.entity].fields[node.field], rollups.get(node)
    told = None if rollup is None else msgspec.to_builtins(field.options.rollup)
    source, inputs = (node.entity, formulas[node].inputs) if rollup is None else (rollup.child, rollup.inputs)
    types = [_stored_as(model[source].fields[name]) for name in sorted(inputs)]
    parts = [field.options.formula, told, _stored_as(field), types, context.currency, context.timezone]
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:16]


def _stored_as(field: Field) -> list[object]:
    return [field.name, field.type.name, field.options.decimal]
