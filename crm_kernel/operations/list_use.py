"""Which lists are asked for without an index that serves them: counted in memory, written down now and then (floor 7).

Whether one is served is found when its plan is compiled; a list that is served costs nothing, another one a number more
in a dict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from crm_kernel.clock import Clock
from crm_kernel.fields.base import Kind
from crm_kernel.filters.branches import tested_fields
from crm_kernel.filters.expression import Expression
from crm_kernel.model import EntityModel
from crm_kernel.operations.list_query import SortKey
from crm_kernel.registry import Registry
from crm_kernel.storage import list_use
from crm_kernel.storage.few import indexed_fields
from crm_kernel.storage.list_use import Slow
from crm_kernel.storage.ports import Database, Reads, Tx

FLUSH_SECONDS = 60.0
KEPT = timedelta(days=30)
OFTEN = 100
"""Lists in `KEPT` from which on they are worth an index."""
_MOST = 1000
_INDEXABLE = frozenset(Kind) - {Kind.LIST, Kind.OBJECT, Kind.JSON}


def slow(model: EntityModel, filter: Expression | None, sorts: Sequence[SortKey]) -> Slow | None:
    """What of a list would need an index; None where it is served, or where no index could help."""
    tested = () if filter is None else tested_fields(filter.root)
    fields = () if any(_is_indexed(model, name) for name in tested) else tested
    sort = sorts[0].path if sorts else ""
    found = Slow(model.name, tuple(sorted(fields)), sort)
    return found if wanted(model, found) else None


def wanted(model: EntityModel, found: Slow) -> list[str]:
    """The fields of a list that an index of their own would serve."""
    own = {field.name: field for field in model.own_fields if field.source.kind != "builtin"}
    names = list(found.fields)
    if found.sort and found.sort not in names:
        names.append(found.sort)
    return [n for n in names if n in own and own[n].type.kind in _INDEXABLE and not _is_indexed(model, n)]


def _is_indexed(model: EntityModel, name: str) -> bool:
    field = model.fields.get(name)
    return field is not None and (field.options.index or field.options.unique or name in indexed_fields(model))


class ListUse:
    """Counts the lists of one process that no index serves."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._counts: dict[Slow, int] = {}

    def note(self, found: Slow) -> None:
        """Such a list is read."""
        counts = self._counts
        if found in counts or len(counts) < _MOST:
            counts[found] = counts.get(found, 0) + 1

    async def flush(self) -> None:
        """Write down what was counted, and forget what is old."""
        counts = self._counts
        if not counts:
            return
        self._counts = {}
        now = self._clock.now()

        async def work(tx: Tx) -> None:
            await list_use.prune(tx, (now - KEPT).date().isoformat())
            await list_use.add(tx, now.date().isoformat(), counts)

        try:
            await self._database.write(work)
        except BaseException:
            for found, count in counts.items():
                self._counts[found] = self._counts.get(found, 0) + count
            raise


async def advice(reads: Reads, registry: Registry, clock: Clock) -> list[str]:
    """A sentence for each list that is asked for often without an index, with the change that adds one."""
    since = (clock.now() - KEPT).date().isoformat()
    return list(_advice(registry, await list_use.often(reads, since, OFTEN)))


def _advice(registry: Registry, found: Sequence[tuple[Slow, int]]) -> Iterator[str]:
    for one, count in found:
        model = registry.entities.get(one.entity)
        names = [] if model is None else wanted(model, one)
        if model is None or not names:  # indexed since, or gone
            continue
        told = [f"filter on {', '.join(one.fields)}"] if one.fields else []
        told += [f"sort by {one.sort}"] if one.sort else []
        changes = "; ".join(_change(model, name) for name in names)
        yield f"{one.entity}: {' and '.join(told)} {count:,} times without an index: {changes}"


def _change(model: EntityModel, name: str) -> str:
    source = model.fields[name].source
    if source.kind == "document":
        return f'give {name} "x-crm": {{"index": true}} in the document {source.name!r}'
    return f"declare {name} with field(index=True) in the {source}"
