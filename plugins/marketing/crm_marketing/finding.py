"""How the plugin's files look records up: set by set, the same way in hooks (`batch.find`) and outside (`crm.find`)."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol, TypeVar

AT_ONCE = 400
"""Values a filter names at once: a list in a filter holds 1,000."""

EVERY = 1_000_000
"""A limit that nothing reaches: a rule that saw only some of the records would be none."""

T = TypeVar("T")


class Find(Protocol):
    """What `batch.find` and `crm.find` have in common."""

    async def __call__(self, entity: Any, filter: str | None = None, *, limit: int = ..., **params: Any) -> list[Any]:
        """Live records that satisfy a filter."""
        ...


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Items in parts that a filter can name."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


async def among(find: Find, entity: Any, filter: str, values: Collection[str | None], **params: Any) -> list[Any]:
    """The records that satisfy a filter over `@param.among`, for all of many values (empty ones left out)."""
    wanted = sorted({value for value in values if value})
    found: list[Any] = []
    for part in parts(wanted):
        found += await find(entity, filter, limit=EVERY, among=list(part), **params)
    return found
