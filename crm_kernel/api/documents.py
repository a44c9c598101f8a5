"""`/api/documents`: configuration documents, for administrators (floor 9)."""

from __future__ import annotations

from litestar import delete, get, post, put

from crm_kernel.api.answer import Answer
from crm_kernel.api.auth import read_only
from crm_kernel.api.request import ApiRequest, flag
from crm_kernel.operations.answers import encode
from crm_kernel.source_json import MAX_BYTES

CHANGE_PARAMETERS = frozenset({"dry_run"})
_DIGITS = 10
"""No document has versions with as many digits."""


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


@get("/api/documents/{kind:str}/{name:str}/versions")
async def document_versions(request: ApiRequest) -> Answer:
    """All versions of a document, newest first: who changed what, and when."""
    request.parameters()
    kind, name = request.path_params["kind"], request.path_params["name"]
    return Answer(encode({"items": await request.kernel.documents.versions(kind, name, request.caller)}))


@post("/api/documents/{kind:str}/{name:str}/versions/{version:str}/restore", status_code=200)
async def restore_document(request: ApiRequest) -> Answer:
    """Plan and apply a version that was in force before."""
    dry_run = _dry_run(request)
    kind, name, version = (request.path_params[part] for part in ("kind", "name", "version"))
    number = int(version) if version.isascii() and version.isdigit() and len(version) < _DIGITS else 0
    answer = await request.kernel.documents.restore(kind, name, number, request.caller, dry_run=dry_run)
    return Answer(encode(answer))


ROUTES = (
    list_documents,
    get_document,
    put_document,
    delete_document,
    plan_documents,
    apply_documents,
    document_versions,
    restore_document,
)


def _dry_run(request: ApiRequest) -> bool:
    """Whether the request only asks. A read-only token may do no more."""
    dry_run = flag(request.parameters(CHANGE_PARAMETERS), "dry_run")
    if request.caller.read_only and not dry_run:
        raise read_only()
    return dry_run
