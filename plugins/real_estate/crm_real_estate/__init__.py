"""Real estate: listings, viewings, offers, and the matching of buyers to listings."""

from pathlib import Path
from typing import Any

from crm_kernel import (
    Batch,
    Check,
    Command,
    Crm,
    DocumentPlan,
    Entity,
    Exporter,
    Extension,
    FieldType,
    Importer,
    Job,
    Listener,
    Migration,
    Plugin,
    Restriction,
    Route,
    UninstallPlan,
    concerns,
    hookimpl,
)

from . import (
    access,
    checks,
    commands,
    entities,
    fields,
    health,
    jobs,
    listeners,
    migrations,
    pipelines,
    reports,
    reso_web,
    upkeep,
    views,
)

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
def register_field_types() -> list[type[FieldType]]:
    return fields.ALL


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
def register_jobs() -> list[Job]:
    return jobs.ALL


@hookimpl
def register_migrations() -> list[Migration]:
    return migrations.ALL


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
def register_exporters() -> list[Exporter]:
    return reso_web.EXPORTERS


@hookimpl
def register_commands() -> list[Command]:
    return commands.ALL


@hookimpl
def register_translations() -> list[Path]:
    return [Path(__file__).parent / "locale"]


@hookimpl
@concerns(entities.Listing)
async def before_move(batch: Batch) -> None:
    upkeep.market_dates(batch)


@hookimpl
@concerns(entities.Listing)
async def before_merge(batch: Batch) -> None:
    checks.sold_listings_stay(batch)


@hookimpl
@concerns(entities.Listing, entities.Viewing, entities.Offer)
async def before_write(batch: Batch) -> None:
    await upkeep.keep(batch)
    checks.times(batch)


@hookimpl
@concerns(entities.Viewing, entities.Offer)
async def check_write(batch: Batch) -> None:
    await checks.shown(batch)
    await checks.no_double_booking(batch)
    await checks.one_accepted_offer(batch)


@hookimpl
async def before_apply(plan: DocumentPlan) -> None:
    checks.stages_that_rules_name(plan)


@hookimpl
async def on_start(crm: Crm) -> None:
    await health.opened(crm)


@hookimpl
async def on_stop(crm: Crm) -> None:
    await health.closed(crm)


@hookimpl
async def on_uninstall(plan: UninstallPlan) -> None:
    await health.to_be_kept(plan)
