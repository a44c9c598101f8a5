"""What is wrong with a value, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FORMATS = {
    "date": "a date as YYYY-MM-DD",
    "date-time": "a date-time with offset",
    "time": "a time with offset",
    "email": "an e-mail address",
    "idn-email": "an e-mail address",
    "uri": "a URL",
    "iri": "a URL",
    "uuid": "a UUID",
}
_SHOWN_CHOICES = 12
_SHOWN_CHARACTERS = 60


def shown(value: Any) -> str:
    """A value as a sentence shows it, empty for lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}" if -20 < value.adjusted() < 20 else str(value)
    if isinstance(value, str):
        return f"'{value[:_SHOWN_CHARACTERS]}{'…' if len(value) > _SHOWN_CHARACTERS else ''}'"
    return "" if isinstance(value, list | dict) else "null" if value is None else str(value)


def _count(number: int, noun: str) -> str:
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _one_of(options: list[Any]) -> str:
    some = ", ".join(shown(option) or "…" for option in options[:_SHOWN_CHOICES])
    return f"must be one of {some}" + (" …" if len(options) > _SHOWN_CHOICES else "")


def _types(names: list[str]) -> str:
    return "must be " + " or ".join(_TYPES.get(name, name) for name in names)


_SENTENCES: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "minimum": lambda k: f"must be at least {shown(k.limit)}",
        "maximum": lambda k: f"must be at most {shown(k.limit)}",
        "exclusiveMinimum": lambda k: f"must be more than {shown(k.limit)}",
        "exclusiveMaximum": lambda k: f"must be less than {shown(k.limit)}",
        "minLength": lambda k: f"needs at least {_count(k.limit, 'character')}",
        "maxLength": lambda k: f"may have at most {_count(k.limit, 'character')}",
        "minItems": lambda k: f"needs at least {_count(k.limit, 'entry')}",
        "maxItems": lambda k: f"may have at most {_count(k.limit, 'entry')}",
        "minProperties": lambda k: f"needs at least {_count(k.limit, 'member')}",
        "maxProperties": lambda k: f"may have at most {_count(k.limit, 'member')}",
        "uniqueItems": lambda _: "may not have an entry twice",
        "pattern": lambda k: f"must match the pattern {k.pattern}",
        "format": lambda k: f"must be {_FORMATS.get(k.format, f'of the format {k.format}')}",
        "enum": lambda k: _one_of(k.options),
        "const": lambda k: f"must be {shown(k.expected_value) or 'another value'}",
        "type": lambda k: _types(k.types),
        "multipleOf": lambda k: f"must be a multiple of {k.message}",
        "contains": lambda _: "lacks an entry that must be there",
        "minContains": lambda _: "has too few of the entries that must be there",
        "maxContains": lambda _: "has too many entries of one sort",
        "anyOf": lambda _: "fits none of the allowed forms",
        "oneOf": lambda _: "must fit exactly one of the allowed forms",
        "not": lambda _: "has a value that is ruled out",
        "unevaluatedItems": lambda _: "has more entries than are allowed",
    }
)

_WITHOUT_VALUE = frozenset({"anyOf", "oneOf", "not", "contains", "minContains", "maxContains", "uniqueItems"})


def sentence(label: str, code: str, kind: Any, value: Any, *, secret: bool) -> str:
    """One sentence on a fault of the keyword `code`; a `secret` value is not repeated."""
    try:
        text = _SENTENCES[code](kind)
    except (KeyError, AttributeError):  # a false schema, or a keyword within `propertyNames`, has no limit to tell
        return f"{label} is not allowed here."
    got = "" if secret or code in _WITHOUT_VALUE else shown(value)
    return f"{label} {text}, got {got}." if got else f"{label} {text}."
