"""The JSON Schema of what one caller may send: the answer of GET /api/schema/{entity}."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

from crm_kernel.model import EntityModel, Field, in_language
from crm_kernel.schema.check import mentions, title_faults
from crm_kernel.schema.walk import LINKS, Path, has_member, lookup, parts, subschemas

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OWN = ("type", "title", "description", "properties", "required", "$defs", "$id", "$comment")
_GROUPS = (("if", "then", "else"), ("anyOf",), ("oneOf",), ("not",))
_DEEP = 64

ACTIONS = ("read", "create", "update", "delete", "move", "export", "import", "merge", "share", "admin")
"""The kernel's own actions, in the order in which they are listed."""


class Allows(Protocol):
    """What is asked of a caller's access rules."""

    def allows(self, entity: str, action: str) -> bool:
        """Whether some grant gives the action on some record of the entity."""
        ...


def list_entities(
    models: Iterable[EntityModel], access: Allows, actions: Sequence[str] = ACTIONS, locale: str = ""
) -> dict[str, Any]:
    """The answer of GET /api/schema: `{"items": [{"name", "label", "plural", "icon", "pipelines", "actions"}]}`.

    The `actions` told are those of the caller, of the `actions` there are; labels are those of `locale`.
    """
    return {"items": [_entry(model, access, actions, locale) for model in models]}


def _entry(model: EntityModel, access: Allows, actions: Sequence[str], locale: str) -> dict[str, Any]:
    allowed = [action for action in actions if access.allows(model.name, action)]
    return {"name": model.name, **_about(model, locale), "actions": allowed}


def _about(model: EntityModel, locale: str) -> dict[str, Any]:
    return {
        "label": in_language(model.labels, locale) or model.label,
        "plural": in_language(model.plurals, locale) or model.plural,
        "icon": model.icon,
        "pipelines": list(model.pipelines),
    }


def _title(model: EntityModel, readable: Container[str]) -> dict[str, Any]:
    """The template of titles, where it names no field that is hidden."""
    return {} if title_faults(model.title, readable) else {"title": model.title}


def describe(
    model: EntityModel, readable: Container[str], writable: Container[str], locale: str | None = None
) -> dict[str, Any]:
    """The schema of an entity's records for a caller who may read and write these fields.

    `{"$schema", "title", "description"?, "type": "object", "properties", "required"?, "allOf"?, "$defs"?,
    "additionalProperties": false, "x-crm": {"entity", "label", "plural", "icon", "pipelines", "title"?}}`. Unreadable
    fields are absent, with every rule that speaks of one; unwritable and system fields are `readOnly`. What a default
    fills is not required; of a rollup only its measure is told. Titles are the fields' `labels` in `locale` where they
    have one.
    """
    seen = {name: field for name, field in model.fields.items() if name in readable}
    hidden = frozenset(model.fields) - seen.keys()
    defs: dict[str, Any] = {}
    properties: dict[str, Any] = {name: _property(field, name in writable, locale) for name, field in seen.items()}
    rules: list[Any] = []
    for number, part in enumerate(cast("list[dict[str, Any]]", model.schema["allOf"])):
        mover = _Mover(part, number, defs, hidden)
        for name in part.get("properties", {}):
            if name in properties:
                properties[name] = mover.moved(properties[name])
        rules += [mover.moved(rule) for rule in _rules(part) if not _speaks_of(part, rule, hidden)]
    required = [n for n, f in seen.items() if f.required and f.default is None and n in writable]
    description = next((part["description"] for part in model.schema["allOf"] if "description" in part), None)
    return {
        "$schema": _DRAFT,
        "title": in_language(model.labels, locale or "") or model.label,
        **({"description": description} if description else {}),
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        **({"allOf": rules} if rules else {}),
        **({"$defs": defs} if defs else {}),
        "additionalProperties": False,
        "x-crm": {"entity": model.name, **_about(model, locale or ""), **_title(model, readable)},
    }


