"""Finds the place that a path names: through references, to a field or a member of it, as far as the caller may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from crm_kernel.errors import Error
from crm_kernel.fields.base import Kind, Storage
from crm_kernel.fields.currencies import CURRENCIES
from crm_kernel.fields.rotting import Rotting
from crm_kernel.filters import syntax
from crm_kernel.filters.expression import Place, Step
from crm_kernel.filters.faults import bad, too_much, unknown_field
from crm_kernel.filters.scope import Scope
from crm_kernel.filters.searching import searched_fields
from crm_kernel.filters.shapes import Part, definitions_of, part_of
from crm_kernel.model import EntityModel, Field, Model, Reverse

MAX_REFERENCES = 4
_FOLDED = "__fold"

_EVENT: Mapping[str, Kind] = {
    "type": Kind.TEXT,
    "from": Kind.TEXT,
    "to": Kind.TEXT,
    "reason": Kind.TEXT,
    "actor": Kind.REFERENCE,
    "changed": Kind.LIST,
}
STORAGES: Mapping[Kind, Storage] = {
    Kind.INTEGER: "integer",
    Kind.NUMBER: "real",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.LIST: "json",
    Kind.OBJECT: "json",
    Kind.JSON: "json",
}


class World(NamedTuple):
    """What names mean at one spot: the fields of an entity, or inside `any` over a list those of its element.

    `prefix` is the dotted path to it, `events` whether event names stand too, `fold` the list's suffix of folded text.
    """

    entity: EntityModel | None
    element: Part | None = None
    prefix: str = ""
    events: bool = False
    fold: str = ""


class Referring(NamedTuple):
    """The records that a reverse name stands for, seen from the row at the end of `steps`."""

    steps: tuple[Step, ...]
    model: EntityModel
    reverse: Reverse
    label: str


class Places:
    """Finds places for one caller: `scope` says which names exist and what masks them."""

    def __init__(self, model: Model, scope: Scope) -> None:
        self._model = model
        self._scope = scope

    def place(self, path: syntax.Path, world: World) -> Place:
        """The place of a value. Raises `unknown_field` and `bad_filter`."""
        found = self._find(path, world)
        if isinstance(found, Referring):
            expected = f"any({path.dotted}, …) or none({path.dotted}, …): these are records that refer back"
            raise bad(path.at, f"{path.dotted!r}", expected)
        return found

    def many(self, path: syntax.Path, world: World) -> Place | Referring:
        """What `any` and `none` range over: a list field, or records that refer back."""
        found = self._find(path, world)
        if isinstance(found, Place) and (found.kind is not Kind.LIST or found.member or found.root == "event"):
            expected = "a list field, or the name of records that refer back"
            raise bad(path.at, f"{path.dotted!r} ({found.kind})", expected)
        return found

    def elements(self, path: syntax.Path, place: Place, world: World) -> World:
        """The world inside `any` over the list at `place`."""
        return World(None, place.element, f"{world.prefix}{path.dotted}.", fold=place.fold)

    def searched(self, entity: EntityModel) -> list[Place]:
        """The text fields that `* matches` looks into."""
        return [self._scalar(entity, entity.fields[name], ()) for name in searched_fields(entity, self._scope)]

    # ---- stepping -----------------------------------------------------------------------------------------------
    def _find(self, path: syntax.Path, world: World) -> Place | Referring:
        if world.element is not None:
            return self._in_element(path, world.element, world)
        if world.events and path.names[0] == "event":
            return self._event(path, world)
        if world.events and path.names[0] == "before" and len(path.names) > 1:
            found = self._in_record(_without_first(path), world)
            if isinstance(found, Referring):
                raise bad(path.at, f"{path.dotted!r}", "a field: records that refer back have no earlier state")
            return msgspec.structs.replace(found, root="before")
        return self._in_record(path, world)

    def _in_record(self, path: syntax.Path, world: World) -> Place | Referring:
        entity = world.entity
        if entity is None:
            raise unknown_field(path.names[0], path.at, ())
        steps: list[Step] = []
        labels: list[str] = []
        last = len(path.names) - 1
        for index, name in enumerate(path.names):
            field = self._known(entity, name, path.columns[index], path)
            if isinstance(field, Reverse):
                if index < last:
                    raise self._no_member(path, index, "a list of records")
                label = " › ".join([*labels, _spoken(name)])
                return Referring(tuple(steps), self._model[field.entity], field, label)
            labels.append(field.label)
            target = self._target(field)
            if index == last or target is None:
                place = self._end(path, index, entity, field, tuple(steps))
                return msgspec.structs.replace(
                    place, label=" › ".join([*labels, *map(_spoken, path.names[index + 1 :])])
                )
            if len(steps) == MAX_REFERENCES:
                raise too_much(path.columns[index], f"more than {MAX_REFERENCES} references in a path")
            mask, rows = self._scope.field_rows(entity.name, name), self._scope.rows(target.name)
            steps.append(Step(field=name, target=target.name, mask=mask, rows=rows))
            entity = target
        raise bad(path.at, "an empty path", "a field name")

    def _known(self, entity: EntityModel, name: str, at: int, path: syntax.Path) -> Field | Reverse:
        field = entity.fields.get(name)
        if field is not None and self._scope.field_exists(entity.name, name):
            return field
        reverse = entity.reverses.get(name)
        if reverse is not None and self._refers(reverse):
            return reverse
        raise unknown_field(name, at, self._names(entity), prefix=_before(path, at))

    def _names(self, entity: EntityModel) -> list[str]:
        fields = [name for name in entity.fields if self._scope.field_exists(entity.name, name)]
        return fields + [name for name, reverse in entity.reverses.items() if self._refers(reverse)]

    def _refers(self, reverse: Reverse) -> bool:
        return reverse.entity in self._model and self._scope.field_exists(reverse.entity, reverse.field)

    def _target(self, field: Field) -> EntityModel | None:
        target = getattr(field.type, "target", None) or field.options.reference
        return self._model.get(target) if field.type.kind is Kind.REFERENCE and target else None

    # ---- the last field -----------------------------------------------------------------------------------------
    def _end(self, path: syntax.Path, index: int, entity: EntityModel, field: Field, steps: tuple[Step, ...]) -> Place:
        place = self._scalar(entity, field, steps)
        if index + 1 < len(path.names):
            return self._member(path, index, place, field, entity)
        if place.kind is not Kind.LIST:
            return place
        element = _part_of_field(entity, field).element()
        return msgspec.structs.replace(place, element=element, choices=element.choices)

    def _scalar(self, entity: EntityModel, field: Field, steps: tuple[Step, ...]) -> Place:
        columns = field.type.columns()
        limits = field.type.limits if isinstance(field.type, Rotting) else None
        return Place(
            steps=steps,
            field=field.name,
            kind=field.type.kind,
            storage=columns[0].storage if columns else "boolean",
            fold=_FOLDED if field.type.folds else "",
            scale=getattr(field.type, "scale", field.options.decimal or 0),
            money=field.type.kind is Kind.MONEY,
            choices=field.choices,
            limits=limits,
            mask=self._scope.field_rows(entity.name, field.name),
            label=field.label,
        )

    def _member(self, path: syntax.Path, index: int, place: Place, field: Field, entity: EntityModel) -> Place:
        rest = path.names[index + 1 :]
        if place.kind is Kind.MONEY:
            return self._money_member(path, index, place)
        if place.kind is not Kind.OBJECT:
            raise self._no_member(path, index, _spoken_kind(place))
        part = _descend(path, index + 1, _part_of_field(entity, field))
        return _of_part(msgspec.structs.replace(place, member=rest), part)

    def _money_member(self, path: syntax.Path, index: int, place: Place) -> Place:
        if len(path.names) > index + 2:
            raise self._no_member(path, index + 1, "a plain value")
        name = path.names[index + 1]
        if name == "amount":
            return msgspec.structs.replace(place, member=(name,), kind=Kind.DECIMAL)
        if name == "currency":
            codes = tuple(sorted(CURRENCIES))
            return msgspec.structs.replace(place, member=(name,), kind=Kind.CHOICE, storage="text", choices=codes)
        at = path.columns[index + 1]
        raise unknown_field(name, at, ("amount", "currency"), prefix=_before(path, at))

    def _no_member(self, path: syntax.Path, index: int, what: str) -> Error:
        name = path.names[index]
        return bad(path.columns[index + 1], f"'.{path.names[index + 1]}'", f"no further step: {name!r} is {what}")

    # ---- other roots --------------------------------------------------------------------------------------------
    def _in_element(self, path: syntax.Path, element: Part, world: World) -> Place:
        base = Place(root="element", kind=element.kind, fold=world.fold, label=" › ".join(map(_spoken, path.names)))
        if path.names == ("value",) and element.kind is not Kind.OBJECT:
            return _of_part(base, element)
        if element.kind is not Kind.OBJECT:
            raise unknown_field(path.dotted, path.at, ["value"])
        part = _descend(path, 0, element)
        return _of_part(msgspec.structs.replace(base, member=path.names), part)

    def _event(self, path: syntax.Path, world: World) -> Place:
        if len(path.names) != 2 or path.names[1] not in _EVENT:
            raise unknown_field(".".join(path.names[1:]), path.columns[-1], _EVENT, prefix="event.")
        name = path.names[1]
        label = f"Event › {_spoken(name)}"
        place = Place(root="event", field=name, kind=_EVENT[name], fold=_FOLDED, label=label)
        if place.kind is not Kind.LIST or world.entity is None:
            return place
        names = tuple(world.entity.fields)
        return msgspec.structs.replace(place, element=Part(Kind.CHOICE, names), choices=names)


def _part_of_field(entity: EntityModel, field: Field) -> Part:
    return part_of(field.schema, definitions_of(entity.schema, field.schema))


def _descend(path: syntax.Path, index: int, part: Part) -> Part:
    for position in range(index, len(path.names)):
        name, at = path.names[position], path.columns[position]
        if part.kind is not Kind.OBJECT:
            before = path.names[position - 1]
            raise bad(at, f"'.{name}'", f"no further step: {before!r} is {_ARTICLES.get(part.kind, 'a value')}")
        if name not in part.members:
            raise unknown_field(name, at, part.members, prefix=_before(path, at))
        part = part.member(name)
    return part


def _of_part(place: Place, part: Part) -> Place:
    kind = nested(part.kind)
    return msgspec.structs.replace(place, kind=kind, storage=STORAGES.get(kind, "text"), choices=part.choices)


def nested(kind: Kind) -> Kind:
    """The kind of a nested value: these are kept as sent, so a date-time has no canonical form and is a text."""
    return Kind.TEXT if kind is Kind.MOMENT else kind


def _before(path: syntax.Path, at: int) -> str:
    """The names of a path before a column, as they stand."""
    return "".join(f"{name}." for name, column in zip(path.names, path.columns, strict=True) if column < at)


def _without_first(path: syntax.Path) -> syntax.Path:
    return msgspec.structs.replace(path, at=path.columns[1], names=path.names[1:], columns=path.columns[1:])


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


_ARTICLES: Mapping[Any, str] = {
    Kind.TEXT: "a text",
    Kind.CHOICE: "a choice",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.DECIMAL: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date",
    Kind.MOMENT: "a moment",
    Kind.MONEY: "an amount of money",
    Kind.LIST: "a list (use any or none)",
    Kind.OBJECT: "an object",
    Kind.JSON: "of no single type",
    Kind.REFERENCE: "an id",
}


def _spoken_kind(place: Place) -> str:
    return _ARTICLES[place.kind]
