"""Labels and messages of a plugin in other languages: what `register_translations` gives (floor 6)."""

from __future__ import annotations

import json
import re
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from crm_kernel.errors import near
from crm_kernel.plugin_declarations import Declared
from crm_kernel.plugin_fault import PluginFault, wrong

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MESSAGE = "message."
_READERS = {".json": json.loads, ".toml": tomllib.loads}
HOOK = "register_translations"


class Words(NamedTuple):
    """The texts of one language, by key, and where they stand."""

    locale: str
    place: str
    texts: Mapping[str, str]


Messages = Mapping[str, Mapping[str, str]]
"""By locale, the texts of `message.KEY` by KEY."""


def words_of(given: object) -> list[Words]:
    """The texts of each file and dict. Raises `PluginFault`."""
    if not isinstance(given, list | tuple):
        raise wrong(HOOK, given, "a list")
    found: list[Words] = []
    for item in cast("Sequence[object]", given):
        if isinstance(item, Mapping):
            languages = cast("Mapping[str, Any]", item)
            found += [_words(locale, f"{HOOK}, {locale}", texts) for locale, texts in languages.items()]
        elif isinstance(item, str | Path):
            found += [_words(file.stem, str(file), _read(file)) for file in _files(Path(item))]
        else:
            raise wrong(HOOK, item, 'the path of a folder, or a dict like {"lv": {"field.lead.name": "..."}}')
    return found


def _files(path: Path) -> list[Path]:
    files = sorted(p for p in path.iterdir() if p.suffix in _READERS) if path.is_dir() else [path]
    if not files or any(file.suffix not in _READERS for file in files):
        raise PluginFault(f"Hook {HOOK}: {path} has no file like lv.toml or lv.json.", file=str(path), hook=HOOK)
    return files


def _read(file: Path) -> Any:
    try:
        return _READERS[file.suffix](file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PluginFault(f"Hook {HOOK}: it cannot be read: {error}.", file=str(file), hook=HOOK) from error


def _words(locale: str, place: str, texts: object) -> Words:
    if not _LOCALE.fullmatch(locale):
        raise PluginFault(f"Hook {HOOK}: {locale!r} is no language like 'lv' or 'pt-BR'.", file=place, hook=HOOK)
    return Words(locale, place, dict(_flat(texts, "", place)))


def _flat(texts: object, prefix: str, place: str) -> Iterator[tuple[str, str]]:
    """Tables in tables as keys with dots."""
    if not isinstance(texts, Mapping):
        raise PluginFault(f"Hook {HOOK}: got {str(texts)[:80]!r}, expected a table of texts.", file=place, hook=HOOK)
    for name, text in cast("Mapping[str, object]", texts).items():
        if isinstance(text, Mapping):
            yield from _flat(cast("Mapping[str, object]", text), f"{prefix}{name}.", place)
        elif isinstance(text, str) and text.strip():
            yield f"{prefix}{name}", text
        else:
            detail = f"Hook {HOOK}: {prefix}{name} is {str(text)[:80]!r}, expected a text."
            raise PluginFault(detail, file=place, hook=HOOK)


def translated(documents: Sequence[Declared], words: Sequence[Words]) -> list[Declared]:
    """The documents with these labels; what a document itself says of a language stays.

    Keys: `entity.NAME`, `plural.NAME`, `field.ENTITY.NAME`, `choice.ENTITY.NAME.VALUE`, `pipeline.NAME`,
    `stage.PIPELINE.NAME`, `column.REPORT.NAME`, `message.KEY`. Raises `PluginFault` for any other key.
    """
    bodies = [deepcopy(dict(document.body)) for document in documents]
    places = dict(place for body in bodies for place in _places(body))
    for locale, where, texts in words:
        for key, text in texts.items():
            if key.startswith(_MESSAGE):
                continue
            if key not in places:
                detail = f"Hook {HOOK}: unknown key {key!r};{near(key, places) or ' there is nothing of that name.'}"
                raise PluginFault(detail, file=where, hook=HOOK)
            holder, member = places[key]
            holder[member] = {locale: text} | dict(holder.get(member) or {})
    return [msgspec.structs.replace(d, body=body) for d, body in zip(documents, bodies, strict=True)]


def _places(body: dict[str, Any]) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """Each key that a document has labels for, with the object that holds them and the member they are in."""
    kind, name = body["kind"], body["name"]
    if kind == "entity":
        yield f"entity.{name}", (body, "labels")
        yield f"plural.{name}", (body, "plurals")
    if kind in ("entity", "fields"):
        entity = name if kind == "entity" else body["entity"]
        for field, schema in body["schema"].get("properties", {}).items():
            if isinstance(schema, dict):
                yield from _of_field(f"{entity}.{field}", cast("dict[str, Any]", schema))
    if kind == "pipeline":
        yield f"pipeline.{name}", (body, "labels")
        for stage in body["stages"]:
            yield f"stage.{name}.{stage['name']}", (stage, "labels")
    if kind == "report":
        for measure in body["measures"]:
            yield f"column.{name}.{measure['as']}", (measure, "labels")


def _of_field(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    options: dict[str, Any] = schema.setdefault("x-crm", {})
    yield f"field.{name}", (options, "labels")
    items = schema.get("items")
    values = schema.get("enum") or (items.get("enum") if isinstance(items, dict) else None) or ()
    if values:
        choices: dict[str, Any] = options.setdefault("choices", {})
        for value in values:
            yield f"choice.{name}.{value}", (choices.setdefault(str(value), {}), "labels")


def messages_of(words: Sequence[Words]) -> Messages:
    """The messages of a plugin. Raises `PluginFault` for one without English, or with other `{names}`."""
    found: dict[str, dict[str, str]] = {}
    for locale, _, texts in words:
        own = {key.removeprefix(_MESSAGE): text for key, text in texts.items() if key.startswith(_MESSAGE)}
        found.setdefault(locale, {}).update(own)
    english = found.get("en", {})
    for locale, where, texts in words:
        for key, text in texts.items():
            name = key.removeprefix(_MESSAGE)
            if name == key:
                continue
            if name not in english:
                detail = f"Hook {HOOK}: {key} has no text in English;{near(name, english) or ' give it one.'}"
                raise PluginFault(detail, file=where, hook=HOOK)
            if _names(text, key, where) != _names(english[name], key, where):
                detail = f"Hook {HOOK}: {key} in {locale!r} has other {{names}} than in English."
                raise PluginFault(detail, file=where, hook=HOOK)
    return found


def _names(text: str, key: str, place: str) -> set[str]:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise PluginFault(f"Hook {HOOK}: {key}: {error}.", file=place, hook=HOOK) from error
    if not all(name.isidentifier() for name in names):
        raise PluginFault(f"Hook {HOOK}: {key}: write what is filled in like {{name}}.", file=place, hook=HOOK)
    return names


def message(messages: Messages, locale: str, key: str, values: Mapping[str, Any]) -> str:
    """A message in the language of a locale, else in English. Raises `KeyError` for one that is not there."""
    for language in (locale, locale.partition("-")[0], "en"):
        text = messages.get(language, {}).get(key)
        if text is not None:
            return text.format_map(values)
    known = messages.get("en", {})
    raise KeyError(f"there is no message {key!r};{near(key, known) or ' register_translations gives none'}")
