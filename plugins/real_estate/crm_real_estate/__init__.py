"""Real estate: listings, viewings, offers, and the matching of buyers to listings."""

from pathlib import Path
from typing import Any

from crm_kernel import Batch, Check, Crm, Entity, Extension, Importer, Listener, Plugin, Restriction, Route, hookimpl

from . import access, checks, entities, health, listeners, pipelines, reports, reso_web, upkeep, views

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
def register_extensions() -> list[type[Extension]]:
    return [entities.ContactInOffice]


@hookimpl
def register_pipelines() -> list[dict[str, Any]]:
    return pipelines.ALL


@hookimpl
def register_roles() -> list[dict[str, Any]]:
    return access.ALL


@hookimpl
def register_restrictions() -> list[Restriction]:
    return access.RESTRICTIONS


@hookimpl
def register_reports() -> list[dict[str, Any]]:
    return reports.ALL


@hookimpl
def register_views() -> list[dict[str, Any]]:
    return views.ALL


@hookimpl
def register_documents() -> list[Path]:
    return [Path(__file__).parent / "documents"]


@hookimpl
def register_listeners() -> list[Listener]:
    return listeners.ALL


@hookimpl
def register_checks() -> list[Check]:
    return health.ALL


@hookimpl
def register_routes() -> list[Route]:
    return reso_web.ROUTES


@hookimpl
def register_importers() -> list[Importer]:
    return reso_web.IMPORTERS


@hookimpl
async def before_move(batch: Batch) -> None:
    upkeep.market_dates(batch)


@hookimpl
async def before_write(batch: Batch) -> None:
    await upkeep.keep(batch)
    checks.times(batch)


@hookimpl
async def check_write(batch: Batch) -> None:
    await checks.shown(batch)
    await checks.no_double_booking(batch)
    await checks.one_accepted_offer(batch)


@hookimpl
async def on_start(crm: Crm) -> None:
    await health.opened(crm)


@hookimpl
async def on_stop(crm: Crm) -> None:
    await health.closed(crm)
