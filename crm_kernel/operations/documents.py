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
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.answers import plain_json
from crm_kernel.operations.apply import Applier, Overtaken
from crm_kernel.operations.document_files_out import Exported, take_as_applied, write_files
from crm_kernel.operations.document_sets import DocumentSet, read_set
from crm_kernel.operations.document_versions import version_items
from crm_kernel.operations.file_sync import Take, pending, proposals, safe_part
from crm_kernel.operations.following import Following
from crm_kernel.operations.migrations import Migrations
from crm_kernel.operations.plan import OnInvalid, Plan, Planning, make_plan
from crm_kernel.operations.recompute import Recompute
from crm_kernel.operations.record_reader import RecordReader
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
    @property
    def recompute(self) -> Recompute: ...
    @property
    def migrations(self) -> Migrations: ...
    @property
    def reader(self) -> RecordReader: ...
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
            raise _no_document(kind, name)
        return dict(stored.body)

    async def stored(self) -> list[StoredDocument]:
        """The documents of the database, in force from now on; none where nothing was applied yet."""
        database = self._services.database
        if await is_empty(database):
            return []
        await self._services.following.look()
        return [d._replace(body=plain_json(d.body)) for d in await stored_documents.everything(database)]

    async def _removed(self) -> dict[tuple[str, str], str]:
        """Documents that were removed while their files stay, with the hash of the file."""
        database = self._services.database
        return {} if await is_empty(database) else await stored_documents.removed(database)

    async def _once_removed(self) -> set[tuple[str, str]]:
        database = self._services.database
        return set() if await is_empty(database) else await stored_documents.once_removed(database)

    async def versions(self, kind: str, name: str, caller: Caller) -> list[dict[str, Any]]:
        """All versions that were ever applied of a document, newest first, each with what it changed.

        `{"version", "change", "at", "by", "diff", "body"}`; `by` is null for the system, `body` where it was removed.
        Raises `Error("not_found")` for a document that never was.
        """
        _expect_admin(caller)
        empty = await is_empty(self._services.database)
        found = [] if empty else await stored_documents.versions(self._services.database, kind, name)
        if not found and (kind, name) not in self._services.registry.declarations:
            raise _no_document(kind, name)
        names = await self._services.reader.user_names({v.by for v in found if v.by}, caller)
        return version_items(found, names)

    async def restore(
        self, kind: str, name: str, version: int, caller: Caller, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Plan and apply a version of a document as if it were put now, or deleted where it was removed then.

        Raises `Error`: not_found, plan_refused.
        """
        versions = {v["version"]: v for v in await self.versions(kind, name, caller)}
        if version not in versions:
            raise Error("not_found", f"The {kind} document {name!r} has no version {version}.")
        body = versions[version]["body"]
        if body is None:
            return await self.delete(kind, name, caller, dry_run=dry_run)
        return await self.put_all([body], caller, dry_run=dry_run)

    async def export(self, folder: Path, caller: Caller) -> Exported:
        """Write all stored documents as files into a folder. Raises `ConfigError` where that is impossible.

        In the app's own folder of documents the files count as applied from then on.
        """
        _expect_admin(caller)
        stored = await self.stored()
        settings = self._services.settings
        own = folder.resolve() == settings.documents.resolve()
        done = write_files(folder, stored, await self._removed() if own else {}, settings.folder)
        if own:
            async with self._applying:
                await self._services.database.write(lambda tx: take_as_applied(tx, stored))
        return done

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
        return await self._change(DocumentSet(bodies), caller, dry_run=dry_run)

    async def delete(self, kind: str, name: str, caller: Caller, *, dry_run: bool = False) -> dict[str, Any]:
        """Plan and apply the removal of one stored document. Raises `Error`: not_found, plan_refused."""
        _expect_admin(caller)
        if not any((d.kind, d.name) == (kind, name) for d in await self.stored()):
            declared = (kind, name) in self._services.registry.declarations
            why = "It comes with a plugin; override it instead." if declared else ""
            raise Error("not_found", f"There is no stored {kind} document {name!r}. {why}".strip())
        return await self._change(DocumentSet(remove=[(kind, name)]), caller, dry_run=dry_run)

    async def plan(self, body: object, caller: Caller) -> dict[str, Any]:
        """The plan of a set of documents (`document_sets.py`), which changes nothing. Raises `Error("invalid")`."""
        _expect_admin(caller)
        changes = read_set(plain_json(body))
        return (await self._plan(changes)).answer

    async def apply(self, body: object, caller: Caller) -> dict[str, Any]:
        """Plan and apply a set of documents as one; `{"applied", "plan"}`.

        Raises `Error`: invalid, plan_refused, plan_changed (with `plan`, where its digest is not the one that the body
        agrees to).
        """
        _expect_admin(caller)
        return await self._change(read_set(plain_json(body)), caller)

    async def _change(self, changes: DocumentSet, caller: Caller, *, dry_run: bool = False) -> dict[str, Any]:
        _expect_admin(caller)
        return await self._alone(lambda: self._plan_and_apply(changes, caller, dry_run=dry_run))

    async def _plan(self, changes: DocumentSet) -> Plan:
        stored = await self.stored()
        removed = await self._once_removed() if changes.remove else set[tuple[str, str]]()
        proposed = changes.proposed(stored, removed, await self._removed())
        return await make_plan(self._services, stored, proposed, changes.on_invalid)

    async def _plan_and_apply(self, changes: DocumentSet, caller: Caller, *, dry_run: bool) -> dict[str, Any]:
        plan = await self._plan(changes)
        if dry_run:
            return {"applied": False, "plan": plan.answer, "job": None}
        if changes.digest not in (None, plan.answer["digest"]):
            raise Error("plan_changed", "What applying would do is not what was planned.", plan=plan.answer)
        if not plan.is_ready:
            raise plan_refused(plan)
        await self._applier.apply(plan, caller)
        return {"applied": True, "plan": plan.answer, "job": await self._services.recompute.note()}

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
        proposed = proposals(files, stored, await self._removed(), take)
        plan = await make_plan(self._services, stored, proposed, on_invalid)
        plan.answer["plugins"] = [upgrade.answer() for upgrade in await self._services.migrations.upgrades()]
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
        safe = await safe_part(self._services, await self.stored(), plan, on_invalid)
        try:
            await self._applier.apply(safe, caller)
        except Error as error:
            if error.code not in ("plan_refused", "unique"):
                raise
            sentences.append(f"What is stored stands against what is declared: {error.detail}")
        return {"applied": True, "plan": safe.answer, "problems": sentences, "pending": pending(plan, safe, problems)}


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


def _no_document(kind: str, name: str) -> Error:
    return Error("not_found", f"There is no {kind} document {name!r}.")


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
