"""Formulas and rollups are what they have to be after any writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_kernel import Change
from crm_kernel.testing import TestCrm
from tests.operations.computing import DOCUMENTS, everything, expected, shown

pytestmark = pytest.mark.asyncio


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return DOCUMENTS


def _values(rng: Random, ids: dict[str, list[str]], entity: str) -> dict[str, Any]:
    """Some values of a line or a bill."""
    amount = f"{rng.choice(['EUR', 'EUR', 'EUR', 'USD'])} {rng.randint(-5000, 5000) / 100}"
    currency, _, number = amount.partition(" ")
    all_of = {
        "line": {
            "bill": rng.choice([None, *ids["bill"]]),
            "about": rng.choice([None, *ids["contact"], *ids["bill"]]),
            "price": rng.choice([None, {"amount": number, "currency": currency}]),
            "quantity": rng.choice([None, rng.randint(-3, 40)]),
            "weight": rng.choice([None, rng.randint(-40, 40) / 4]),
            "day": rng.choice([None, f"2026-01-{rng.randint(1, 28):02}"]),
        },
        "bill": {
            "customer": rng.choice([None, *ids["contact"]]),
            "discount": rng.choice([None, 0.1, 0.25]),
        },
    }[entity]
    return dict(rng.sample(sorted(all_of.items()), rng.randint(1, len(all_of))))


def _changes(rng: Random, ids: dict[str, list[str]], live: dict[str, set[str]]) -> list[Change[Any]]:
    """Some changes of different records."""
    free = {id for found in ids.values() for id in found}
    found: list[Change[Any]] = []
    for _ in range(rng.randint(1, 5)):
        entity = rng.choice(["line", "line", "line", "bill"])
        known = [id for id in ids[entity] if id in free]
        action = rng.choice(["create", "update", "update", "move", "delete", "restore", "purge"])
        if action == "create" or not known:
            found.append(Change.create(entity, _values(rng, {**ids, "bill": sorted(live["bill"])}, entity)))
            continue
        id = rng.choice(known)
        free.discard(id)
        among = {**ids, "bill": sorted(live["bill"] - {id} & free) if entity == "line" else []}
        match action:
            case "update" if id in live[entity]:
                found.append(Change.update(entity, id, _values(rng, among, entity)))
            case "move" if id in live[entity] and entity == "line":
                found.append(Change.move(entity, id, rng.choice(["open", "done"])))
            case "delete" if id in live[entity] and entity == "line":
                found.append(Change.delete(entity, id))
            case "restore" if id not in live[entity]:
                found.append(Change.restore(entity, id))
            case "purge" if entity == "line":
                found.append(Change.purge(entity, id))
            case _:
                pass
    return found


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    derandomize=True,
)
@given(seed=st.integers(0, 2**32))
@pytest.mark.contract("documents.md#formula")
@pytest.mark.contract("documents.md#rollup")
async def test_stored_values_are_those_of_plain_python(crm: TestCrm, seed: int) -> None:
    rng = Random(seed)
    contacts = await crm.write([Change.create("contact", {"name": f"c{n}"}) for n in range(2)])
    for _ in range(6):
        stored = await everything(crm)
        ids = {name: list(records) for name, records in stored.items()}
        ids["contact"] = [contact["id"] for contact in contacts]
        live = {n: {id for id, r in records.items() if r["deleted_at"] is None} for n, records in stored.items()}
        changes = _changes(rng, ids, live)
        await crm.write(changes)
        stored = await everything(crm)
        assert shown(stored) == expected(stored)
