"""The contract with plugins: every hook, by moment (floor 0).

A plugin implements a hook by a function of the same name and the same arguments, marked with `@hookimpl`. The prefix
tells the moment: `register_*` at the start (sync, gives declarations; `start_hookspecs.py`), `before_*` and `check_*`
inside the transaction (async, may refuse), `on_*` for the life of the app (async). This module imports nothing of the
kernel at run time but those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from crm_kernel.start_hookspecs import PROJECT as PROJECT
from crm_kernel.start_hookspecs import hookspec as hookspec
from crm_kernel.start_hookspecs import register_checks as register_checks
from crm_kernel.start_hookspecs import register_commands as register_commands
from crm_kernel.start_hookspecs import register_documents as register_documents
from crm_kernel.start_hookspecs import register_entities as register_entities
from crm_kernel.start_hookspecs import register_exporters as register_exporters
from crm_kernel.start_hookspecs import register_extensions as register_extensions
from crm_kernel.start_hookspecs import register_field_types as register_field_types
from crm_kernel.start_hookspecs import register_importers as register_importers
from crm_kernel.start_hookspecs import register_jobs as register_jobs
from crm_kernel.start_hookspecs import register_listeners as register_listeners
from crm_kernel.start_hookspecs import register_migrations as register_migrations
from crm_kernel.start_hookspecs import register_pipelines as register_pipelines
from crm_kernel.start_hookspecs import register_reports as register_reports
from crm_kernel.start_hookspecs import register_restrictions as register_restrictions
from crm_kernel.start_hookspecs import register_roles as register_roles
from crm_kernel.start_hookspecs import register_routes as register_routes
from crm_kernel.start_hookspecs import register_translations as register_translations
from crm_kernel.start_hookspecs import register_views as register_views

if TYPE_CHECKING:
    from crm_kernel.operations.apply_hooks import DocumentPlan
    from crm_kernel.operations.batch import Batch
    from crm_kernel.operations.crm import Crm
    from crm_kernel.operations.uninstall import UninstallPlan

hookimpl = pluggy.HookimplMarker(PROJECT)


# Inside the transaction: what a write must pass -----------------------------------------------------------------------


@hookspec
async def before_move(batch: Batch) -> None:
    """May amend or refuse changes of stage.

    Called when: changes of the batch move records to another stage; after the pipeline's rules, before
        `before_write`, which sees what this hook changed.
    Return: nothing; use `change.amend`, `change.refuse`, `batch.add`.
    Order and errors: in plugin order, each sees what earlier ones amended. An unexpected fault follows `on_error`.
        May run more than once: no effect outside the batch, and nothing is awaited but `batch.*`.
    Example: `async def before_move(batch): await checks.offer_is_signed(batch)`
    """


@hookspec
async def before_merge(batch: Batch) -> None:
    """May amend or refuse merges, and settle what belongs to the merged records.

    Called when: records are merged into another one; after access and JSON Schema, and before anything is stored.
    Return: nothing. `change.merged_records` are those that are merged, `change.after` the one that stays, with what it
        takes over; use `change.amend`, `change.refuse`, `batch.add`. What is added is carried out first: so what would
        be there twice for the record that stays (a consent of each) is deleted or updated here. Then all references
        are rewritten and the merged records deleted, and `before_write` sees all of these changes.
    Order and errors: in plugin order. An unexpected fault follows `on_error`. May run more than once: no effect outside
        the batch, and nothing is awaited but `batch.*`.
    Example: `async def before_merge(batch): await consents.keep_the_strictest(batch)`
    """


@hookspec
async def before_write(batch: Batch) -> None:
    """May amend, add or refuse changes before they are stored.

    Called when: a batch of changes has passed access, JSON Schema and pipeline rules; again for changes that hooks
        added, at most 5 rounds.
    Return: nothing; use `change.amend`, `change.refuse`, `batch.add`.
    Order and errors: in plugin order, each sees what earlier ones amended; the result is validated again with system
        rights. An unexpected fault follows `on_error`. May run more than once: no effect outside the batch, and
        nothing is awaited but `batch.*`.
    Example: `async def before_write(batch): await checks.fill_price_per_area(batch)`
    """


@hookspec
async def check_write(batch: Batch) -> None:
    """May refuse changes once all rows are stored: the place of rules over several records.

    Called when: all rows of the batch are stored and not yet committed; `batch.find` sees them.
    Return: nothing; use `change.refuse`. Amending is no longer possible.
    Order and errors: in plugin order. A rule that reads what rivals write locks a key they share (`batch.lock`)
        first. An unexpected fault follows `on_error`.
    Example: `async def check_write(batch): await checks.no_double_booking(batch)`
    """


@hookspec
async def before_apply(plan: DocumentPlan) -> None:
    """May refuse a change of documents: entities, fields, pipelines, roles, reports, views.

    Called when: a plan is made, and again when it is applied: over HTTP, by `crm plan` and `crm apply`, and at the
        start of the server where it applies what is safe.
    Return: nothing; use `plan.refuse(document, "/stages/0", "...", code="sales.stage")`. `plan.documents` tells each
        document `before` and `after`, `plan.impact` the records that it makes invalid.
    Order and errors: in plugin order; all refusals are told together, in `plan.documents[].errors`, and the status is
        `refused`. Nothing is awaited but `plan.*`; the time of all plugins together is `[plugins] deadline_ms`. An
        unexpected fault follows `on_error`.
    Example: `async def before_apply(plan): checks.stages_stay(plan)`
    """


# The life of the app --------------------------------------------------------------------------------------------------


@hookspec
async def on_start(crm: Crm) -> None:
    """Prepares what the plugin needs while the app runs.

    Called when: the registry and the database are ready, before the first request.
    Return: nothing.
    Order and errors: in plugin order. A fault is reported; the app starts all the same. Each is cut after
        `[plugins] call_deadline_ms`.
    Example: `async def on_start(crm): crm.log.info("matching is ready")`
    """


@hookspec
async def on_stop(crm: Crm) -> None:
    """Ends what `on_start` began.

    Called when: the app stops, after the last request and before the database is closed.
    Return: nothing.
    Order and errors: in reverse plugin order. A fault is reported; the others are still called. Each is cut after
        `[plugins] call_deadline_ms`.
    Example: `async def on_stop(crm): await feed.close()`
    """


@hookspec
async def on_uninstall(plan: UninstallPlan) -> None:
    """May refuse to be taken out, or tell what must be kept.

    Called when: `crm plugin uninstall NAME` makes its plan, a dry run too; only of that plugin and those that go along.
    Return: nothing; use `plan.refuse(why)`, `plan.keep(what, why)`. `plan.crm` reads as the plugin; `plan.records`,
        `fields`, `documents`, `jobs`, `positions` and `dead` tell what there is. Do nothing else: it may be a dry run.
    Order and errors: who requires another is asked before that one. A fault is reported, and is a refusal,
        and so is taking longer than `[plugins] call_deadline_ms`.
    Example: `async def on_uninstall(plan): plan.keep("invoice", "The law wants them for ten years.")`
    """
