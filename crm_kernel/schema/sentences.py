"""What is wrong with a value, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from crm_kernel.errors import Fault, Told
from crm_kernel.schema.languages import ENGLISH, Language, language_of
from crm_kernel.schema.value_languages import VALUE_LANGUAGES

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
    return some + (" …" if len(options) > _SHOWN_CHOICES else "")


def _format(name: str, language: Language) -> str:
    known = language.formats.get(_ALIKE.get(name, name))
    return known or language.formats[""].format(format=name)


_ALIKE = {"idn-email": "email", "iri": "uri"}
_NOUNS = {"Length": "character", "Items": "entry", "Properties": "member"}

_LIMITS: Mapping[str, Callable[[Any, Language], str]] = MappingProxyType(
    {
        "pattern": lambda k, _: k.pattern,
        "format": lambda k, language: _format(k.format, language),
        "enum": lambda k, _: _one_of(k.options),
        "const": lambda k, _: shown(k.expected_value),
        "type": lambda k, language: language.either.join(language.types.get(name, name) for name in k.types),
        "multipleOf": lambda k, _: k.message,
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), lambda k, _: shown(k.limit)),
        **dict.fromkeys((f"{end}{of}" for end in ("min", "max") for of in _NOUNS), lambda k, _: str(k.limit)),
    }
)
"""What a keyword allows, as a sentence shows it; other keywords have none to tell."""

_WITHOUT_VALUE = frozenset({"anyOf", "oneOf", "not", "contains", "minContains", "maxContains", "uniqueItems"})


def sentence(
    label: str, code: str, kind: Any, value: Any, *, secret: bool = False, language: Language = ENGLISH
) -> str:
    """One sentence on a fault of the keyword `code`; a `secret` value is not repeated."""
    sentences = language.sentences
    try:
        limit = _LIMITS[code](kind, language) if code in _LIMITS else ""
        text = sentences["const_other" if code == "const" and not limit else code]
    except (KeyError, AttributeError):  # a false schema, or a keyword within `propertyNames`, has no limit to tell
        return plain(label, "not_allowed", language)
    noun = _NOUNS.get(code[3:])
    text = text.format(limit=limit, count=_count(int(limit), noun) if noun else "")
    got = "" if secret or code in _WITHOUT_VALUE else shown(value)
    return language.whole.format(label=label, text=language.got.format(text=text, got=got) if got else text)


def translated(label: str, told: Told | None, english: str, locale: str) -> str:
    """What a field type or the write door found, with the field's label: `english` where there is no other."""
    words = VALUE_LANGUAGES.get(locale) or VALUE_LANGUAGES.get(locale.partition("-")[0], {})
    if told is None or told.name not in words:
        return english
    return language_of(locale).whole.format(label=label, text=words[told.name].format(**told.values))


def labelled(label: str, fault: Fault, locale: str) -> Fault:
    """The fault of a field type as it is told: with the field's label, in the language of a locale."""
    detail = translated(label, fault.told, f"{label}: {fault.detail}", locale)
    return msgspec.structs.replace(fault, detail=detail, told=None)


def plain(label: str, what: str, language: Language) -> str:
    """A sentence that has neither a limit nor a value."""
    return language.whole.format(label=label, text=language.sentences[what])
