"""Real estate: listings, viewings, offers, and the matching of buyers to listings."""

from typing import Any

from crm_kernel import Batch, Entity, Listener, Plugin, hookimpl

from . import access, checks, entities, listeners, pipelines, reports, upkeep

plugin = Plugin(name="real_estate", title="Real estate", kernel=">=0.1,<1", settings=entities.Settings)


@hookimpl
def register_entities() -> list[type[Entity]]:
    return [
        entities.Listing,
        entities.Viewing,
        entities.Offer,
        entities.BuyerRequirement,
        entities.ListingMatch,
    ]


@hookimpl
def register_pipelines() -> list[dict[str, Any]]:
    return pipelines.ALL


@hookimpl
def register_roles() -> list[dict[str, Any]]:
    return access.ALL


@hookimpl
def register_reports() -> list[dict[str, Any]]:
    return reports.ALL


@hookimpl
def register_listeners() -> list[Listener]:
    return listeners.ALL


@hookimpl
async def before_write(batch: Batch) -> None:
    await upkeep.keep(batch)
    checks.times(batch)


@hookimpl
async def check_write(batch: Batch) -> None:
    await checks.shown(batch)
    await checks.no_double_booking(batch)
    await checks.one_accepted_offer(batch)
