"""SQLite, PostgreSQL and the predicate in Python give the same records, in the same order, with the same totals."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings

from crm_kernel import Change, Error
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm
from crm_kernel.testing.databases import SqliteFiles
from crm_kernel.testing.kit import Template
from tests.differential.generated import Case, cases

NOW = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
QUESTIONS = 10
ROUNDS = int(os.environ.get("CRM_TEST_DIFFERENTIAL", "50"))
"""Entities, each with ten lists and five reports: `make test-long` asks for 1,000."""


class Twins:
    """One app on both engines."""

    def __init__(self, sqlite: TestCrm, postgres: TestCrm) -> None:
        self.both = (sqlite, postgres)
        self._numbers = count(1)
        self.entity = ""
        for crm in self.both:
            crm.kernel.clock.set(NOW)

    async def begin(self, case: Case) -> None:
        """Declare the entity, under a name that it alone has, and store its records."""
        self.entity = f"thing{next(self._numbers)}"
        for crm in self.both:
            await crm.put(case.document(self.entity))
            references = [name for name, kind in case.fields.items() if kind == "reference"]
            bare = [{k: v for k, v in row.items() if k not in references} for row in case.records]
            await crm.write([Change.create(self.entity, row) for row in bare])
            linked = [(row["id"], {k: row[k] for k in references if row[k]}) for row in case.records]
            await crm.write([Change.update(self.entity, id, values) for id, values in linked if values])

    async def end(self) -> None:
        """Remove the entity with its table."""
        for crm in self.both:
            kernel = crm.kernel
            await kernel.documents.delete("entity", self.entity, kernel.system("api"))
            await kernel.database.write(lambda tx: tx.execute(f'DROP TABLE "e_{self.entity}"'))

    async def all_pages(self, crm: TestCrm, query: dict[str, Any]) -> tuple[list[str], list[int | None]]:
        """The ids of all pages in order, and the count that each page tells."""
        found: list[str] = []
        counts: list[int | None] = []
        cursor: str | None = None
        while True:
            asked = ListQuery(**query, cursor=cursor, count="exact")
            page = await crm.kernel.reader.list(self.entity, crm.kernel.system("api"), asked)
            found += [item["id"] for item in page.items]
            counts.append(page.answer()["count"])
            cursor = page.next
            if cursor is None:
                return found, counts

    async def by_predicate(self, filter: str | None) -> set[str]:
        """The ids for which the predicate holds, on records as they are stored."""
        kernel = self.both[0].kernel
        model = kernel.registry.entities
        records = await kernel.store.records.load_where(kernel.database, model[self.entity], "t.deleted_at IS NULL")
        if filter is None:
            return {record["id"] for record in records}
        expression = resolve(filter, self.entity, model, context=kernel.registry.value_context)
        environment = kernel.registry.environment(kernel.system("api"), NOW)
        environment = await kernel.store.lookups.prefetch(kernel.database, model, [expression], records, environment)
        holds = to_predicate(expression)
        return {record["id"] for record in records if holds(record, environment)}


@pytest_asyncio.fixture
async def twins(crm: TestCrm, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Twins]:
    """`crm` is on PostgreSQL; its twin on SQLite."""
    files = SqliteFiles()
    folder: Path = tmp_path_factory.mktemp("twin")
    kernel = await Template(tmp_path_factory.mktemp("template"), files.new).open(folder, (), (), files.new)
    yield Twins(TestCrm(kernel), crm)
    await kernel.close()


def near(one: Any, other: Any) -> bool:
    """Equal, but for the last digits of sums of doubles, which depend on their order."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    return bool(one == other)


@pytest.mark.contract("filters.md#sql-equals-predicate")
@settings(
    max_examples=ROUNDS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(case=cases(QUESTIONS))
async def test_both_engines_and_the_predicate_agree(twins: Twins, case: Case) -> None:
    await twins.begin(case)
    try:
        for query in case.queries:
            (ids, counts), (others, other_counts) = [await twins.all_pages(crm, query) for crm in twins.both]
            assert ids == others, query
            assert counts == other_counts, query
            expected = await twins.by_predicate(query["filter"])
            assert (set(ids), len(ids)) == (expected, len(expected)), query
            assert set(counts) == {len(ids)}, query
        for report in case.reports:
            one, other = [await answer(crm, {"entity": twins.entity, **report}) for crm in twins.both]
            assert near(one, other), (report, one, other)
    finally:
        await twins.end()


async def answer(crm: TestCrm, report: dict[str, Any]) -> Any:
    """What a report tells, or the code of its refusal."""
    try:
        found = await crm.kernel.reports.run({k: v for k, v in report.items() if v}, {}, crm.kernel.system("api"))
    except Error as error:
        return error.code, [fault.code for fault in error.faults]
    return {name: found[name] for name in ("columns", "rows", "totals", "truncated")}
