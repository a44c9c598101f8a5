"""`before_apply`: what plugins have against a plan of documents (floor 7)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crm_kernel.errors import Error, Fault
from crm_kernel.operations.deadline import Deadline
from crm_kernel.operations.hooks import INSIDE_HOOK
from crm_kernel.plugins import PluginHost

HOOK = "before_apply"

log = logging.getLogger("crm_kernel.hooks")


class PlannedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a plan adds, changes or removes: `before` as it is stored, `after` as it will be (None: not)."""

    kind: str
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class DocumentPlan:
    """A plan as `before_apply` is given it: `documents` are those it would change, `impact` what records it concerns
    (http-api.md, plan), `settings` those of the plugin whose hook runs."""

    def __init__(self, documents: Sequence[PlannedDocument], impact: Sequence[Mapping[str, Any]]) -> None:
        self.documents = documents
        self.impact = impact
        self.settings: Any = None
        self.refused: list[tuple[str, str, Fault]] = []

    def of(self, kind: str) -> list[PlannedDocument]:
        """The documents of one kind."""
        return [document for document in self.documents if document.kind == kind]

    def refuse(self, document: PlannedDocument, pointer: str, message: str, code: str = "plugin.refused") -> None:
        """Refuse the plan: `pointer` names the place in the document (`/stages/0`), `code` is `<plugin>.<what>`."""
        self.refused.append((document.kind, document.name, Fault(pointer=pointer, code=code, detail=message)))


class ApplyHooks:
    """Calls `before_apply`, metered and with one deadline for all plugins."""

    def __init__(self, host: PluginHost, deadline: float) -> None:
        self._host = host
        self._deadline = deadline

    async def ask(self, plan: DocumentPlan) -> list[tuple[str, str, Fault]]:
        """(kind, name, fault) of each refusal; an unexpected fault follows the plugin's `on_error`."""
        hooked = self._host.hooked(HOOK)
        if not hooked or not plan.documents:
            return []
        deadline = Deadline(self._deadline)
        token = INSIDE_HOOK.set(True)
        try:
            for one in hooked:
                plan.settings = one.settings
                try:
                    with self._host.metered(one.plugin, HOOK):
                        await deadline.cut(one.call(plan=plan))
                except Exception as error:
                    self._failed(one.plugin, plan, error)
        finally:
            INSIDE_HOOK.reset(token)
        return plan.refused

    def _failed(self, plugin: str, plan: DocumentPlan, error: Exception) -> None:
        log.error("plugin %s failed in before_apply", plugin, exc_info=error)
        self._host.note_fault(plugin, HOOK, error)
        if isinstance(error, TimeoutError):
            self._host.note_overrun(plugin, HOOK, asyncio.get_running_loop().time())
        if self._host.on_error(plugin) == "skip":
            return
        first = plan.documents[0]
        if isinstance(error, Error) and error.faults:
            plan.refused += [(first.kind, first.name, fault) for fault in error.faults]
            return
        why = "took too long" if isinstance(error, TimeoutError) else "failed"
        detail = f"The plugin {plugin!r} {why} in before_apply; nothing was applied."
        plan.refused.append((first.kind, first.name, Fault(pointer="", code="plugin_fault", detail=detail)))
