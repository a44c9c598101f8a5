from __future__ import annotations

import pytest

from crm_kernel.schema.names import PIPELINE_FIELDS, SYSTEM_FIELDS, name_problem


@pytest.mark.contract("documents.md#names")
@pytest.mark.parametrize("name", ["a", "budget", "a1", "a_b", "a_", "x" * 48])
def test_names(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.contract("documents.md#names")
@pytest.mark.parametrize("name", ["", "A", "1a", "_a", "a__b", "a-b", "ā", "x" * 49, "a b", "a\n"])
def test_other_names(name: str) -> None:
    assert (name_problem(name) or ("",))[0] == "pattern"


@pytest.mark.contract("documents.md#names-reserved")
@pytest.mark.parametrize(
    "name", [*SYSTEM_FIELDS, *PIPELINE_FIELDS, "and", "matches", "event", "before", "param", "value"]
)
def test_reserved_names(name: str) -> None:
    assert (name_problem(name) or ("",))[0] == "reserved"
