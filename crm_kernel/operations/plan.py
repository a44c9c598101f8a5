"""What a change of documents does, told before anything changes: errors, DDL, invalid records, dependants."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from crm_kernel.document_check import canonical
from crm_kernel.errors import Fault, token
from crm_kernel.model import Field
from crm_kernel.operations.answers import encode
from crm_kernel.operations.impact import Impact, StageUse, invalid_records, stages_in_use
from crm_kernel.registry import Broken, Registry
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.evolution import DdlPlan, ddl_plan
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.store import Store

OnInvalid = Literal["reject", "keep", "backfill"]
Change = Literal["add", "change", "remove", "drift", "conflict", "broken"]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """One document to be put (`body`) or removed (`body` None). `file` and `file_hash` where it comes from a file."""

    kind: str
    name: str
    body: Mapping[str, Any] | None
    origin: str = "api"
    file: str | None = None
    file_hash: str | None = None
    change: Change = "change"
    errors: tuple[Fault, ...] = ()

    @property
    def is_told_only(self) -> bool:
        """Drift and conflicts are shown in a plan and change nothing."""
        return self.change in ("drift", "conflict")


class Plan(NamedTuple):
    """A plan with what applying it needs: the registry it leads to and the steps of the database."""

    answer: dict[str, Any]
    proposed: Sequence[Proposed]
    registry: Registry
    ddl: DdlPlan
    on_invalid: Mapping[tuple[str, str], OnInvalid]
    stages: Sequence[StageUse]

    @property
    def status(self) -> str:
        """clean, ready, needs_choice or refused."""
        return str(self.answer["status"])

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands in its way."""
        return self.status in ("ready", "clean")


class Planning(Protocol):
    """What planning needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def database(self) -> Reads: ...
    @property
    def store(self) -> Store: ...
    def build(self, stored: Sequence[dict[str, Any]]) -> Registry: ...


async def make_plan(
    services: Planning,
    stored: Sequence[StoredDocument],
    proposed: Sequence[Proposed],
    on_invalid: OnInvalid | None,
    reads: Reads | None = None,
) -> Plan:
    """The plan of some proposals against the stored documents and records. Changes nothing."""
    source = reads or services.database
    before = services.registry
    after = services.build(_bodies_after(stored, proposed))
    ddl = await ddl_plan(after.entities, source, before=before.entities, aside=after.aside)
    documents = [_document(p, stored, before, after, ddl) for p in proposed]
    effective = [p for p in proposed if not p.is_told_only]
    impacts = await invalid_records(
        source, services.store, before, after, [(p.kind, p.name, p.body) for p in effective]
    )
    stages = await stages_in_use(source, before, after)
    for use in stages:
        if use.target is None:
            _add_error(documents, "pipeline", use.pipeline, use.fault())
    choices: dict[tuple[str, str], OnInvalid] = {(p.kind, p.name): _choice(p, on_invalid) for p in effective}
    dependants = _dependants(before, after, effective)
    answer = {
        "digest": "",
        "status": _status(documents, impacts, choices, dependants, ddl),
        "documents": documents,
        "ddl": _ddl(ddl),
        "impact": [_impact(impact, choices) for impact in impacts],
        "stages": [{"pipeline": s.pipeline, "stage": s.stage, "records": s.records} for s in stages],
        "dependants": dependants,
        "access": [],
    }
    answer["digest"] = hashlib.sha256(encode(answer)).hexdigest()[:32]
    return Plan(answer, proposed, after, ddl, choices, stages)


def _bodies_after(stored: Sequence[StoredDocument], proposed: Iterable[Proposed]) -> list[dict[str, Any]]:
    bodies = {(d.kind, d.name): dict(d.body) for d in stored}
    for change in proposed:
        if change.is_told_only:
            continue
        if change.body is None:
            bodies.pop((change.kind, change.name), None)
        else:
            bodies[change.kind, change.name] = dict(change.body)
    return [bodies[key] for key in sorted(bodies)]


def _choice(change: Proposed, chosen: OnInvalid | None) -> OnInvalid:
    own: Any = (change.body or {}).get("on_invalid")
    return chosen or own or "reject"


def _document(
    change: Proposed, stored: Sequence[StoredDocument], before: Registry, after: Registry, ddl: DdlPlan
) -> dict[str, Any]:
    errors = list(change.errors)
    if change.body is not None and not change.is_told_only:
        broken = _broken(after, change.kind, change.name)
        errors += [fault for fault in (broken.faults if broken else ()) if fault not in errors]
        if change.kind in ("fields", "entity"):
            entity = str(change.body.get("entity", change.name))
            errors += [f for f in ddl.faults if f.pointer.startswith(f"/{entity}/")]
            errors += _type_changes(before, after, entity)
    old = next((d.body for d in stored if (d.kind, d.name) == (change.kind, change.name)), None)
    return {
        "kind": change.kind,
        "name": change.name,
        "change": change.change,
        "origin": change.origin,
        "file": change.file,
        "diff": diff(old, change.body),
        "errors": [fault.render() for fault in errors],
    }


def _type_changes(before: Registry, after: Registry, entity: str) -> list[Fault]:
    """Fields whose stored values would have to be converted."""
    if entity not in before.entities or entity not in after.entities:
        return []
    old, new = before.entities[entity].fields, after.entities[entity].fields
    return [
        Fault(
            pointer=f"/schema/properties/{name}",
            code="type",
            detail=f"{name!r} is stored as {old[name].type.name}; it cannot become {new[name].type.name}.",
            hint="Add a field of another name and move the values, then remove this one.",
        )
        for name in new
        if name in old and _stored_as(old[name]) != _stored_as(new[name])
    ]


def _stored_as(field: Field) -> Any:
    return field.type.name, field.type.columns(), field.options.decimal, field.options.reference


def _broken(registry: Registry, kind: str, name: str) -> Broken | None:
    return next((b for b in registry.broken if (b.kind, b.name) == (kind, name) and b.source.kind == "document"), None)


def _add_error(documents: list[dict[str, Any]], kind: str, name: str, fault: Fault) -> None:
    for document in documents:
        if (document["kind"], document["name"]) == (kind, name):
            document["errors"].append(fault.render())


def diff(old: Any, new: Any, pointer: str = "") -> list[dict[str, Any]]:
    """The differences of two JSON values: `{"pointer", "old"?, "new"?}` for each member that differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[dict[str, Any]] = []
        for name in dict.fromkeys([*old, *new]):
            at = pointer + token(name)
            if name not in new:
                found.append({"pointer": at, "old": old[name]})
            elif name not in old:
                found.append({"pointer": at, "new": new[name]})
            else:
                found += diff(old[name], new[name], at)
        return found
    if canonical(old) == canonical(new):
        return []
    entry: dict[str, Any] = {"pointer": pointer}
    if old is not None:
        entry["old"] = old
    if new is not None:
        entry["new"] = new
    return [entry]


