"""`/api/records/{entity}/{id}/merge`: records taken in by another one (floor 9)."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import post

from crm_kernel.api.answer import Answer
from crm_kernel.api.records import refused_anyway, write_one
from crm_kernel.api.request import ApiRequest, no_object
from crm_kernel.errors import Error, Fault, unknown
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.schema.walk import pointer

_MEMBERS = ("records", "values")


@post("/api/records/{entity:str}/{id:str}/merge", status_code=200)
async def merge_records(request: ApiRequest) -> Answer:
    """The record with what it took over; the merged ones are deleted."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    request.parameters()
    version = request.version()
    body = await request.value(record=True)
    fault = _fault(body)
    if fault is not None:
        await refused_anyway(request, Change("merge", entity, id=id, version=version))
        raise fault
    change: AnyChange = Change.merge(entity, id, body["records"], body.get("values"), version=version)
    try:
        return await write_one(request, change)
    except Error as error:
        error.faults = [msgspec.structs.replace(f, pointer=_sent_as(f.pointer)) for f in error.faults]
        raise


ROUTES = (merge_records,)


def _sent_as(pointer: str) -> str:
    """Where a fault of a merge stands in the body of this route."""
    return pointer.replace("/from", "/records", 1) if pointer.startswith("/from") else pointer


def _fault(body: Any) -> Error | None:
    """What is wrong with the shape of a merge."""
    if not isinstance(body, dict):
        return no_object(body, "records, and where wanted values")
    faults = [
        Fault(pointer=pointer((name,)), code="unknown_field", detail=f"A merge has no member {name!r}:{hint}")
        for name, hint in unknown(body, _MEMBERS)
    ]
    records, values = body.get("records"), body.get("values")
    if "records" not in body:
        faults.append(Fault(pointer="/records", code="required", detail="A merge needs the records to take in."))
    elif not isinstance(records, list) or not all(isinstance(id, str) for id in records):
        faults.append(Fault(pointer="/records", code="type", detail="records is a list of ids."))
    if values is not None and not isinstance(values, dict):
        faults.append(Fault(pointer="/values", code="type", detail="values is an object."))
    return Error("invalid", faults=faults) if faults else None
