"""Records and filters of property tests: every one is valid, and together they reach far."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_kernel import Change
from crm_kernel.testing import TestCrm, filters, records
from tests.testing.test_factories import LEASE

one_kernel = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@one_kernel
@given(data=st.data())
@pytest.mark.contract("hooks.md#kit-strategies")
async def test_records_can_be_written(crm: TestCrm, data: st.DataObject) -> None:
    if "lease" not in crm.kernel.registry.entities:
        await crm.put(LEASE)
    tenant = (await crm.make("contact"))["id"]
    values = data.draw(records(crm, "lease", tenant=tenant, witnesses=[tenant]))
    values["number"] = str(await crm.count("lease"))  # a database of many examples has it once
    await crm.write([Change.create("lease", values)])


async def test_a_reference_that_is_needed_must_be_given(crm: TestCrm) -> None:
    await crm.put(LEASE)
    with pytest.raises(ValueError, match="tenant, witnesses of lease"):
        records(crm, "lease", floor=1)


@one_kernel
@given(data=st.data())
async def test_filters_can_be_asked(crm: TestCrm, data: st.DataObject) -> None:
    for entity in ("contact", "activity"):
        await crm.count(entity, data.draw(filters(crm, entity)))


async def test_filters_reach_far(crm: TestCrm) -> None:
    seen: list[str] = []

    @settings(max_examples=150, derandomize=True, database=None, phases=[Phase.generate])
    @given(filters(crm, "contact"))
    def look(text: str) -> None:
        seen.append(text)

    look()
    for word in ("company.", " and ", "not (", "between", "matches", "is not null", "@today", "@me"):
        assert any(word in text for text in seen), word


def test_the_kit_needs_no_hypothesis() -> None:
    code = """
import sys
sys.modules["hypothesis"] = None
import crm_kernel.testing.plugin
from crm_kernel.testing import PluginConformance, Scenario, TestCrm, assert_access
assert not hasattr(crm_kernel.testing, "records")
"""
    hidden = code.replace('sys.modules["hypothesis"] = None', "import importlib.util as u\nold = u.find_spec\n"
        'u.find_spec = lambda name: None if name == "hypothesis" else old(name)')  # fmt: skip
    run = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