def _dependants(before: Registry, after: Registry, proposed: Sequence[Proposed]) -> list[dict[str, Any]]:
    """What resolved before and does not any more: views, reports, pipelines, roles, fields and listeners."""
    changed = {(p.kind, p.name) for p in proposed}
    was_broken = {(b.kind, b.name) for b in before.broken}
    return [
        {"kind": b.kind, "name": b.name, "pointer": f.pointer, "code": f.code, "detail": f.detail}
        for b in after.broken
        if (b.kind, b.name) not in was_broken | changed
        for f in b.faults
    ]


def _ddl(ddl: DdlPlan) -> list[dict[str, Any]]:
    return [
        {"entity": step.entity, "change": step.change, "name": step.name, "sql": step.sql}
        for step in ddl.steps
        if step.entity is not None
    ]


def _impact(impact: Impact, choices: Mapping[tuple[str, str], OnInvalid]) -> dict[str, Any]:
    return {
        "kind": impact.kind,
        "name": impact.name,
        "entity": impact.entity,
        "total": impact.total,
        "invalid": impact.invalid,
        "already_invalid": impact.already_invalid,
        "sample": [{"id": id, "errors": [f.render() for f in faults]} for id, faults in impact.sample],
        "chosen": choices[impact.kind, impact.name],
    }


def _status(
    documents: Sequence[Mapping[str, Any]],
    impacts: Sequence[Impact],
    choices: Mapping[tuple[str, str], OnInvalid],
    dependants: Sequence[Any],
    ddl: DdlPlan,
) -> str:
    if any(d["errors"] or d["change"] == "conflict" for d in documents) or dependants or ddl.faults:
        return "refused"
    if any(i.invalid and choices[i.kind, i.name] == "reject" for i in impacts):
        return "needs_choice"
    if all(d["change"] == "drift" for d in documents) and not ddl.steps:
        return "clean"
    return "ready"
