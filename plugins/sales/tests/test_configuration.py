"""What the plugin says to changed documents, and its command."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import crm_sales
import pytest
from crm_sales import commands, domain, pipelines

from crm_kernel import Change, Error

from .conftest import eur


def without(pipeline: dict[str, Any], type_: str) -> dict[str, Any]:
    stages = [stage for stage in pipeline["stages"] if stage["type"] != type_]
    moves = [t for t in pipeline.get("transitions", []) if t["to"] in {s["name"] for s in stages}]
    return {**pipeline, "overrides": "sales", "stages": stages} | ({"transitions": moves} if moves else {})


@pytest.mark.parametrize(
    ("pipeline", "type_", "code"),
    [
        (pipelines.SALES, "won", "sales.no_won_stage"),
        (pipelines.SALES, "lost", "sales.no_lost_stage"),
        (pipelines.LEAD, "lost", None),
    ],
)
async def test_a_pipeline_that_loses_its_end_is_refused(
    office: Any, pipeline: dict[str, Any], type_: str, code: str | None
) -> None:
    changed = without(pipeline, type_)
    if pipeline is pipelines.LEAD:
        changed["transitions"] = [{"from": "*", "to": "qualified"}, {"from": "*", "to": "working"}]
        await office.crm.put(changed)
        return
    with pytest.raises(Error) as refused:
        await office.crm.put(changed)
    assert refused.value.code == "plan_refused"
    (document,) = refused.value.extra["plan"]["documents"]
    assert [(fault["pointer"], fault["code"]) for fault in document["errors"]] == [("/stages", code)]


async def test_the_forecast_is_what_is_won_and_what_is_likely(office: Any) -> None:
    await office.deal(stage="Won", amount=eur("10.50"), closed_at="2026-03-01T09:00:00Z")
    await office.deal(stage="Negotiation", amount=eur("100.25"), expected_close_date="2026-03-20")
    await office.deal(stage="Proposal", amount=eur(8), expected_close_date="2026-04-02")
    await office.deal(stage="Proposal", amount={"amount": 2, "currency": "USD"}, expected_close_date="2026-04-02")
    rows = await commands.forecast(office.crm, since=date(2026, 3, 1), until=date(2026, 4, 30))
    assert [tuple(row.values()) for row in rows] == [
        ("2026-03", "EUR", Decimal("10.50"), Decimal("100.25"), 0, 0, Decimal("90.70")),
        ("2026-04", "EUR", 0, 0, 8, 0, 4),
        ("2026-04", "USD", 0, 0, 2, 0, 1),
    ]
    assert list(rows[0]) == ["month", "currency", "won", "commit", "best_case", "pipeline", "expected"]
    assert await commands.forecast(office.crm, since=date(2027, 1, 1), until=None) == []


def test_an_outlook_of_nothing_is_nothing() -> None:
    assert domain.outlook([], []) == []


def keys(texts: dict[str, Any], prefix: str = "") -> set[str]:
    """The keys of a file of translations, with dots."""
    nested = [keys(value, f"{prefix}{name}.") for name, value in texts.items() if isinstance(value, dict)]
    return {f"{prefix}{name}" for name, value in texts.items() if isinstance(value, str)}.union(*nested)


def declared() -> set[str]:
    """All that a translator has to name."""
    found: set[str] = set()
    for cls in crm_sales.register_entities():
        name, words = cls.__entity__.name, get_type_hints(cls)
        own = [field for field in cls.__annotations__ if not field.startswith("__")]
        found |= {f"entity.{name}", f"plural.{name}", *(f"field.{name}.{field}" for field in own)}
        for field in own:
            choices = [c for part in (words[field], *get_args(words[field])) for c in get_args(part)]
            found |= {f"choice.{name}.{field}.{choice}" for choice in choices if isinstance(choice, str)}
    for pipeline in pipelines.ALL:
        found |= {f"pipeline.{pipeline['name']}"}
        found |= {f"stage.{pipeline['name']}.{stage['name']}" for stage in pipeline["stages"]}
    return found - {"choice.lead.deal.deal"}  # the target of a reference


@pytest.mark.parametrize("language", ["lv", "pl", "kk", "ru"])
def test_every_language_names_everything(language: str) -> None:
    (folder,) = crm_sales.register_translations()
    file = folder / f"{language}.toml"
    assert keys(tomllib.loads(file.read_text("utf-8"))) == declared()


async def test_faults_are_told_with_the_labels_of_the_language(office: Any) -> None:
    caller = await office.crm.user("janis", "sales_manager", locale="lv")
    with pytest.raises(Error) as refused:
        await office.crm.acting(caller).write([Change.create("deal", name="A", probability=101)])
    assert "Varbūtība" in refused.value.faults[0].detail
