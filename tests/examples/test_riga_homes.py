"""The sample of examples/riga_homes, as the generator gives it: deterministic, lifelike, within the office's rules."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.needs("real_estate")

SAMPLE = Path(__file__).parents[2] / "examples" / "riga_homes" / "sample"
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample() -> Iterator[ModuleType]:
    """The package `sample`, imported from the example's folder as `crm demo` does."""
    name = "riga_homes_sample"
    spec = importlib.util.spec_from_file_location(
        name, SAMPLE / "__init__.py", submodule_search_locations=[str(SAMPLE)]
    )
    module = importlib.util.module_from_spec(spec)  # pyright: ignore[reportArgumentType]
    sys.modules[name] = module
    spec.loader.exec_module(module)  # pyright: ignore[reportOptionalMemberAccess]
    yield module
    for loaded in [n for n in sys.modules if n.partition(".")[0] == name]:
        del sys.modules[loaded]


@pytest.fixture(scope="module")
def batches(sample: ModuleType) -> list[Any]:
    return list(sample.generate(NOW))


def created(batches: list[Any], entity: str) -> list[dict[str, Any]]:
    return [c["create"]["values"] for b in batches if b.entity == entity for c in b.changes if "create" in c]


def moves(batches: list[Any], entity: str) -> list[tuple[datetime, str, str]]:
    """(moment, record, stage) of each move."""
    found = [(b.at, c["move"]) for b in batches if b.entity == entity for c in b.changes if "move" in c]
    return [(at, move["id"], move["to"]) for at, move in found]


def test_the_same_seed_and_present_give_the_same_batches(sample: ModuleType, batches: list[Any]) -> None:
    assert list(sample.generate(NOW)) == batches
    assert list(sample.generate(NOW, seed=1)) != batches


def test_it_is_as_large_as_a_year_of_an_office(batches: list[Any]) -> None:
    counts = {entity: len(created(batches, entity)) for entity in ("listing", "contact", "viewing", "user", "team")}
    assert counts == {"listing": 520, "contact": 320, "viewing": 1100, "user": 10, "team": 2}
    assert len(created(batches, "offer")) > 200
    assert len(created(batches, "buyer_requirement")) == 90
    assert {
        language: n > 10 for language, n in Counter(c["language"] for c in created(batches, "contact")).items()
    } == {
        "lv": True,
        "ru": True,
        "en": True,
    }


def test_time_goes_forward_and_ends_now(batches: list[Any]) -> None:
    moments = [batch.at for batch in batches]
    assert moments == sorted(moments)
    assert moments[-1] == NOW


def test_batches_are_small_and_name_a_record_once(batches: list[Any]) -> None:
    for batch in batches:
        ids = [c.get("id") or c["values"].get("id") for change in batch.changes for c in change.values()]
        known = [id for id in ids if id is not None]
        assert len(batch.changes) <= 500
        assert len(set(known)) == len(known)


def test_no_two_viewings_share_a_listing_or_an_agent(batches: list[Any]) -> None:
    for member in ("listing", "agent"):
        slots = Counter((v[member], v["starts_at"]) for v in created(batches, "viewing"))
        assert max(slots.values()) == 1
    lengths = {
        datetime.fromisoformat(v["ends_at"]) - datetime.fromisoformat(v["starts_at"])
        for v in created(batches, "viewing")
    }
    assert lengths == {timedelta(minutes=30)}


def test_viewings_are_booked_while_the_listing_is_shown(batches: list[Any]) -> None:
    """Stages at the moment of each booking and confirmation, replayed from the moves alone."""
    stage: dict[str, str] = {}
    listing_of: dict[str, str] = {}
    for batch in batches:
        for change in batch.changes:
            match change:
                case {"create": {"values": {"id": id, "listing": listing}}} if batch.entity == "viewing":
                    listing_of[id] = listing
                    assert stage[listing] in ("Active", "Active Under Contract")
                case {"move": {"id": id, "to": to}} if batch.entity == "viewing":
                    assert to != "confirmed" or stage[listing_of[id]] in ("Active", "Active Under Contract")
                case {"move": {"id": id, "to": to}} if batch.entity == "listing":
                    stage[id] = to
                case _:
                    pass


def test_what_is_held_has_taken_place_and_what_is_open_lies_ahead(batches: list[Any]) -> None:
    starts = {v["id"]: datetime.fromisoformat(v["starts_at"]) for v in created(batches, "viewing")}
    booked = {
        c["create"]["values"]["id"]: b.at for b in batches if b.entity == "viewing" for c in b.changes if "create" in c
    }
    last = {id: (at, stage) for at, id, stage in moves(batches, "viewing")}
    assert all(booked[id] + timedelta(hours=24) < start for id, start in starts.items())
    for id, start in starts.items():
        at, stage = last.get(id, (NOW, "requested"))
        if stage in ("completed", "no_show"):
            assert start < at
        elif stage in ("requested", "confirmed"):
            assert start > NOW
