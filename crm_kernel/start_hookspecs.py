"""The hooks of the start: what a plugin brings, asked once when the registry is built (floor 0).

This module imports nothing of the kernel at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from crm_kernel import (
        Check,
        Command,
        Entity,
        Exporter,
        Extension,
        FieldType,
        Importer,
        Job,
        Listener,
        Migration,
        Restriction,
        Route,
    )

PROJECT = "crm_kernel"

hookspec = pluggy.HookspecMarker(PROJECT)


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
def register_field_types() -> Sequence[type[FieldType]]:  # pyright: ignore[reportReturnType]
    """Brings kinds of values, for fields of its own and of documents.

    Called when: the registry is built, once per start.
    Return: a list of classes derived from `FieldType`, with `name`, `kind` (`Kind.TEXT`, `INTEGER` or `NUMBER`: that is
        how it is stored, filtered, sorted, imported), `schema` (JSON Schema of its values) and `canonical(value,
        context)`, which gives the one form of a value or raises `Faulty(code, sentence)`. A field is of it by
        `Annotated[str, field(type="vin")]`, in a document by `"x-crm": {"type": "vin"}`.
    Order and errors: in plugin order. A name of the kernel or another kind leaves the plugin out; a name that another
        plugin claims stops the start. A value at which `canonical` fails is refused with `plugin_fault`. Where the
        plugin is gone, documents with its fields are broken until it is back; their columns stay.
    Example: `class Vin(FieldType): name = "vin"; kind = Kind.TEXT; schema = {"minLength": 17, "maxLength": 17}`, with
        `def canonical(self, value, context): return checked(value.upper())`, and
        `def register_field_types(): return [fields.Vin]`
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
def register_jobs() -> Sequence[Job]:  # pyright: ignore[reportReturnType]
    """Brings work that is due by the clock.

    Called when: the registry is built, once per start.
    Return: a list of `Job`; `handle` is `async def handle(crm)`, `every` a cron expression in the app's time zone.
    Order and errors: a wrong expression, or two jobs of one name, leave the plugin out. Each job runs by itself, in
        one process at a time; after a process was killed another begins it anew, so what it writes must bear that. One
        that fails is reported and tried at its next time; those of a quarantined plugin wait.
    Example: `def register_jobs(): return [Job(name="expire", every="5 0 * * *", handle=jobs.expire)]`
    """


@hookspec
def register_migrations() -> Sequence[Migration]:  # pyright: ignore[reportReturnType]
    """Brings what must be done once with the records of an earlier version.

    Called when: the registry is built, once per start.
    Return: a list of `Migration`; `run` is `async def run(crm)`, where `crm.batches` goes on where it was interrupted.
    Order and errors: by version, then as listed; each once in a database, by `crm apply` or a server that starts, in
        one process at a time. Where one fails the later ones of its plugin wait, the app is served, and the next
        apply or start tries again. A database that the plugin comes to for the first time has them done already.
    Example: `def register_migrations(): return [Migration(version="0.2.0", name="split-names", run=names.split)]`
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
        read through once before anything is written. It is cut where one record takes longer than `[plugins]
        call_deadline_ms`.
    Example: `def register_importers(): return [Importer(name="adf", title="ADF", entity="lead", read=importers.adf)]`
    """


@hookspec
def register_exporters() -> Sequence[Exporter]:  # pyright: ignore[reportReturnType]
    """Brings formats that records are exported in.

    Called when: the registry is built, once per start.
    Return: a list of `Exporter`; `write` is `async def write(records)` and yields bytes; `records` gives what the
        caller may read, page by page, so a file of any length takes the memory of one page.
    Order and errors: in plugin order. Two of one name in a plugin leave it out; a name that another plugin claims
        stops the start. A fault before the first bytes is answered as `plugin_fault`; later the file breaks off. It is
        cut where a part of it takes longer than `[plugins] call_deadline_ms`.
    Example: `def register_exporters(): return [Exporter(name="vcard", title="vCard", entity="contact", suffix=".vcf",
        media_type="text/vcard", write=exporters.vcard)]`
    """


@hookspec
def register_commands() -> Sequence[Command]:  # pyright: ignore[reportReturnType]
    """Brings commands of the command line: `crm x PLUGIN COMMAND`.

    Called when: the registry is built, once per start.
    Return: a list of `Command`; `handle` is `async def handle(crm, ...)` with the arguments it declares, and what it
        returns is shown.
    Order and errors: in plugin order. Two of one name in a plugin leave it out. An `Error` of the handler is told and
        ends with 1, as does any other fault, which is counted. It is cut after its `timeout`, by default
        `[plugins] call_deadline_ms`.
    Example: `def register_commands(): return [Command(name="forecast", handle=commands.forecast, help="What is won")]`
    """


@hookspec
def register_translations() -> Sequence[Path | str | Mapping[str, Any]]:  # pyright: ignore[reportReturnType]
    """Brings labels and messages in other languages.

    Called when: the registry is built, once per start.
    Return: a list of folders with a file for each language (`locale/lv.toml`, `locale/pl.json`), or of dicts
        `{"lv": {...}}`. Keys: `entity.NAME` `plural.NAME` `field.ENTITY.NAME` `choice.ENTITY.NAME.VALUE`
        `pipeline.NAME` `stage.PIPELINE.NAME` `column.REPORT.NAME` of what the plugin itself brings, and `message.KEY`
        for `batch.text("KEY", name=...)` and `crm.text`. Tables in tables are keys with dots.
    Order and errors: labels that a declaration has itself stay. An unknown key, a text that is none, a message without
        English or with other `{names}` than there leaves the plugin out, with file and key in the reason.
    Example: `def register_translations(): return [Path(__file__).parent / "locale"]`
    """


@hookspec
def register_checks() -> Sequence[Check]:  # pyright: ignore[reportReturnType]
    """Brings questions about the health of the app, asked by `crm check`.

    Called when: the registry is built, once per start.
    Return: a list of `Check`; `run` is `async def run(crm)` and gives a sentence for each fault.
    Order and errors: in plugin order. Two checks of one name in a plugin leave it out.
    Example: `def register_checks(): return [Check(name="feed", run=checks.feed_answers)]`
    """
