"""Documents through one door: list, get, put, delete, and the files of the app folder; plan first, then apply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.document_check import document_hash
from crm_kernel.document_files import read_documents
from crm_kernel.documents import KINDS
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.answers import plain_json
from crm_kernel.operations.apply import Applier, Overtaken
from crm_kernel.operations.file_sync import Take, proposals
from crm_kernel.operations.following import Following
from crm_kernel.operations.plan import OnInvalid, Plan, Planning, Proposed, make_plan
from crm_kernel.operations.write import Writer
from crm_kernel.problems import Problem
from crm_kernel.registry import Registry
from crm_kernel.settings import Settings
from crm_kernel.storage import documents as stored_documents
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.evolution import is_empty
from crm_kernel.storage.ports import Database

T = TypeVar("T")
ATTEMPTS = 10
"""Times that a plan is made anew where another process applied documents meanwhile."""


class Services(Planning, Protocol):
    """What documents need of their kernel."""

    @property
    def database(self) -> Database: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def following(self) -> Following: ...
    def swap(self, registry: Registry, documents: int | None) -> None: ...
    def system(self, channel: str) -> Caller: ...


class Documents:
    """The documents of one kernel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._applier = Applier(services)
        self._applying = asyncio.Lock()

    # Reading --------------------------------------------------------------------------------------------------------

    async def list(self, caller: Caller) -> list[dict[str, Any]]:
        """All documents in force and those that are broken, by kind and name."""
        _expect_admin(caller)
        stored = {(d.kind, d.name): d for d in await self.stored()}
        registry = self._services.registry
        items = {
            key: _item(key, d.body, "plugin" if d.source.kind != "document" else stored[key].origin, d.source.name)
            for key, d in registry.declarations.items()
        }
        for broken in registry.broken:
            key = (broken.kind, broken.name)
            body = stored[key].body if key in stored else {}
            faults = [fault.render() for fault in broken.faults]
            items[key] = {**_item(key, body, "api", broken.source.name), "state": "broken", "errors": faults}
        return [items[key] for key in sorted(items)]

    async def get(self, kind: str, name: str, caller: Caller) -> dict[str, Any]:
        """One document as it is in force (or stored, where it is broken). Raises `Error("not_found")`."""
        _expect_admin(caller)
        declaration = self._services.registry.declarations.get((kind, name))
        if declaration is not None:
            return dict(declaration.body)
        stored = next((d for d in await self.stored() if (d.kind, d.name) == (kind, name)), None)
        if stored is None:
            raise Error("not_found", f"There is no {kind} document {name!r}.")
        return dict(stored.body)

    async def stored(self) -> list[StoredDocument]:
        """The documents of the database, in force from now on; none where nothing was applied yet."""
        database = self._services.database
        if await is_empty(database):
            return []
        await self._services.following.look()
        return [d._replace(body=plain_json(d.body)) for d in await stored_documents.everything(database)]

    # Changing -------------------------------------------------------------------------------------------------------

    async def put(self, kind: str, name: str, body: Any, caller: Caller, *, dry_run: bool = False) -> dict[str, Any]:
        """Plan and apply one document; `{"applied", "plan"}`.

        Raises `Error("invalid")` for a body that is no document or not this one, `Error("plan_refused")` with `plan`.
        """
        _expect_admin(caller)
        body = _expect_document(kind, name, plain_json(body))
        return await self.put_all([body], caller, dry_run=dry_run)

    async def put_all(
        self, bodies: Sequence[Mapping[str, Any]], caller: Caller, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Plan and apply several documents (each with `kind` and `name`) as one. Raises `Error("plan_refused")`."""
        _expect_admin(caller)
        return await self._alone(lambda: self._put_all(bodies, caller, dry_run=dry_run))

    async def _put_all(self, bodies: Sequence[Mapping[str, Any]], caller: Caller, *, dry_run: bool) -> dict[str, Any]:
        stored = await self.stored()
        known = {(d.kind, d.name): d for d in stored}
        proposed = [
            Proposed(
                kind=body["kind"],
                name=body["name"],
                body=body,
                change="change" if (body["kind"], body["name"]) in known else "add",
                file_hash=known[body["kind"], body["name"]].file_hash
                if (body["kind"], body["name"]) in known
                else None,
            )
            for body in bodies
        ]
        return await self._plan_and_apply(proposed, stored, caller, dry_run=dry_run)

    async def delete(self, kind: str, name: str, caller: Caller, *, dry_run: bool = False) -> dict[str, Any]:
        """Plan and apply the removal of one stored document. Raises `Error`: not_found, plan_refused."""
        _expect_admin(caller)
        return await self._alone(lambda: self._delete(kind, name, caller, dry_run=dry_run))

    async def _delete(self, kind: str, name: str, caller: Caller, *, dry_run: bool) -> dict[str, Any]:
        stored = await self.stored()
        if not any((d.kind, d.name) == (kind, name) for d in stored):
            declared = (kind, name) in self._services.registry.declarations
            why = "It comes with a plugin; override it instead." if declared else ""
            raise Error("not_found", f"There is no stored {kind} document {name!r}. {why}".strip())
        change = Proposed(kind=kind, name=name, body=None, change="remove")
        return await self._plan_and_apply([change], stored, caller, dry_run=dry_run)

    async def _plan_and_apply(
        self, proposed: Sequence[Proposed], stored: Sequence[StoredDocument], caller: Caller, *, dry_run: bool
    ) -> dict[str, Any]:
        plan = await make_plan(self._services, stored, proposed, None)
        if dry_run:
            return {"applied": False, "plan": plan.answer}
        if not plan.is_ready:
            raise plan_refused(plan)
        await self._applier.apply(plan, caller)
        return {"applied": True, "plan": plan.answer}

    async def _alone(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What an attempt to apply gives, made anew where another process applied documents meanwhile."""
        async with self._applying:
            for _ in range(ATTEMPTS):
                try:
                    return await attempt()
                except Overtaken:
                    await self._services.following.look(closely=True)
        raise Error("busy", "Others keep applying documents.", headers={"Retry-After": "1"})

    # Files ----------------------------------------------------------------------------------------------------------

    async def plan_files(
        self, folder: Path, *, take: Take | None = None, on_invalid: OnInvalid | None = None
    ) -> tuple[Plan, list[Problem]]:
        """The plan of the app folder's files against the database, and files that cannot be read as documents."""
        files, problems = read_documents(folder, self._services.settings.folder)
        stored = await self.stored()
        plan = await make_plan(self._services, stored, proposals(files, stored, take), on_invalid)
        return plan, problems

    async def sync_files(
        self,
        folder: Path,
        *,
        take: Take | None = None,
        on_invalid: OnInvalid | None = None,
        safe_only: bool = False,
        channel: str = "apply",
    ) -> dict[str, Any]:
        """Apply the files of the app folder; `{"applied", "plan", "problems", "pending"}`.

        With `safe_only` (the server's start) only additions and changes without impact on data are applied, the rest
        is told in `pending`. Otherwise raises `Error("plan_refused")` where anything stands against the plan.
        """
        return await self._alone(
            lambda: self._sync_files(folder, take, on_invalid, self._services.system(channel), safe_only=safe_only)
        )

    async def _sync_files(
        self, folder: Path, take: Take | None, on_invalid: OnInvalid | None, caller: Caller, *, safe_only: bool
    ) -> dict[str, Any]:
        plan, problems = await self.plan_files(folder, take=take, on_invalid=on_invalid)
        sentences = [problem.sentence() for problem in problems]
        if not safe_only:
            if problems or not plan.is_ready:
                raise plan_refused(plan, sentences)
            await self._applier.apply(plan, caller)
            return {"applied": True, "plan": plan.answer, "problems": [], "pending": []}
        safe = await self._safe_part(plan, on_invalid)
        await self._applier.apply(safe, caller)
        done = {(p.kind, p.name) for p in safe.proposed if not p.is_told_only}
        pending = [_pending(d) for d in plan.answer["documents"] if (d["kind"], d["name"]) not in done]
        return {"applied": True, "plan": safe.answer, "problems": sentences, "pending": [p for p in pending if p]}

    async def _safe_part(self, plan: Plan, on_invalid: OnInvalid | None) -> Plan:
        """The largest part of a plan that is ready: without removals, conflicts and whatever stands in its way."""
        stored = await self.stored()
        wanted = [p for p in plan.proposed if p.change in ("add", "change")]
        part = await make_plan(self._services, stored, wanted, on_invalid)
        if part.is_ready:
            return part
        kept: list[Proposed] = []
        part = await make_plan(self._services, stored, kept, on_invalid)
        for change in sorted(wanted, key=lambda p: list(KINDS).index(p.kind)):
            tried = await make_plan(self._services, stored, [*kept, change], on_invalid)
            if tried.is_ready:
                kept.append(change)
                part = tried
        return part


def plan_refused(plan: Plan, problems: Sequence[str] = ()) -> Error:
    """409 with the plan that says why."""
    if plan.status == "needs_choice":
        invalid = sum(i["invalid"] for i in plan.answer["impact"])
        detail = f"{invalid} stored records would become invalid; choose reject, keep or backfill with on_invalid."
    else:
        errors = [e["detail"] for d in plan.answer["documents"] for e in d["errors"]]
        conflicts = [
            f"{d['kind']} {d['name']} conflicts" for d in plan.answer["documents"] if d["change"] == "conflict"
        ]
        dependants = [f"{d['kind']} {d['name']}: {d['detail']}" for d in plan.answer["dependants"]]
        stored = [fault.detail for fault in plan.ddl.faults]
        detail = next(iter([*problems, *errors, *conflicts, *dependants, *stored]), "The plan cannot be applied.")
    return Error("plan_refused", detail, plan=plan.answer, problems=list(problems))


def _pending(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the server's start leaves to an administrator; drift needs nobody."""
    if document["change"] == "drift":
        return None
    return {name: document[name] for name in ("kind", "name", "change", "file", "errors")}


def _expect_admin(caller: Caller) -> None:
    if not caller.unrestricted:
        raise Error("forbidden", "Only the role admin may see and change documents.")


def _expect_document(kind: str, name: str, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        fault = Fault(pointer="", code="type", detail="A document is a JSON object.")
        raise Error("invalid", faults=[fault])
    faults = [
        Fault(pointer=f"/{member}", code="const", detail=f"{member} is {body.get(member)!r}, the path says {said!r}.")
        for member, said in (("kind", kind), ("name", name))
        if body.get(member) != said
    ]
    if faults:
        raise Error("invalid", faults=faults)
    return body


def _item(key: tuple[str, str], body: Mapping[str, Any], origin: str, source: str) -> dict[str, Any]:
    return {
        "kind": key[0],
        "name": key[1],
        "label": body.get("label"),
        "origin": origin,
        "plugin": source if origin == "plugin" else None,
        "hash": document_hash(body),
        "state": "active",
    }
