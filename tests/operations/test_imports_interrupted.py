"""Imports that are interrupted, repeated, or run twice at once: each row exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.imports import Imports
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal
from tests.operations.importing import PEOPLE, Importing, batches_of


@pytest.fixture
def crm_documents(crm_documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [*crm_documents, PEOPLE]


@pytest.fixture
def importing(crm: TestCrm, tmp_path: Path) -> Importing:
    return Importing(crm, tmp_path)


class Interrupted(Exception):
    """What stops an import in a test."""


def stop_after(rows: int) -> Any:
    def progress(done: int, _all: int) -> None:
        if done >= rows:
            raise Interrupted

    return progress


@pytest.mark.contract("cli.md#import-continues")
async def test_an_interrupted_import_goes_on_and_takes_each_row_once(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches_of(10, monkeypatch)
    text = "amount\n" + "".join(f"{n if n % 7 else -n}\n" for n in range(1, 96))
    for stop in (10, 30, 31, 60):
        with pytest.raises(Interrupted):
            await importing.run(text, ImportMapping(), progress=stop_after(stop))
    seen: list[tuple[int, int]] = []
    job = await importing.run(text, ImportMapping(), progress=lambda done, rows: seen.append((done, rows)))
    assert seen == [(70, 95), (80, 95), (90, 95), (95, 95)]
    assert job["counts"] == {"created": 82, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 13}
    assert sorted(j["amount"] for j in await importing.jobs()) == [n for n in range(1, 96) if n % 7]
    assert [int(r["_row"]) for r in importing.refused()] == list(range(7, 96, 7))
    again = await importing.run(text, ImportMapping())
    assert again["id"] != job["id"]
    assert await importing.crm.count("job") == 164


async def test_another_option_is_another_import(importing: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(1, monkeypatch)
    text = "number\nA\nB\n"
    with pytest.raises(Interrupted):
        await importing.run(text, progress=stop_after(1))
    assert await importing.counts(text, on_duplicate="skip") == {"created": 1, "skipped": 1}
    assert await importing.counts(text) == {"created": 1, "refused": 1}


async def test_two_processes_cannot_take_the_same_rows(importing: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(1, monkeypatch)
    text = "amount\n1\n2\n3\n"
    rival = Imports(importing.crm.kernel)

    async def overtake() -> None:
        await rival.run("job", importing.file, ImportMapping(), caller=importing.caller)

    batch = importing.imports._batch  # pyright: ignore[reportPrivateUsage]

    async def batch_after_rival(*args: Any) -> Any:
        await overtake()
        return await batch(*args)

    monkeypatch.setattr(importing.imports, "_batch", batch_after_rival)
    assert (await refusal(importing.run(text, ImportMapping()))).code == "in_progress"
    assert sorted(j["amount"] for j in await importing.jobs()) == [1.0, 2.0, 3.0]


async def test_a_failing_hook_leaves_the_position_with_the_rows(importing: Importing) -> None:
    statements = importing.crm.kernel.database
    assert await importing.counts("number\n" + "".join(f"{n}\n" for n in range(1200)), ImportMapping()) == {
        "created": 1200
    }
    rows = await statements.read("SELECT state, body FROM crm_job")
    assert rows[0][0] == "done"
    assert '"position":1200' in rows[0][1]
