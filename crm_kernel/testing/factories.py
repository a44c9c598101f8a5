"""Records that an entity's schema, and as far as it goes its rules, take: made up, the same for the same seed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any, cast

from crm_kernel.errors import Fault
from crm_kernel.fields.base import Faulty, ValueContext
from crm_kernel.model import EntityModel, Field
from crm_kernel.testing.values import LeadsElsewhere, Values

_ROUNDS = 8
_MISSING = ("required", "dependentRequired")


def is_sent(field: Field) -> bool:
    """Whether a factory fills a field: the callers' own, which lead to no other record and have no default."""
    return field.source.kind != "system" and not field.read_only and field.default is None and not is_link(field)


def is_link(field: Field) -> bool:
    """Whether a field refers to other records."""
    return field.options.reference is not None or field.item_reference is not None


class Drafts:
    """Values for new records of one entity, without those of references.

    `number` tells records apart: unique fields differ by it, moments are days apart. The same seed and number give
    the same values.
    """

    def __init__(self, model: EntityModel, context: ValueContext, seed: int = 0) -> None:
        self._model = model
        self._context = context
        self._seed = seed
        parts = cast("list[dict[str, Any]]", model.schema["allOf"])
        self._defs = {name: schema for part in parts for name, schema in part.get("$defs", {}).items()}

    def draft(
        self, number: int, given: Mapping[str, Any], *, full: bool = False, wanted: Collection[str] = ()
    ) -> dict[str, Any]:
        """Valid values: those given, those of required and `wanted` fields, with `full` of all that can be filled.

        What the schema asks in certain cases (`if/then`, `dependentRequired`) is filled in as well; what cannot be
        made valid is left to whoever writes it to refuse.
        """
        random = Random(f"{self._seed}/{self._model.name}/{number}")
        values = Values(random, number, self._context.currency, self._defs)
        record = dict(given)
        for field in filter(is_sent, self._model.fields.values()):
            if field.name not in record and (full or field.required or field.name in wanted):
                record[field.name] = self._value(values, field.name)
        for _ in range(_ROUNDS):
            faults = [f for f in self.faults(record) if _field(f) not in given]
            if not faults:
                break
            for fault in faults:
                self._mend(record, fault, values)
        return {name: value for name, value in record.items() if value is not None or name in given}

    def faults(self, record: Mapping[str, Any]) -> list[Fault]:
        """What the schema says of values as they are sent; references that are missing are not told."""
        image: dict[str, Any] = {}
        found: list[Fault] = []
        for name, value in record.items():
            field = self._model.fields.get(name)
            try:
                image[name] = value if field is None or value is None else field.type.canonical(value, self._context)
            except Faulty as faulty:
                found += [fault.at(prefix=f"/{name}") for fault in faulty.faults]
        found += self._model.validate(image)
        return [f for f in found if not (f.code in _MISSING and _is_link(self._model, _field(f)))]

    def _value(self, values: Values, name: str) -> Any:
        try:
            return values.of(self._model.fields[name].schema, name, list(self._model.fields).index(name))
        except LeadsElsewhere:
            return None

    def _mend(self, record: dict[str, Any], fault: Fault, values: Values) -> None:
        """Fill what is missing; of what is wrong try the constraints that stand elsewhere in the schema, else leave
        it out."""
        name = _field(fault)
        if not name and fault.code in ("anyOf", "oneOf"):
            self._choose(record, fault.code, values)
        field = self._model.fields.get(name)
        if field is None or not is_sent(field):
            return
        if fault.code in _MISSING:
            record[name] = self._value(values, name)
            return
        for more in _said_of(name, self._model.schema):
            tried = {**record, name: values.of({**field.schema, **more}, name)}
            if name not in map(_field, self.faults(tried)):
                record[name] = tried[name]
                return
        if field.required:
            record[name] = self._value(values, name)
        else:
            record.pop(name, None)

    def _choose(self, record: dict[str, Any], keyword: str, values: Values) -> None:
        """Fill what the first of the forms of a record wants that a factory can give."""
        for part in self._model.schema["allOf"]:
            for form in part.get(keyword, ()):
                names = form.get("required", ())
                if names and all(name in self._model.fields and is_sent(self._model.fields[name]) for name in names):
                    record.update({name: self._value(values, name) for name in names if name not in record})
                    break


def _field(fault: Fault) -> str:
    return fault.pointer.lstrip("/").partition("/")[0]


def _is_link(model: EntityModel, name: str) -> bool:
    return name in model.fields and is_link(model.fields[name])


def _said_of(name: str, schema: Any) -> Iterator[Mapping[str, Any]]:
    """What any part of a schema says of a field."""
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        for part in cast("Sequence[Any]", schema):
            yield from _said_of(name, part)
    elif isinstance(schema, Mapping):
        members = cast("Mapping[str, Any]", schema)
        said = members.get("properties", {}).get(name)
        if isinstance(said, Mapping):
            yield cast("Mapping[str, Any]", said)
        for keyword in ("allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"):
            part = members.get(keyword)
            yield from _said_of(name, list(part.values()) if keyword == "dependentSchemas" and part else part)
