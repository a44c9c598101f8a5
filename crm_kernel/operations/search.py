"""Search over all entities: the newest records of each that have all words, with a title and where a word stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.fields.folding import fold
from crm_kernel.filters.operators import has_words
from crm_kernel.filters.searching import search_words
from crm_kernel.model import EntityModel
from crm_kernel.operations.csv_text import csv_text
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.read import Reader

OF_EACH = 10
"""How many records of one entity are shown; its list with the same `q` has all of them."""

_SNIPPET = 160
_BEFORE = 40
_NAME = re.compile(r"\{([a-z0-9_.]+)\}")
_WORD = re.compile(r"[^\W_]+")


async def search(reader: Reader, q: str, caller: Caller) -> dict[str, Any]:
    """`{"items": [{"entity", "id", "title", "snippet"}]}`: entities by name, the newest records of each first.

    The order knows nothing of what a field holds, so nothing that is hidden can change it. One list for each entity
    that the caller may search, whatever there is to find.
    """
    wanted = search_words(q)
    items: list[dict[str, Any]] = []
    if wanted:
        for model, searched in reader.searched(caller):
            items += await _of_entity(reader, model, searched, wanted, q, caller)
    return {"items": items}


async def _of_entity(
    reader: Reader, model: EntityModel, searched: Sequence[str], wanted: tuple[str, ...], q: str, caller: Caller
) -> list[dict[str, Any]]:
    named = _NAME.findall(model.title)
    shown = reader.existing(model, [*named], caller)
    fields = tuple(dict.fromkeys((*shown, *searched)))
    page = await reader.list(model.name, caller, ListQuery(q=q, fields=fields, limit=OF_EACH))
    return [
        {
            "entity": model.name,
            "id": record["id"],
            "title": title(model, record),
            "snippet": _snippet([record[name] for name in _titles_last(searched, named)], wanted),
        }
        for record in page.items
    ]


def title(model: EntityModel, record: dict[str, Any]) -> str:
    """The title of a record as far as it may be read: what is missing or hidden is left out; "" for nothing."""
    filled = _NAME.sub(lambda name: csv_text(record.get(name[1])), model.title)
    return " ".join(filled.split())


def _titles_last(searched: Sequence[str], named: Sequence[str]) -> list[str]:
    return sorted(searched, key=lambda name: name in named)


def _snippet(texts: Sequence[str | None], wanted: tuple[str, ...]) -> str:
    """What stands around the first word that was found; outside of the title where there is one."""
    for text in texts:
        if text is not None and any(has_words(fold(text), [word], word == wanted[-1]) for word in wanted):
            return _around(text, wanted)
    return ""


def _around(text: str, wanted: tuple[str, ...]) -> str:
    if len(text) <= _SNIPPET:
        return text
    at = next((m.start() for m in _WORD.finditer(text) if _is_wanted(fold(m[0]), wanted)), 0)
    start = max(0, min(at - _BEFORE, len(text) - _SNIPPET))
    return f"{'…' if start else ''}{text[start : start + _SNIPPET]}{'…' if start + _SNIPPET < len(text) else ''}"


def _is_wanted(word: str, wanted: tuple[str, ...]) -> bool:
    return word in wanted or word.startswith(wanted[-1])
