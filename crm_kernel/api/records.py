"""`/api/records/{entity}`: list, create, get, patch, delete, restore, batch, history (floor 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from litestar import delete, get, patch, post

from crm_kernel.api.answer import CSV, JSONL, Answer, Streamed, etag
from crm_kernel.api.auth import read_only
from crm_kernel.api.once import write_once
from crm_kernel.api.request import MAX_BATCH_BODY, MAX_BATCH_VALUES, ApiRequest, flag, no_object
from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.operations.answers import encode
from crm_kernel.operations.batch_json import counts, read_changes, results
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.export import FORMATS, export, format_of
from crm_kernel.operations.list_query import ListQuery, read_limit, split_names
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.storage.ports import Reads

LIST_PARAMETERS = frozenset({"filter", "q", "sort", "fields", "expand", "limit", "cursor", "count", "deleted"})
EXPORT_PARAMETERS = frozenset({"format", "filter", "q", "sort", "fields", "lossless"})
GET_PARAMETERS = frozenset({"fields", "expand"})
HISTORY_PARAMETERS = frozenset({"limit", "cursor"})


@get("/api/records/{entity:str}")
async def list_records(request: ApiRequest) -> Answer:
    """A page of records."""
    query = ListQuery.from_params(request.parameters(LIST_PARAMETERS))
    return Answer(await request.kernel.reader.list_answer(request.path_params["entity"], request.caller, query))


@get("/api/records/{entity:str}/export")
async def export_records(request: ApiRequest) -> Streamed:
    """All records that a filter and a search find."""
    entity: str = request.path_params["entity"]
    asked = request.parameters(EXPORT_PARAMETERS)
    kernel = request.kernel
    form, lossless = format_of(kernel, asked.get("format", FORMATS[0])), flag(asked, "lossless")
    query = ListQuery.from_params({n: text for n, text in asked.items() if n not in ("format", "lossless")})
    parts = await export(kernel.reader, entity, request.caller, query, form=form, lossless=lossless)
    suffix = f".{form}" if isinstance(form, str) else form.exporter.suffix
    disposition = (b"content-disposition", f'attachment; filename="{entity}{suffix}"'.encode())
    media = {"csv": CSV, "jsonl": JSONL}[form] if isinstance(form, str) else form.exporter.media_type.encode()
    return Streamed(parts, headers=(disposition,), media=media)


@post("/api/records/{entity:str}")
async def create_record(request: ApiRequest) -> Answer:
    """A new record."""
    entity: str = request.path_params["entity"]
    request.parameters()
    change: AnyChange = Change("create", entity, values=await _values(request, "create", entity))
    return await write_one(request, change, partial(_created, entity=entity))


@get("/api/records/{entity:str}/{id:str}")
async def get_record(request: ApiRequest) -> Answer:
    """One record."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    asked = request.parameters(GET_PARAMETERS)
    fields = split_names(asked["fields"], "fields") if asked.get("fields") else None
    expand = split_names(asked["expand"], "expand") if asked.get("expand") else ()
    body, version = await request.kernel.reader.get_answer(entity, id, request.caller, fields=fields, expand=expand)
    return Answer(body, headers=(etag(version),))


@patch("/api/records/{entity:str}/{id:str}")
async def update_record(request: ApiRequest) -> Answer:
    """A merge patch of one record."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    request.parameters()
    values = await _values(request, "update", entity, id)
    return await write_one(request, Change("update", entity, id=id, values=values, version=request.version()))


# Litestar would allow no answer at all with 204; an `Answer` says its status itself.
@delete("/api/records/{entity:str}/{id:str}", status_code=200)
async def delete_record(request: ApiRequest) -> Answer:
    """A soft delete, or with `purge=true` the removal for good."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    kind = "purge" if flag(request.parameters({"purge"}), "purge") else "delete"
    return await write_one(request, Change(kind, entity, id=id, version=request.version()), _gone)


