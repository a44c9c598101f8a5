"""The contract with plugins: every hook, by moment (floor 0).

A plugin implements a hook by a function of the same name and the same arguments, marked with `@hookimpl`. The prefix
tells the moment: `register_*` at the start (sync, gives declarations), `before_*` and `check_*` inside the transaction
(async, may refuse), `on_*` for the life of the app (async). This module imports nothing of the kernel at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from crm_kernel import Check, Entity, Extension, Importer, Listener, Restriction, Route
    from crm_kernel.operations.batch import Batch
    from crm_kernel.operations.crm import Crm

PROJECT = "crm_kernel"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# At the start: what a plugin brings -----------------------------------------------------------------------------------


@hookspec
def register_entities() -> Sequence[type[Entity] | Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings entities.

    Called when: the registry is built, once per start.
    Return: a list of `Entity` classes, or of documents of kind `entity`.
    Order and errors: in plugin order. Another type, or a name of the kernel or of `base`, leaves the plugin out; a
        name that another plugin claims stops the start.
    Example: `def register_entities(): return [entities.Listing]`
    """


@hookspec
def register_extensions() -> Sequence[type[Extension] | Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings fields on the entities of others.

    Called when: the registry is built, once per start.
    Return: a list of `Extension` classes, or of documents of kind `fields`.
    Order and errors: in plugin order, after all entities. A field that `base` has leaves the plugin out; one that
        another plugin claims stops the start.
    Example: `def register_extensions(): return [entities.BuyerFields]`
    """


@hookspec
def register_pipelines() -> Sequence[Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings pipelines: the stages of an entity's records and the moves between them.

    Called when: the registry is built, once per start.
    Return: a list of documents of kind `pipeline`.
    Order and errors: in plugin order. A faulty document leaves the plugin out, with its pointer in the reason.
    Example: `def register_pipelines(): return [pipelines.VIEWING]`
    """


@hookspec
def register_roles() -> Sequence[Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings roles: who may do what.

    Called when: the registry is built, once per start.
    Return: a list of documents of kind `role`.
    Order and errors: in plugin order. The role `admin` is the kernel's; a faulty document leaves the plugin out.
    Example: `def register_roles(): return [access.AGENT]`
    """


@hookspec
def register_restrictions() -> Sequence[Restriction]:  # pyright: ignore[reportReturnType]
    """Narrows access: what nobody may do, the role `admin` included.

    Called when: the registry is built, once per start.
    Return: a list of `Restriction`; each gives nothing, and takes its actions away where its `where` does not hold.
    Order and errors: all hold together. Two of one name in a plugin leave it out. One whose entity is not there is
        reported; one with a faulty expression or action is reported and leaves no row until it is mended.
    Example: `def register_restrictions(): return [Restriction(entity="case", where="sealed = false")]`
    """


@hookspec
def register_reports() -> Sequence[Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings reports.

    Called when: the registry is built, once per start.
    Return: a list of documents of kind `report`.
    Order and errors: in plugin order. A faulty document leaves the plugin out, with its pointer in the reason.
    Example: `def register_reports(): return [reports.VOLUME_BY_MONTH]`
    """


@hookspec
def register_views() -> Sequence[Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings saved lists.

    Called when: the registry is built, once per start.
    Return: a list of documents of kind `view`.
    Order and errors: in plugin order. A faulty document leaves the plugin out, with its pointer in the reason.
    Example: `def register_views(): return [views.OPEN_LISTINGS]`
    """


@hookspec
def register_documents() -> Sequence[Path | str]:  # pyright: ignore[reportReturnType]
    """Brings documents that lie in files.

    Called when: the registry is built, once per start.
    Return: a list of paths: JSON files, or folders of them.
    Order and errors: in plugin order. A file that cannot be read or is no document leaves the plugin out; the reason
        names file, line and column.
    Example: `def register_documents(): return [Path(__file__).parent / "documents"]`
    """


@hookspec
def register_listeners() -> Sequence[Listener]:  # pyright: ignore[reportReturnType]
    """Brings code that runs after the commit.

    Called when: the registry is built, once per start.
    Return: a list of `Listener`; `handle` is `async def handle(event, crm)`.
    Order and errors: in plugin order. Two listeners of one name in a plugin leave it out. A listener that fails is
        repeated and then set aside for that record.
    Example: `def register_listeners(): return [Listener(event="record.moved", handle=listeners.tell_seller)]`
    """


@hookspec
def register_routes() -> Sequence[Route]:  # pyright: ignore[reportReturnType]
    """Brings routes of the HTTP API, under `/api/x/{plugin}`.

    Called when: the registry is built, once per start.
    Return: a list of `Route`; `handle` is `async def handle(request, crm)` and gives an `Answer`. `crm` acts as the
        plugin, `crm.as_user(request.caller.id)` as who sent the request, within the scopes of his token. A route is
        for callers with a token or a session unless it is `public`: then `request.caller` is None, and nothing but
        your proxy limits how often it is called.
    Order and errors: in plugin order. Two of one method and path leave the plugin out. An `Error` of the handler is
        the answer. It has `[plugins] route_deadline_ms` (10 s): one that takes longer answers 503 `busy`, one that
        fails or gives no `Answer` 422 `invalid`, both with the fault `plugin_fault`; those of a quarantined plugin
        answer 503. Size and depth of bodies, CSRF, tokens that only read and `Idempotency-Key` are as for all routes.
    Example: `def register_routes(): return [Route(method="POST", path="/adf", handle=routes.adf, summary="A lead")]`
    """


@hookspec
def register_importers() -> Sequence[Importer]:  # pyright: ignore[reportReturnType]
    """Brings formats of files that records are imported from.

    Called when: the registry is built, once per start.
    Return: a list of `Importer`; `read` is `async def read(file, crm)` and yields, for each source record, its
        changes (`[Change.create("lead", …)]`), done together or not at all, or an `Error` that refuses it alone.
    Order and errors: in plugin order. Two of one name in a plugin leave it out; a name that another plugin claims
        stops the start. Every change passes the rules of whoever imports. What `read` raises ends the import: it is
        read through once before anything is written.
    Example: `def register_importers(): return [Importer(name="adf", title="ADF", entity="lead", read=importers.adf)]`
    """


@hookspec
def register_checks() -> Sequence[Check]:  # pyright: ignore[reportReturnType]
    """Brings questions about the health of the app, asked by `crm check`.

    Called when: the registry is built, once per start.
    Return: a list of `Check`; `run` is `async def run(crm)` and gives a sentence for each fault.
    Order and errors: in plugin order. Two checks of one name in a plugin leave it out.
    Example: `def register_checks(): return [Check(name="feed", run=checks.feed_answers)]`
    """


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


# The life of the app --------------------------------------------------------------------------------------------------


@hookspec
async def on_start(crm: Crm) -> None:
    """Prepares what the plugin needs while the app runs.

    Called when: the registry and the database are ready, before the first request.
    Return: nothing.
    Order and errors: in plugin order. A fault is reported; the app starts all the same.
    Example: `async def on_start(crm): crm.log.info("matching is ready")`
    """


@hookspec
async def on_stop(crm: Crm) -> None:
    """Ends what `on_start` began.

    Called when: the app stops, after the last request and before the database is closed.
    Return: nothing.
    Order and errors: in reverse plugin order. A fault is reported; the others are still called.
    Example: `async def on_stop(crm): await feed.close()`
    """
