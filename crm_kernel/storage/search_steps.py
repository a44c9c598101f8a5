"""The steps from the indexes of words that are to those that are declared (`search_index.py`)."""

from __future__ import annotations

from collections.abc import Iterable

from crm_kernel.model import EntityModel
from crm_kernel.storage import search_index
from crm_kernel.storage.columns import FOLD, table_name
from crm_kernel.storage.ddl import Step
from crm_kernel.storage.ports import EngineDialect, Tx
from crm_kernel.storage.search_index import SearchIndex, State


def search_steps(
    model: EntityModel, state: State | None, steps: Iterable[Step], dialect: EngineDialect, *, fresh: bool
) -> list[Step]:
    """What has to be done with the index of one entity, which is in `state`; `steps`: those of its table.

    It is made anew where it is of other columns, or where a step changes what stands in one of them; it is filled
    where it is not whole. `fresh`: the table has no record.
    """
    wanted = search_index.search_index(model)
    if wanted is None:
        gone = SearchIndex(table_name(model.name), ())
        sql = ";\n".join(dialect.search_drop(gone.name))
        return [] if state is None else [Step(model.name, "drop_index", gone.name, sql, search=gone)]
    if state is None or state.columns != wanted.columns or _touched(steps) & set(wanted.columns):
        sql = ";\n".join(search_index.ddl(dialect, wanted))
        return [Step(model.name, "add_index", wanted.name, sql, deferred=not fresh, search=wanted)]
    if state.filled is not None:
        return [Step(model.name, "add_index", wanted.name, "", deferred=True, search=wanted)]
    return []


def _touched(steps: Iterable[Step]) -> set[str]:
    """The columns whose values become others."""
    touched: set[str] = set()
    for step in steps:
        touched |= {step.name, step.source, step.name + FOLD}
    return touched


async def apply_search(tx: Tx, index: SearchIndex, step: Step) -> None:
    """Run a step of an index of words, but for filling it."""
    if step.change == "drop_index":
        await search_index.drop(tx, index.name)
    elif step.sql:  # else it was made before, and is only to be filled
        await search_index.make(tx, index, whole=not step.deferred)
