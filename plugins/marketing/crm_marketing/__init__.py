"""Marketing: segments, campaigns, consent, touches and what they are worth."""

from typing import Any

from crm_kernel import (
    Batch,
    Entity,
    Exporter,
    Extension,
    Job,
    Listener,
    Plugin,
    Restriction,
    Route,
    UninstallPlan,
    hookimpl,
)

from . import (
    access,
    checks,
    consents,
    entities,
    exporters,
    journeys,
    leaving,
    listeners,
    members,
    merging,
    pipelines,
    recipients,
    reports,
    web,
    withholding,
)

plugin = Plugin(name="marketing", title="Marketing", kernel=">=0.1,<1", settings=entities.Settings)


@hookimpl
def register_entities() -> list[type[Entity]]:
    return [
        entities.LeadSource,
        entities.Segment,
        entities.SegmentMember,
        entities.Campaign,
        entities.CampaignMember,
        entities.Consent,
        entities.Suppression,
        entities.Touchpoint,
        entities.Conversion,
    ]


@hookimpl
def register_extensions() -> list[type[Extension]]:
    return [entities.ContactInMarketing]


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
def register_listeners() -> list[Listener]:
    return listeners.ALL


@hookimpl
def register_exporters() -> list[Exporter]:
    return exporters.EXPORTERS


@hookimpl
def register_jobs() -> list[Job]:
    return recipients.JOBS


@hookimpl
def register_routes() -> list[Route]:
    return web.ROUTES


@hookimpl
async def before_move(batch: Batch) -> None:
    checks.launched(batch)


@hookimpl
async def before_merge(batch: Batch) -> None:
    await merging.merge(batch)


@hookimpl
async def before_write(batch: Batch) -> None:
    checks.kept(batch)
    await checks.filters(batch)
    members.pairs(batch)
    consents.hashes(batch)
    consents.moments(batch)
    await consents.latest(batch)
    await members.permitted(batch)
    await members.answered(batch)
    await withholding.withhold(batch)
    journeys.parameters(batch)
    await journeys.lead_to(batch)


@hookimpl
async def on_uninstall(plan: UninstallPlan) -> None:
    await leaving.leave(plan)
