"""Automotive: vehicles, stock, test drives, trade-ins, ADF leads, the workshop."""

from __future__ import annotations

from typing import Any

from crm_kernel import (
    Batch,
    Entity,
    FieldType,
    Importer,
    Job,
    Listener,
    Plugin,
    Restriction,
    Route,
    hookimpl,
)

from . import (
    access,
    checks,
    entities,
    fields,
    importers,
    jobs,
    leads,
    listeners,
    pipelines,
    reports,
    routes,
    upkeep,
    views,
    workshop,
)

plugin = Plugin(name="automotive", title="Automotive", kernel=">=0.1,<1", settings=entities.Settings)


@hookimpl
def register_entities() -> list[type[Entity]]:
    return [
        entities.Vehicle,
        entities.VehicleUnit,
        entities.AutoLead,
        entities.TradeIn,
        entities.TestDrive,
        workshop.WorkshopJob,
        workshop.LaborLine,
    ]


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
def register_listeners() -> list[Listener]:
    return listeners.ALL


@hookimpl
def register_field_types() -> list[type[FieldType]]:
    return fields.ALL


@hookimpl
def register_jobs() -> list[Job]:
    return jobs.ALL


@hookimpl
def register_importers() -> list[Importer]:
    return importers.ALL


@hookimpl
def register_routes() -> list[Route]:
    return routes.ALL


@hookimpl
async def before_move(batch: Batch) -> None:
    upkeep.move_dates(batch)


@hookimpl
async def before_write(batch: Batch) -> None:
    upkeep.keep(batch)
    await upkeep.readings(batch)
    await leads.keep(batch)
    checks.vehicles(batch)
    checks.drives(batch)


@hookimpl
async def check_write(batch: Batch) -> None:
    await checks.holds(batch)
    await checks.driven(batch)
    await checks.no_double_booking(batch)
    await checks.authorized(batch)
