"""Runs the merged JSON Schema of an entity and says in the kernel's words what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import jsonschema_rs

from crm_kernel.errors import Fault, unknown
from crm_kernel.fields.base import FieldType
from crm_kernel.model import EntityModel, Field
from crm_kernel.schema.languages import language_of
from crm_kernel.schema.patterns import compiled
from crm_kernel.schema.reads import fields_read
from crm_kernel.schema.sentences import plain, sentence
from crm_kernel.schema.walk import Path, at, has_member, is_json, is_utf8, pointer

_MISSING = ("required", "dependentRequired")
_EXTRA = ("additionalProperties", "unevaluatedProperties")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")


class SchemaValidator:
    """The validator of one entity, compiled on first use.

    Parts that name schemas of their own by `$id` are run one by one, all others together: two documents may use the
    same `$id`.
    """

    def __init__(self, fields: Mapping[str, Field], parts: Sequence[dict[str, Any]]) -> None:
        self._fields = fields
        self._parts = parts
        self._images = {n: f.type for n, f in fields.items() if type(f.type).validated is not FieldType.validated}

    @cached_property
    def _validators(self) -> list[jsonschema_rs.Validator]:
        apart = [part for part in self._parts if has_member(list(part.values()), "$id")]
        together = [part for part in self._parts if part not in apart]
        return [compiled({"allOf": together} if together else {}), *(compiled(part) for part in apart)]

    @cached_property
    def reads(self) -> frozenset[str]:
        """The fields on whose stored values the outcome depends."""
        return fields_read(self._parts, self._fields)

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a stored record, or what it has of the fields that are read, is valid."""
        try:
            image = self._image(record)
            return all(validator.is_valid(image) for validator in self._validators)
        except ValueError:
            return False

    def _image(self, record: Mapping[str, Any]) -> dict[str, Any]:
        image = {name: value for name, value in record.items() if value is not None}
        for name, type_ in self._images.items():
            if name in image:
                image[name] = type_.validated(image[name])
        return image

    def __call__(self, record: Mapping[str, Any], *, only_known: bool = True, locale: str = "en") -> list[Fault]:
        """All faults of a record of canonical values, ordered by pointer and code; nulls are left out.

        They are told in the language of `locale`, where it is one of `languages.py`, with its labels.

        With `only_known` members that are no fields are left out too.
        """
        image = self._image(record)
        if only_known and not image.keys() <= self._fields.keys():
            image = {name: image[name] for name in self._fields if name in image}
        try:
            for validator in self._validators:
                if not validator.is_valid(image):
                    break
            else:
                return []
            found = [f for v in self._validators for e in v.iter_errors(image) for f in self._faults(e, image, locale)]
        except ValueError:  # the engine met what is no JSON: a Python object, half of a surrogate pair
            found = [self._no_json(name, "type", locale) for name, value in image.items() if not is_json(value)]
            found += [self._no_json(name, "format", locale) for name, value in image.items() if not is_utf8(value)]
            if not found:
                raise
        once = {(fault.pointer, fault.code, fault.detail): fault for fault in found}
        return [once[key] for key in sorted(once)]

    def _no_json(self, name: str, code: str, locale: str) -> Fault:
        return self._fault((name,), code, f"{self._label((name,), locale)} has a value that JSON does not have.")

    def _faults(self, error: jsonschema_rs.ValidationError, image: dict[str, Any], locale: str) -> Iterator[Fault]:
        language = language_of(locale)
        code = _code(error)
        path = _path(error, image, of_members=code in (*_MISSING, *_EXTRA))
        if code in _MISSING:
            name = str(getattr(error.kind, "property", ""))
            yield self._fault((*path, name), code, plain(self._label((*path, name), locale), "required", language))
        elif code in _EXTRA:
            value = at(image, path)
            for name in getattr(error.kind, "unexpected", None) or cast("dict[str, Any]", value):
                yield self._fault(
                    (*path, name), code, plain(self._label((*path, name), locale), "unexpected", language)
                )
        else:
            field = self._fields.get(str(path[0])) if path else None
            secret = field is not None and field.options.sensitive
            value, label = at(image, path), self._label(path, locale)
            text = sentence(label, code, error.kind, value, secret=secret, language=language)
            yield self._fault(path, code, text)

    def _fault(self, path: tuple[str | int, ...], code: str, detail: str) -> Fault:
        return Fault(pointer=pointer(path), code=code, detail=detail)

    def _label(self, path: tuple[str | int, ...], locale: str) -> str:
        if not path:
            return language_of(locale).sentences["record"]
        field = self._fields.get(str(path[0]))
        words = [str(path[0]) if field is None else field.label_in(locale)]
        return " ".join(words + [str(step + 1) if isinstance(step, int) else step for step in path[1:]])


def _path(error: jsonschema_rs.ValidationError, image: dict[str, Any], *, of_members: bool) -> Path:
    """Where in the image the fault is. The engine takes members that are named by digits for places in a list, and
    leaves out those whose name is empty. A fault `of_members` is that of the object they belong to."""
    path: list[str | int] = []
    value: Any = image
    for step in error.instance_path:
        if isinstance(value, dict):
            step = str(step)  # noqa: PLW2901
            while step not in value and "" in value:
                path.append("")
                value = value[""]
        path.append(step)
        value = value[step]
    while not of_members and isinstance(value, dict) and "" in value and value != error.instance:
        path.append("")
        value = cast("dict[str, Any]", value)[""]
    return tuple(path)


def _code(error: jsonschema_rs.ValidationError) -> str:
    """The last keyword of the schema path; a schema that is plainly false has none of its own."""
    path = list(error.evaluation_path)
    if not isinstance(error.kind, jsonschema_rs.ValidationErrorKind.FalseSchema):
        return str(path[-1])
    last = path.pop()
    if isinstance(last, int) or (path and path[-1] in _MAPS):
        last = path.pop()
    return str(last)


def unknown_members(
    model: EntityModel, members: Mapping[str, Any], readable: frozenset[str] | None = None
) -> list[Fault]:
    """A fault `unknown_field` for each member that is no field, or none of the `readable` ones, with near names."""
    known = [name for name in model.fields if readable is None or name in readable]
    return [
        Fault(pointer=pointer((name,)), code="unknown_field", detail=f"There is no field {name!r}:{hint}")
        for name, hint in unknown(members, known)
    ]
