"""`/api/documents`: configuration documents, for administrators (floor 9)."""

from __future__ import annotations

from litestar import delete, get, post, put

from crm_kernel.api.answer import Answer
from crm_kernel.api.auth import read_only
from crm_kernel.api.request import ApiRequest, flag
from crm_kernel.operations.answers import encode

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
    body = await request.value()
    kind, name = request.path_params["kind"], request.path_params["name"]
    return Answer(encode(await request.kernel.documents.put(kind, name, body, request.caller, dry_run=dry_run)))


@delete("/api/documents/{kind:str}/{name:str}", status_code=200)
async def delete_document(request: ApiRequest) -> Answer:
    """Plan and apply the removal of one document."""
    dry_run = _dry_run(request)
    kind, name = request.path_params["kind"], request.path_params["name"]
    return Answer(encode(await request.kernel.documents.delete(kind, name, request.caller, dry_run=dry_run)))


@post("/api/documents/plan", status_code=200)
async def plan_documents(request: ApiRequest) -> Answer:
    """What changing a set of documents would do. It changes nothing, so a read-only token may ask."""
    request.parameters()
    return Answer(encode(await request.kernel.documents.plan(await request.value(), request.caller)))


@post("/api/documents/apply", status_code=200)
async def apply_documents(request: ApiRequest) -> Answer:
    """Plan and apply a set of documents as one."""
    request.parameters()
    if request.caller.read_only:
        raise read_only()
    return Answer(encode(await request.kernel.documents.apply(await request.value(), request.caller)))


ROUTES = (list_documents, get_document, put_document, delete_document, plan_documents, apply_documents)


def _dry_run(request: ApiRequest) -> bool:
    """Whether the request only asks. A read-only token may do no more."""
    dry_run = flag(request.parameters(CHANGE_PARAMETERS), "dry_run")
    if request.caller.read_only and not dry_run:
        raise read_only()
    return dry_run