def _property(field: Field, writable: bool, locale: str | None) -> dict[str, Any]:
    schema: dict[str, Any] = {**field.schema, "title": field.label_in(locale or "")}
    if field.options.rollup is not None:  # its document tells of fields and records that he may not see
        crm = cast("dict[str, Any]", field.schema["x-crm"])
        schema["x-crm"] = {**crm, "rollup": {"measure": field.options.rollup.measure}}
    return schema if writable and not field.read_only else {**schema, "readOnly": True}


def _rules(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rules of a part beyond its fields, each as small as it can stand alone."""
    rules: list[dict[str, Any]] = []
    for group in _GROUPS:
        found = {keyword: part[keyword] for keyword in group if keyword in part}
        if found and group[0] in found:
            rules.append(found)
    for rule in part.get("allOf", []):
        rules += [rule] if isinstance(rule, dict) else []
    for keyword in ("dependentRequired", "dependentSchemas"):
        rules += [{keyword: {name: rule}} for name, rule in part.get(keyword, {}).items()]
    return rules


def _speaks_of(part: dict[str, Any], rule: dict[str, Any], hidden: Container[str]) -> bool:
    """Whether a rule of a part names a hidden field, itself or in what its references lead to."""
    pending = [rule]
    followed: set[str] = set()
    while pending:
        for sub in subschemas(pending.pop(), _DEEP):
            if not sub.record:
                continue
            if any(name in hidden for _, name in mentions(sub.schema)):
                return True
            ref = sub.schema.get("$ref", "")
            found = None if ref in followed else lookup(part, (), ref)
            if found is not None and isinstance(found[1], dict):
                followed.add(ref)
                pending.append(cast("dict[str, Any]", found[1]))
    return False


class _Mover:
    """Moves schemas out of one part into the answer: what their `#...` lead to goes along into its `$defs`."""

    def __init__(self, part: dict[str, Any], number: int, defs: dict[str, Any], hidden: Container[str]) -> None:
        self.part = part
        self.number = number
        self.defs = defs
        self.hidden = hidden

    def moved(self, schema: Any) -> Any:
        """The schema with its references turned to the answer's `$defs`; no anchor is needed any more."""
        if not isinstance(schema, dict) or not has_member(schema, *LINKS):
            return schema
        source = cast("dict[str, Any]", schema)
        if "$id" in source:
            return source  # its references are its own
        result = {keyword: value for keyword, value in source.items() if keyword not in LINKS}
        found = [self._home(source[keyword]) for keyword in ("$ref", "$dynamicRef") if keyword in source]
        homes = [home for home in found if home is not None]
        if homes:
            result["$ref"] = homes[0]
        if homes[1:]:
            result["allOf"] = [*result.get("allOf", []), {"$ref": homes[1]}]
        for path, part, _ in parts(result):
            moved = self.moved(part)
            if len(path) == 1:
                result[str(path[0])] = moved
            else:
                keyword, key = str(path[0]), path[1]
                copy: Any = result[keyword].copy()
                copy[key] = moved
                result[keyword] = copy
        return result

    def _home(self, ref: str) -> str | None:
        """Where a reference leads within the answer, None where that must not be told."""
        found = lookup(self.part, (), ref)
        if found is None or not found[0]:
            return ref  # of a schema with an `$id`, or the record itself
        if self._is_hidden(*found):
            return None
        name = f"{self.number}{ref}".replace("/", ".").replace("#", "")
        if name not in self.defs:
            self.defs[name] = True  # stands in while a schema that leads to itself is moved
            self.defs[name] = self.moved(found[1])
        return f"#/$defs/{name}"

    def _is_hidden(self, path: Path, schema: Any) -> bool:
        """Whether a schema is that of a hidden field, or speaks of one."""
        if path[0] == "properties" and path[1:2] and str(path[1]) in self.hidden:
            return True
        return isinstance(schema, dict) and _speaks_of(self.part, cast("dict[str, Any]", schema), self.hidden)
