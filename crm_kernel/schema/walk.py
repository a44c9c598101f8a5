"""Where a JSON Schema has further schemas in it, and which of them speak about the record itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple, cast
from urllib.parse import unquote

from crm_kernel.errors import token

Path = tuple[str | int, ...]

_SAME_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")
_SAME_MAPS = ("dependentSchemas",)
_PART_LISTS = ("prefixItems",)
_PARTS = (
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "contains",
    "unevaluatedItems",
    "contentSchema",
)
_PART_MAPS = ("properties", "patternProperties", "$defs", "definitions")

_PARTED = (dict, list)
_PLAIN = (str, bool, int, float, Decimal)
LINKS = ("$ref", "$dynamicRef", "$anchor", "$dynamicAnchor")
"""Keywords by which one schema of a document finds another."""


class Sub(NamedTuple):
    """A schema within a schema. `record` is true where it speaks about the record as a whole, `depth` counts from 0.

    `base` is the path of the nearest schema with an `$id`, against which its references are read.
    """

    schema: dict[str, Any]
    path: Path
    record: bool
    depth: int
    base: Path


def pointer(path: Path) -> str:
    """A path as RFC 6901 JSON Pointer."""
    return "".join(map(token, path))


def parts(schema: Mapping[str, Any]) -> Iterator[tuple[Path, Any, bool]]:
    """(path, schema, whether it speaks about the same value) of each direct part of a schema."""
    for keywords, same in ((_SAME, True), (_PARTS, False)):
        for keyword in keywords:
            if keyword in schema:
                yield (keyword,), schema[keyword], same
    for keywords, same in ((_SAME_LISTS, True), (_PART_LISTS, False)):
        for keyword in keywords:
            if isinstance(found := schema.get(keyword), list):
                for index, part in enumerate(cast("list[Any]", found)):
                    yield (keyword, index), part, same
    for keywords, same in ((_SAME_MAPS, True), (_PART_MAPS, False)):
        for keyword in keywords:
            if isinstance(found := schema.get(keyword), dict):
                for name, part in cast("dict[str, Any]", found).items():
                    yield (keyword, name), part, same


def subschemas(root: dict[str, Any], limit: int, links: Links | None = None) -> Iterator[Sub]:
    """The root and all schemas within it, those that a record-level `$ref` leads to as record-level ones.

    Goes no deeper than one level beyond `limit`, so that whoever asks can see that it is passed.
    """
    links = links or Links(root)
    pending = [Sub(root, (), True, 0, ())]
    seen: set[tuple[Path, bool]] = set()
    while pending:
        sub = pending.pop()
        if (sub.path, sub.record) in seen:
            continue
        seen.add((sub.path, sub.record))
        yield sub
        if sub.depth > limit:
            continue
        if sub.record and isinstance(ref := sub.schema.get("$ref"), str):
            found = links.lookup(sub.base, ref)
            if found is not None and isinstance(found[1], dict):
                target = cast("dict[str, Any]", found[1])
                pending.append(Sub(target, found[0], True, sub.depth + 1, sub.base))
        for path, part, same in parts(sub.schema):
            if isinstance(part, dict):
                schema = cast("dict[str, Any]", part)
                whole = sub.path + path
                base = whole if "$id" in schema else sub.base
                pending.append(Sub(schema, whole, sub.record and same, sub.depth + 1, base))


def lookup(root: dict[str, Any], base: Path, ref: str) -> tuple[Path, Any] | None:
    """`Links.lookup` for a single reference."""
    return Links(root).lookup(base, ref)


class Links:
    """Finds what the references within one document lead to."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def lookup(self, base: Path, ref: str) -> tuple[Path, Any] | None:
        """(path, schema) that a reference `#...` leads to from the resource at `base`, None for what leads nowhere or
        elsewhere."""
        if not ref.startswith("#"):
            return None
        fragment = unquote(ref[1:])
        if fragment and not fragment.startswith("/"):
            path = self.anchors.get((base, fragment))
            return None if path is None else (path, at(self.root, path))
        steps = [step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:]]
        return _descend(at(self.root, base), base, steps)

    @cached_property
    def anchors(self) -> Mapping[tuple[Path, str], Path]:
        """The path of each `$anchor` and `$dynamicAnchor`, by the resource it belongs to and its name."""
        found: dict[tuple[Path, str], Path] = {}
        pending: list[tuple[Path, Path, Any]] = [((), (), self.root)]
        while pending:
            path, base, schema = pending.pop()
            if not isinstance(schema, dict):
                continue
            members = cast("dict[str, Any]", schema)
            base = path if "$id" in members else base
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(name := members.get(keyword), str):
                    found.setdefault((base, name), path)
            pending += [(path + step, base, part) for step, part, _ in parts(members)]
        return found


def _descend(value: Any, base: Path, steps: Sequence[str]) -> tuple[Path, Any] | None:
    path: list[str | int] = []
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = cast("dict[str, Any]", value)[step]
            path.append(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(step)]
            path.append(int(step))
        else:
            return None
    return (*base, *path), value


def at(root: Any, path: Path) -> Any:
    """The value at a path that is there."""
    for step in path:
        root = root[step]
    return root


def has_member(value: Any, *names: str) -> bool:
    """Whether a JSON value has a member of one of these names at any depth."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if not members.keys().isdisjoint(names):
            return True
        value = list(members.values())
    return isinstance(value, list) and any(
        has_member(item, *names) for item in cast("list[Any]", value) if isinstance(item, _PARTED)
    )


def is_json(value: Any) -> bool:
    """Whether a Python value is one that JSON can hold."""
    if isinstance(value, dict):
        members = cast("dict[Any, Any]", value)
        return all(isinstance(k, str) for k in members) and is_json(list(members.values()))
    if isinstance(value, list | tuple):
        return all(isinstance(item, _PLAIN) or is_json(item) for item in cast("list[Any]", value))
    return value is None or isinstance(value, _PLAIN)


def is_utf8(value: Any) -> bool:
    """Whether UTF-8 can hold all texts in a JSON value: none has half of a surrogate pair, names of members neither."""
    if isinstance(value, dict):
        return all(is_utf8(k) and is_utf8(v) for k, v in cast("dict[Any, Any]", value).items())
    if isinstance(value, list | tuple):
        return all(is_utf8(item) for item in cast("list[Any]", value))
    return not isinstance(value, str) or value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)
