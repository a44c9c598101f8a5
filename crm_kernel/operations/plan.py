"""What a change of documents does, told before anything changes: errors, DDL, invalid records, dependants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Fault
from crm_kernel.operations.access_changes import access_changes
from crm_kernel.operations.apply_hooks import ApplyHooks, DocumentPlan, PlannedDocument
from crm_kernel.operations.conversions import Conversion, type_changes
from crm_kernel.operations.default_use import default_faults
from crm_kernel.operations.foreseen import Foreseen
from crm_kernel.operations.impact import Impact, entity_of, invalid_records, properties_of
from crm_kernel.operations.plan_answer import ddl_answer, diff, digest_of, impact_answer
from crm_kernel.operations.requires_use import unmet_requirements
from crm_kernel.operations.returning import returning_faults
from crm_kernel.operations.stage_use import StageUse, stages_in_use
from crm_kernel.operations.title_use import changed_titles, stale_titles
from crm_kernel.operations.unique_use import unique_faults
from crm_kernel.registry import Broken, Registry
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.evolution import ddl_plan
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
    conversions: Sequence[Conversion]

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
    @property
    def clock(self) -> Clock: ...
    def build(self, stored: Sequence[dict[str, Any]]) -> Registry: ...
    @property
    def apply_hooks(self) -> ApplyHooks: ...
    async def holders(self, roles: Iterable[str]) -> Mapping[str, Sequence[Caller]]: ...


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
    types = type_changes(before, after, services.store)
    ddl = await ddl_plan(
        after.entities,
        source,
        before=before.entities,
        aside=before.aside | after.aside,
        adopted=after.adopted,
        converted=[] if types.faults else types.changed,
    )
    effective = [p for p in proposed if not p.is_told_only]
    choices: dict[tuple[str, str], OnInvalid] = {(p.kind, p.name): _choice(p, on_invalid) for p in effective}
    type_faults = [*types.faults, *await returning_faults(source, before, after, ddl)]
    ddl = _told_once(ddl, type_faults)
    documents = [_document(p, stored, after, type_faults) for p in proposed]
    changes = [] if ddl.faults else [(p.kind, p.name, p.body) for p in effective]
    faulty = [*await unique_faults(source, after, changes), *changed_titles(after, changes)]
    for kind, name, fault in [*faulty, *default_faults(after, changes)]:
        _add_error(documents, kind, name, fault)
    foreseen = Foreseen(source, before, after, ddl, types.conversions)
    impacts, recomputed = await invalid_records(foreseen, changes)
    impacts += await unmet_requirements(foreseen, changes)
    impact = [impact_answer(found, choices[found.kind, found.name]) for found in impacts]
    for kind, name, fault in await services.apply_hooks.ask(DocumentPlan(_planned(stored, effective), impact)):
        _add_error(documents, kind, name, fault)
    for found in impacts:
        if found.left and choices[found.kind, found.name] == "backfill":
            _add_error(documents, found.kind, found.name, _left(found))
    stages = await stages_in_use(source, before, after)
    for use in stages:
        if use.target is None:
            _add_stage_fault(documents, use)
    dependants = _dependants(before, after, effective) + stale_titles(before, after, changes)
    roles = [] if ddl.faults else [p.name for p in effective if p.kind == "role" and not _broken(after, "role", p.name)]
    answer = {
        "digest": "",
        "status": _status(documents, impacts, choices, dependants, ddl),
        "documents": documents,
        "ddl": ddl_answer(ddl),
        "impact": impact,
        "recomputed": [found._asdict() for found in recomputed],
        "stages": [use.answer() for use in stages],
        "dependants": dependants,
        "plugins": [],
        "access": await access_changes(source, before, after, ddl, roles, services.holders, services.clock.now()),
    }
    answer["digest"] = digest_of(answer)
    return Plan(answer, proposed, after, ddl, choices, stages, types.conversions)


def _planned(stored: Sequence[StoredDocument], effective: Iterable[Proposed]) -> list[PlannedDocument]:
    before = {(d.kind, d.name): d.body for d in stored}
    return [
        PlannedDocument(kind=p.kind, name=p.name, before=before.get((p.kind, p.name)), after=p.body) for p in effective
    ]


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
    return chosen or own or ("keep" if change.kind == "pipeline" else "reject")


def _document(
    change: Proposed, stored: Sequence[StoredDocument], after: Registry, type_faults: Sequence[Fault]
) -> dict[str, Any]:
    errors = list(change.errors)
    if change.body is not None and not change.is_told_only:
        broken = _broken(after, change.kind, change.name)
        errors += [fault for fault in (broken.faults if broken else ()) if fault not in errors]
        errors += _type_errors(change, type_faults)
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


def _type_errors(change: Proposed, faults: Sequence[Fault]) -> list[Fault]:
    """Of the faults `/entity/field/…` of fields whose values cannot be converted, those of a document's own fields."""
    entity = entity_of((change.kind, change.name, change.body))
    at = "/schema/properties"
    return [
        msgspec.structs.replace(fault, pointer=f"{at}/{name}{rest}")
        for name in properties_of(change.body)
        for fault in faults
        if (rest := fault.pointer.removeprefix(f"/{entity}/{name}")) != fault.pointer and rest[:1] in ("", "/")
    ]


def _told_once(ddl: DdlPlan, type_faults: Sequence[Fault]) -> DdlPlan:
    """The steps with the faults of fields in their place of those of columns."""
    fields = {fault.pointer.split("/")[2] for fault in type_faults}
    return ddl._replace(faults=[f for f in ddl.faults if f.pointer[1:] not in fields] + list(type_faults))


def _left(impact: Impact) -> Fault:
    detail = f"{impact.left} records of {impact.entity} stay invalid although the defaults are written."
    return Fault(pointer="/schema", code="backfill", detail=detail, hint="Give each required field a default.")


def _broken(registry: Registry, kind: str, name: str) -> Broken | None:
    return next((b for b in registry.broken if (b.kind, b.name) == (kind, name) and b.source.kind == "document"), None)


def _add_error(documents: list[dict[str, Any]], kind: str, name: str, fault: Fault) -> None:
    for document in documents:
        if (document["kind"], document["name"]) == (kind, name):
            document["errors"].append(fault.render())


def _add_stage_fault(documents: list[dict[str, Any]], use: StageUse) -> None:
    """At the pipeline that is to take the records; else at the one that they are in, or at any that changes."""
    changed = [d["name"] for d in documents if d["kind"] == "pipeline"]
    at = next((name for name in (use.pipeline, use.source, *changed) if name in changed), None)
    if at is not None:
        _add_error(documents, "pipeline", at, use.fault())


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
