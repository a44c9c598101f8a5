"""`/api/records/{entity}/{id}/move` and `/moves` (floor 9)."""

from __future__ import annotations

from typing import Any

from litestar import get, post

from crm_kernel.api.answer import Answer
from crm_kernel.api.records import refused_anyway, write_one
from crm_kernel.api.request import ApiRequest, no_object
from crm_kernel.errors import Error, Fault, unknown
from crm_kernel.operations.answers import encode
from crm_kernel.operations.changes import Change
from crm_kernel.schema.walk import pointer

_MEMBERS: dict[str, tuple[type, str]] = {
    "to": (str, "a text"),
    "pipeline": (str, "a text"),
    "reason": (str, "a text"),
    "values": (dict, "an object"),
}


@post("/api/records/{entity:str}/{id:str}/move")
async def move_record(request: ApiRequest) -> Answer:
    """A record moved to another stage."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    request.parameters()
    version = request.version()
    body = await request.value(record=True)
    fault = _fault(body)
    if fault is not None:
        await refused_anyway(request, Change("move", entity, id=id, version=version))
        raise fault
    change = Change.move(
        entity,
        id,
        body["to"],
        pipeline=body.get("pipeline"),
        reason=body.get("reason"),
        values=body.get("values"),
        version=version,
    )
    return await write_one(request, change)


@get("/api/records/{entity:str}/{id:str}/moves")
async def possible_moves(request: ApiRequest) -> Answer:
    """What moves are possible, and why the rest is not."""
    entity: str = request.path_params["entity"]
    id = request.record_id
    request.parameters()
    return Answer(encode(await request.kernel.reader.moves(entity, id, request.caller)))


ROUTES = (move_record, possible_moves)


def _fault(body: Any) -> Error | None:
    """What is wrong with the shape of a move."""
    if not isinstance(body, dict):
        return no_object(body, "to, and where wanted pipeline, reason and values")
    faults: list[Fault] = []
    if "to" not in body:
        faults.append(Fault(pointer="/to", code="required", detail="A move needs the stage it goes to."))
    for name, hint in unknown(body, _MEMBERS):
        detail = f"A move has no member {name!r}:{hint}"
        faults.append(Fault(pointer=pointer((name,)), code="unknown_field", detail=detail))
    for name, value in body.items():
        if name not in _MEMBERS:
            continue
        if not isinstance(value, _MEMBERS[name][0]) and (value is not None or name == "to"):
            faults.append(Fault(pointer=pointer((name,)), code="type", detail=f"{name} is {_MEMBERS[name][1]}."))
        elif name == "to" and not str(value).strip():
            faults.append(Fault(pointer="/to", code="minLength", detail="The stage a move goes to has a name."))
    return Error("invalid", faults=faults) if faults else None
