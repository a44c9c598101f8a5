"""What has to be done once with the records of earlier versions."""

from __future__ import annotations

from crm_kernel import Change, Crm, Migration

from . import domain
from .entities import Deal


async def fill_categories(crm: Crm) -> None:
    """0.1 knew no forecast category: the deals of then are forecast by the probability that they have."""
    settings = crm.settings
    async for deals in crm.batches(Deal, "forecast_category is null"):
        await crm.write(
            [
                Change.update(
                    Deal,
                    deal.id,
                    forecast_category=domain.category(
                        deal.stage_type or "open",
                        deal.probability,
                        best_case_from=settings.best_case_from,
                        commit_from=settings.commit_from,
                    ),
                )
                for deal in deals
            ]
        )


ALL = [Migration(version="0.2.0", name="forecast-categories", run=fill_categories)]