@post("/api/records/{entity:str}/{id:str}/restore")
async def restore_record(request: ApiRequest) -> Answer:
    """A deleted record taken back."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    request.parameters()
    return await write_one(request, Change("restore", entity, id=id, version=request.version()))


@post("/api/records/{entity:str}/batch")
async def batch(request: ApiRequest) -> Answer:
    """Many changes in order, all or none of them (`atomic`), or each for itself."""
    entity: str = request.path_params["entity"]
    request.parameters()
    request.kernel.reader.access(request.caller, entity)
    if request.caller.read_only:
        raise read_only()
    body = await request.value(limit=MAX_BATCH_BODY, values=MAX_BATCH_VALUES, record=True)
    changes, atomic = read_changes(entity, body)
    return await write_once(request, changes, _batch_answer, atomic=atomic)


@get("/api/records/{entity:str}/{id:str}/history")
async def record_history(request: ApiRequest) -> Answer:
    """What happened to one record, newest first."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    asked = request.parameters(HISTORY_PARAMETERS)
    limit, cursor = read_limit(asked.get("limit")), asked.get("cursor") or None
    return Answer(encode(await request.kernel.reader.history(entity, id, request.caller, limit=limit, cursor=cursor)))


ROUTES = (
    list_records,
    export_records,
    create_record,
    get_record,
    update_record,
    delete_record,
    restore_record,
    batch,
    record_history,
)


async def write_one(
    request: ApiRequest,
    change: AnyChange,
    answer: Callable[[dict[str, Any]], Answer] | None = None,
    *,
    beside: Sequence[AnyChange] = (),
    caller: Caller | None = None,
) -> Answer:
    """Do one change and answer with what the caller may see of its record.

    `beside`: others that are part of it. `caller`: as history is to name him.
    """
    if request.caller.read_only:
        await _refuse_read_only(request, change)
    make: Callable[[dict[str, Any]], Answer] = answer or record_answer

    async def render(outcomes: list[Outcome], reads: Reads) -> Answer:
        last = [outcome for outcome in outcomes if outcome.id == outcomes[0].id][-1:]
        return make((await request.kernel.reader.written(last, request.caller, reads=reads))[0])

    return await write_once(request, [change, *beside], render, caller=caller)


def _created(record: dict[str, Any], entity: str) -> Answer:
    location = f"/api/records/{entity}/{record['id']}".encode()
    return record_answer(record, 201, (b"location", location))


def _gone(_: dict[str, Any]) -> Answer:
    return Answer(status=204)


async def _batch_answer(outcomes: list[Outcome], _: Reads) -> Answer:
    return Answer(encode({"counts": counts(outcomes), "results": results(outcomes)}))


async def _refuse_read_only(request: ApiRequest, change: AnyChange) -> None:
    """403, but 404 first where the record is not there for him."""
    reader = request.kernel.reader
    reader.access(request.caller, change.entity)
    if change.kind in ("update", "delete", "move", "restore", "merge"):
        await reader.get(change.entity, str(change.id), request.caller, deleted=change.kind == "restore")
    raise read_only()


async def _values(request: ApiRequest, kind: str, entity: str, id: str | None = None) -> dict[str, Any]:
    """The body as values of a record. What is not an object is refused, but what would be refused before it first."""
    body = await request.value(record=True)
    if isinstance(body, dict):
        return body
    await refused_anyway(request, Change(kind, entity, id=id, version=request.version()))
    raise no_object(body, "the values of fields")


async def refused_anyway(request: ApiRequest, change: AnyChange) -> None:
    """Raise what wins over faults of the body: 404, 403 and 412 of this change, whatever it would write."""
    if request.caller.read_only:
        await _refuse_read_only(request, change)
    try:
        await request.kernel.writer.write([change], request.caller, dry_run=True)
    except Error as error:
        if error.status in (404, 403, 412):
            raise


def record_answer(record: dict[str, Any], status: int = 200, *headers: tuple[bytes, bytes]) -> Answer:
    """A record with its entity tag; without one where only its id may be seen."""
    version = record.get("version")
    return Answer(encode(record), status, headers if version is None else (*headers, etag(version)))
