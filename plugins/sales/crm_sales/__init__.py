"""Sales: leads and their conversion, deals, products, and the figures of selling."""

from pathlib import Path
from typing import Any

from crm_kernel import Batch, Command, DocumentPlan, Entity, Migration, Plugin, Restriction, concerns, hookimpl
from crm_kernel.base import Company

from . import access, checks, commands, conversion, entities, migrations, pipelines, reports, upkeep, views

plugin = Plugin(name="sales", title="Sales", kernel=">=0.1,<1", settings=entities.Settings)


@hookimpl
def register_entities() -> list[type[Entity]]:
    return [entities.Product, entities.Lead, entities.Deal]


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
def register_commands() -> list[Command]:
    return commands.ALL


@hookimpl
def register_migrations() -> list[Migration]:
    return migrations.ALL


@hookimpl
def register_translations() -> list[Path]:
    return [Path(__file__).parent / "locale"]


@hookimpl
async def before_apply(plan: DocumentPlan) -> None:
    checks.stages_end(plan)


@hookimpl
@concerns(Company, entities.Product, entities.Lead, entities.Deal)
async def before_write(batch: Batch) -> None:
    upkeep.leads(batch)
    upkeep.vat_numbers(batch)
    await conversion.convert(batch)
    await upkeep.deals(batch)
