"""The batch route's JSON: changes in, counts and results out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crm_kernel.errors import HINTED_ROWS, Error, Fault, unknown
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.schema.walk import pointer

MAX_CHANGES = 10_000
MAX_KEY = 16
"""How many fields a record may be found by."""

_MEMBERS: Mapping[str, frozenset[str]] = {
    "create": frozenset({"values"}),
    "update": frozenset({"id", "version", "values"}),
    "upsert": frozenset({"on", "values"}),
    "delete": frozenset({"id", "version"}),
    "restore": frozenset({"id"}),
    "move": frozenset({"id", "to", "pipeline", "reason", "values", "version"}),
    "merge": frozenset({"id", "from", "values", "version"}),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "create": ("values",),
    "update": ("id", "values"),
    "upsert": ("on", "values"),
    "delete": ("id",),
    "restore": ("id",),
    "move": ("id", "to"),
    "merge": ("id", "from"),
}
_TYPES: Mapping[str, tuple[type, str]] = {
    "id": (str, "a text"),
    "version": (int, "a whole number"),
    "values": (dict, "an object"),
    "on": (list, "a list of field names"),
    "from": (list, "a list of ids"),
    "to": (str, "a text"),
    "pipeline": (str, "a text"),
    "reason": (str, "a text"),
}
_OUTCOMES = ("created", "updated", "unchanged", "deleted", "moved", "failed")


def read_changes(entity: str, body: Any) -> tuple[list[AnyChange], bool]:
    """The changes of a batch body and whether it is atomic. Raises `Error("invalid" | "too_large")`, all faults."""
    if not isinstance(body, dict) or not isinstance(body.get("changes"), list):
        fault = Fault(pointer="/changes", code="type", detail='A batch is {"changes": [...], "atomic": true}.')
        raise Error("invalid", faults=[fault])
    atomic = body.get("atomic", True)
    faults: list[Fault] = []
    if not isinstance(atomic, bool):
        faults.append(Fault(pointer="/atomic", code="type", detail="atomic is true or false."))
    for name, hint in unknown(body, ("changes", "atomic")):
        detail = f"unknown member {name!r}:{hint}"
        faults.append(Fault(pointer=pointer((name,)), code="unknown_field", detail=detail))
    if len(body["changes"]) > MAX_CHANGES:
        raise Error("too_large", f"{len(body['changes'])} changes; at most {MAX_CHANGES} are taken at once.")
    changes: list[AnyChange] = []
    for row, item in enumerate(body["changes"], start=1):
        try:
            changes.append(read_change(entity, item, hints=row <= HINTED_ROWS))
        except Error as error:
            faults.extend(fault.at(row=row) for fault in error.faults)
    if faults:
        raise Error("invalid", faults=faults)
    return changes, atomic


def read_change(entity: str, item: Any, *, hints: bool = True) -> AnyChange:
    """One change such as `{"update": {"id": "…", "values": {}}}`. Raises `Error("invalid")`, with hints or without."""
    if not isinstance(item, dict) or len(item) != 1 or next(iter(item)) not in _MEMBERS:
        detail = f"A change is an object with one member out of {', '.join(_MEMBERS)}."
        raise Error("invalid", faults=[Fault(pointer="", code="type", detail=detail)])
    kind, members = next(iter(item.items()))
    faults = _member_faults(kind, members, hints=hints)
    if faults:
        raise Error("invalid", faults=faults)
    return _change(kind, entity, members)


def _member_faults(kind: str, members: Any, *, hints: bool) -> list[Fault]:
    if not isinstance(members, dict):
        return [Fault(pointer=f"/{kind}", code="type", detail=f"{kind} takes an object.")]
    faults = [
        Fault(pointer=f"/{kind}/{name}", code="required", detail=f"{kind} needs {name}.")
        for name in _REQUIRED[kind]
        if name not in members
    ]
    for name, hint in unknown(members, _MEMBERS[kind], hints=hints):
        detail = f"{kind} has no member {name!r}:{hint}"
        faults.append(Fault(pointer=pointer((kind, name)), code="unknown_field", detail=detail))
    for name, value in members.items():
        if name not in _MEMBERS[kind]:
            continue
        at = pointer((kind, name))
        optional_null = value is None and name not in _REQUIRED[kind]
        expected, words = _TYPES[name]
        if not optional_null and (not isinstance(value, expected) or isinstance(value, bool)):
            faults.append(Fault(pointer=at, code="type", detail=f"{name} is {words}."))
        elif name == "to" and not str(value).strip():
            faults.append(Fault(pointer=at, code="minLength", detail="The stage a move goes to has a name."))
    sources = members.get("from")
    if isinstance(sources, list) and not all(isinstance(id, str) for id in sources):
        faults.append(Fault(pointer=f"/{kind}/from", code="type", detail="from is a list of ids."))
    on = members.get("on")
    if isinstance(on, list) and not (on and all(isinstance(name, str) for name in on)):
        faults.append(Fault(pointer=f"/{kind}/on", code="type", detail="on is a list of field names, one at least."))
    elif isinstance(on, list) and len(on) > MAX_KEY:
        faults.append(Fault(pointer=f"/{kind}/on", code="maxItems", detail=f"on has at most {MAX_KEY} names."))
    return faults


def _change(kind: str, entity: str, members: Mapping[str, Any]) -> AnyChange:
    values: Mapping[str, Any] = members.get("values") or {}
    match kind:
        case "create":
            return Change.create(entity, values)
        case "update":
            return Change.update(entity, members["id"], values, version=members.get("version"))
        case "upsert":
            return Change.upsert(entity, tuple(members["on"]), values)
        case "delete":
            return Change.delete(entity, members["id"], version=members.get("version"))
        case "restore":
            return Change.restore(entity, members["id"])
        case "merge":
            return Change.merge(entity, members["id"], members["from"], values, version=members.get("version"))
        case _:
            return Change.move(
                entity,
                members["id"],
                members["to"],
                pipeline=members.get("pipeline"),
                reason=members.get("reason"),
                values=values,
                version=members.get("version"),
            )


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many changes had which outcome; all outcomes are named."""
    found: dict[str, int] = dict.fromkeys(_OUTCOMES, 0)
    for outcome in outcomes:
        found[outcome.outcome] += 1
    return found


def results(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """One result a change, in order."""
    return [_result(outcome) for outcome in outcomes]


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        faults = [fault.render() for fault in outcome.error.faults]
        return {"row": outcome.row, "status": outcome.status, "code": outcome.error.code, "errors": faults}
    return {"row": outcome.row, "status": outcome.status, "id": outcome.id, "version": outcome.version}
