"""What does not fit is left out of the registry and named, with a pointer; the rest stays in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crm_kernel.testing import TestCrm
from tests.operations.conftest import ORDER, PIPELINE, plan_of


def pipeline(**members: Any) -> dict[str, Any]:
    return {**PIPELINE, **members}


@pytest.fixture
def crm_documents() -> list[Mapping[str, Any]]:
    return [ORDER]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (pipeline(entity="jib"), "/entity", "not_found"),
        (
            pipeline(transitions=[{"from": ["new"], "to": "planned", "guard": "custmer is null"}]),
            "/transitions/0/guard",
            "unknown_field",
        ),
        (
            pipeline(transitions=[{"from": ["new"], "to": "planned", "guard": "amount >"}]),
            "/transitions/0/guard",
            "bad_filter",
        ),
        (
            pipeline(stages=[{"name": "new", "type": "open", "requires": {"required": ["amont"]}}], transitions=[]),
            "/stages/0/requires",
            "unknown_field",
        ),
    ],
)
async def test_a_pipeline_that_does_not_resolve_is_refused(
    crm: TestCrm, body: dict[str, Any], pointer: str, code: str
) -> None:
    plan = await plan_of(crm.put(body))
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in plan["documents"][0]["errors"]]
    assert crm.kernel.registry.entities["job"].pipelines == ()


async def test_a_second_pipeline_needs_a_default_and_only_one(crm: TestCrm) -> None:
    await crm.put(pipeline())
    second = pipeline(name="second")
    none = await plan_of(crm.kernel.documents.put_all([second], crm.kernel.system("api")))
    assert "/default" in str(none)
    both = [pipeline(default=True), {**second, "default": True}]
    two = await plan_of(crm.kernel.documents.put_all(both, crm.kernel.system("api")))
    assert [e["pointer"] for d in two["documents"] for e in d["errors"]] == ["/default"]
    await crm.kernel.documents.put_all([pipeline(default=True), second], crm.kernel.system("api"))
    assert crm.kernel.registry.entities["job"].pipelines == ("work", "second")
