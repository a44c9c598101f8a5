"""A record as plugins read it (floor 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, get_type_hints

import msgspec

from crm_kernel.errors import near


@cache
def _hints(cls: type) -> dict[str, Any]:
    """The types of a class's fields: resolving them anew for each attribute would take longer than a write."""
    return get_type_hints(cls)


class RecordView(Mapping[str, Any]):
    """A record as plugins read it: `r["field"]` is the canonical value, `r.field` the value of its class's type.

    With a class, `r.starts_at` is a `datetime`, `r.list_price` a `Money`; without one both forms are the same.
    """

    __slots__ = ("_cls", "_data")

    def __init__(self, data: Mapping[str, Any], cls: type | None = None) -> None:
        self._data = data
        self._cls = cls

    def __getitem__(self, name: str) -> Any:
        return self._data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __getattr__(self, name: str) -> Any:
        try:
            value = self._data[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}:{near(name, self._data)}") from None
        hint = None if value is None or self._cls is None else _hints(self._cls).get(name)
        return value if hint is None else msgspec.convert(value, hint, strict=False)

    def __repr__(self) -> str:
        return f"RecordView({dict(self._data)!r})"


def plain(value: Any) -> Any:
    """A value as plugins write it (datetime, Money, struct) in the form JSON would bring it."""
    return msgspec.to_builtins(value, builtin_types=(Decimal,))
