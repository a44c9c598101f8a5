"""One suite of schemas, records and faults: whichever way a record comes, the same pointers and codes are told."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import GROUPS, Channels, Told

HELD = pytest.mark.contract("documents.md#same-in-every-channel")
CASES = {(group.name, n): row for group in GROUPS for n, row in enumerate(group.rows)}


def differing(found: Told, *, stored: bool = False) -> dict[tuple[str, int], object]:
    """Where a channel told something else than the table says: (told, expected)."""
    expected = {key: tuple(sorted(row.stored if stored else row.faults, key=order)) for key, row in CASES.items()}
    return {key: (faults, expected[key]) for key, faults in found.items() if faults != expected[key]}


def order(fault: str) -> tuple[str, str]:
    pointer, _, code = fault.rpartition(" ")
    return pointer, code


def test_the_table_is_of_a_size() -> None:
    assert len(CASES) >= 150
    assert sum(1 for row in CASES.values() if row.faults) >= 150


@HELD
async def test_a_create(channels: Channels) -> None:
    found = await channels.create()
    assert found.keys() == CASES.keys()
    assert differing(found) == {}


@HELD
async def test_a_patch(channels: Channels) -> None:
    found = await channels.patch()
    assert found.keys() == CASES.keys()
    assert differing(found, stored=True) == {}


@HELD
async def test_a_batch(channels: Channels) -> None:
    found = await channels.batch()
    assert found.keys() == CASES.keys()
    assert differing(found) == {}


@HELD
async def test_an_import(channels: Channels) -> None:
    found = await channels.import_()
    assert len(found) >= 150
    assert differing(found) == {}


@HELD
async def test_a_move(channels: Channels) -> None:
    found = await channels.move()
    assert found.keys() == CASES.keys()
    assert differing(found, stored=True) == {}


@HELD
async def test_a_plugin_that_adds(channels: Channels) -> None:
    found = await channels.plugin()
    assert found.keys() == CASES.keys()
    assert differing(found) == {}
