"""SQL text with its bind values in order, and how pieces of it are put together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

_SLOT = re.compile(r"\{(\d?)\}")


class Sql(NamedTuple):
    """SQL with `?` where a value goes; `params` holds one entry for each `?`, in order."""

    text: str
    params: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.text


def param(value: Any) -> Sql:
    """One bind value."""
    return Sql("?", (value,))


def compose(template: str, *parts: Sql | str) -> Sql:
    """`template` with its `{}` or `{0}` slots filled; a part used twice brings its values twice, in order of text.

    Parts given as `str` are SQL without values.
    """
    texts: list[str] = []
    params: list[Any] = []
    position = 0
    for count, slot in enumerate(_SLOT.finditer(template)):
        part = parts[int(slot[1]) if slot[1] else count]
        texts += (template[position : slot.start()], str(part))
        if isinstance(part, Sql):
            params += part.params
        position = slot.end()
    texts.append(template[position:])
    return Sql("".join(texts), tuple(params))


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    """The parts one after another with `separator` between them."""
    listed = list(parts)
    return Sql(separator.join(p.text for p in listed), tuple(v for p in listed for v in p.params))
