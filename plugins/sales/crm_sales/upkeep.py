"""What the plugin fills in before a write: the name of a lead; amount, probability, category and dates of a deal."""

from __future__ import annotations

from typing import Any

from crm_kernel import Batch, Change
from crm_kernel.base import Company

from . import domain
from .entities import Deal, Lead, Product

GONE = ("delete", "purge", "restore")


def leads(batch: Batch) -> None:
    """The name of a lead, formed from its parts as that of a contact is."""
    for change in batch.of(Lead):
        after = change.after
        parts = [part for part in (after.first_name, after.last_name) if part]
        if change.kind not in GONE and after.name is None and parts:
            change.amend(name=" ".join(parts))


def vat_numbers(batch: Batch) -> None:
    """VAT numbers of leads and companies are kept as they are compared, so that each is found by its index."""
    for change in [*batch.of(Lead), *batch.of(Company)]:
        given = None if change.kind in GONE else change.after.vat_number
        if given and domain.vat(given) not in ("", given):
            change.amend(vat_number=domain.vat(given))


async def deals(batch: Batch) -> None:
    """All that follows from a deal's stage and product. What is sent wins, where it may."""
    changes = [change for change in batch.of(Deal) if change.kind not in GONE]
    await _amounts(batch, changes)
    for change in changes:
        _stage(batch, change)


async def _amounts(batch: Batch, changes: list[Change[Deal]]) -> None:
    """A deal of a product without an amount has the product's list price."""
    empty = [change for change in changes if change.after.amount is None and change.after.product is not None]
    ids = sorted({str(change.after.product) for change in empty})
    if not ids:
        return
    new = {change.id: change.after["price"] for change in batch.of(Product) if change.before is None}
    found = await batch.find(Product, "id in @param.ids", ids=ids, limit=len(ids))
    prices: dict[Any, Any] = {**new, **{product["id"]: product["price"] for product in found}}
    for change in empty:
        if (price := prices.get(change.after.product)) is not None:
            change.amend(amount=price)


def _stage(batch: Batch, change: Change[Deal]) -> None:
    stage, before, after = batch.stage(change), change.before, change.after
    if stage is None:
        return
    moved = before is None or before.stage != after.stage or before.pipeline != after.pipeline
    filled: dict[str, Any] = {"stage_type": stage.type}
    filled |= _likelihood(batch, stage, before, after, moved=moved)
    if stage.type == "open":
        if after.opened_at is None:
            filled["opened_at"] = batch.now() if before is None else before.opened_at or batch.now()
        if after.closed_at is not None and before is not None and before.closed_at == after.closed_at:
            filled["closed_at"] = None
        elif after.closed_at is not None:
            detail = "An open deal has not been closed: move it to a stage that is won or lost."
            change.refuse("/closed_at", detail, code="sales.not_closed")
    elif after.closed_at is None:
        filled["closed_at"] = batch.now() if before is None else before.closed_at or batch.now()
    differing = {name: value for name, value in filled.items() if after[name] != value}
    if differing:
        change.amend(**differing)


def _likelihood(batch: Batch, stage: Any, before: Deal | None, after: Deal, *, moved: bool) -> dict[str, Any]:
    """Probability and forecast category: those of the stage where nothing was sent, and of each new stage; those of a
    closed deal are certain."""
    usual = {"open": stage.probability, "won": 100, "lost": 0}[stage.type]
    settings = batch.settings
    category = domain.category(
        stage.type, usual, best_case_from=settings.best_case_from, commit_from=settings.commit_from
    )
    filled: dict[str, Any] = {}
    for name, value in (("probability", usual), ("forecast_category", category)):
        sent = after[name] is not None and (before is None or before[name] != after[name])
        if stage.type != "open" or after[name] is None or (moved and not sent):
            filled[name] = value
    return filled
