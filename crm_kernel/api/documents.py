"""`/api/documents`: configuration documents, for administrators (floor 9)."""

from __future__ import annotations

from litestar import delete, get, put

from crm_kernel.api.answer import Answer
from crm_kernel.api.auth import read_only
from crm_kernel.api.request import ApiRequest, flag
from crm_kernel.operations.answers import encode
from crm_kernel.source_json import MAX_BYTES

CHANGE_PARAMETERS = frozenset({"dry_run"})


@get("/api/documents")
async def list_documents(request: ApiRequest) -> Answer:
    """All documents that are stored."""
    request.parameters()
    return Answer(encode({"items": await request.kernel.documents.list(request.caller)}))


@get("/api/documents/{kind:str}/{name:str}")
async def get_document(request: ApiRequest) -> Answer:
    """One document."""
    request.parameters()
    kind, name = request.path_params["kind"], request.path_params["name"]
    return Answer(encode(await request.kernel.documents.get(kind, name, request.caller)))


@put("/api/documents/{kind:str}/{name:str}")
async def put_document(request: ApiRequest) -> Answer:
    """Plan and apply one document."""
    dry_run = _dry_run(request)
    body = await request.value(limit=MAX_BYTES)
    kind, name = request.path_params["kind"], request.path_params["name"]
    return Answer(encode(await request.kernel.documents.put(kind, name, body, request.caller, dry_run=dry_run)))


@delete("/api/documents/{kind:str}/{name:str}", status_code=200)
async def delete_document(request: ApiRequest) -> Answer:
    """Plan and apply the removal of one document."""
    dry_run = _dry_run(request)
    kind, name = request.path_params["kind"], request.path_params["name"]
    return Answer(encode(await request.kernel.documents.delete(kind, name, request.caller, dry_run=dry_run)))


ROUTES = (list_documents, get_document, put_document, delete_document)


def _dry_run(request: ApiRequest) -> bool:
    """Whether the request only asks. A read-only token may do no more."""
    dry_run = flag(request.parameters(CHANGE_PARAMETERS), "dry_run")
    if request.caller.read_only and not dry_run:
        raise read_only()
    return dry_run
