"""`/api/records/{entity}/{id}/undo`: one change taken back (floor 9)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from litestar import post

from crm_kernel.api.answer import Answer
from crm_kernel.api.records import write_one
from crm_kernel.api.request import ApiRequest, no_object
from crm_kernel.errors import Error, Fault, unknown
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.undoing import undoing
from crm_kernel.schema.walk import pointer


@post("/api/records/{entity:str}/{id:str}/undo", status_code=200)
async def undo_change(request: ApiRequest) -> Answer:
    """The change that made a version of a record, taken back; of a merge, with all that it did to other records."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    request.parameters()
    version = _version(await request.value())
    if isinstance(version, Error):
        await request.kernel.undo.visible(entity, id, request.caller)  # 404 wins over 422
        raise version
    change, *beside = await request.kernel.undo.of_version(entity, id, version, request.caller)
    try:
        return await write_one(request, change, beside=beside, caller=undoing(request.caller, f"version {version}"))
    except Error as error:
        error.faults = [_told(fault, [change, *beside]) for fault in error.faults]
        raise


ROUTES = (undo_change,)


def _told(fault: Fault, changes: Sequence[AnyChange]) -> Fault:
    """A fault of what the caller asked for in one sentence: pointers are those of the record that he named."""
    if fault.row is None:
        return fault
    change = changes[fault.row - 1]
    if change.id == changes[0].id:
        return msgspec.structs.replace(fault, row=None)
    return msgspec.structs.replace(fault, row=None, pointer="", detail=f"Of the {change.entity}: {fault.detail}")


def _version(body: object) -> int | Error:
    """The one member of the body, or what is wrong with it."""
    if not isinstance(body, dict):
        return no_object(body, "the version whose change is taken back")
    members: dict[str, object] = dict(body)
    version = members.pop("version", None)
    faults = [
        Fault(pointer=pointer((name,)), code="unknown_field", detail=f"unknown member {name!r}:{hint}")
        for name, hint in unknown(members, ("version",))
    ]
    if not isinstance(version, int) or isinstance(version, bool):
        faults.append(Fault(pointer="/version", code="type", detail="version is the number of a version."))
    if faults or not isinstance(version, int):
        return Error("invalid", faults=faults)
    return version
