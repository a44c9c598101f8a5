"""`before_apply`: what plugins have against a plan of documents (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.hook_call import HOOK, HookCall, Turn
from crm_kernel.operations.deadline import Deadline
from crm_kernel.operations.hook_faults import faults_of, is_refused
from crm_kernel.operations.hook_steps import Steps
from crm_kernel.operations.watchdog import Watchdog
from crm_kernel.plugins import Hooked, PluginHost

_NAME = "before_apply"


class PlannedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a plan adds, changes or removes: `before` as it is stored, `after` as it will be (None: not)."""

    kind: str
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class DocumentPlan:
    """A plan as `before_apply` is given it: `documents` are those it would change, `impact` what records it concerns
    (http-api.md, plan), `settings` those of the plugin whose hook runs. It is the hook's while that runs."""

    def __init__(self, documents: Sequence[PlannedDocument], impact: Sequence[Mapping[str, Any]]) -> None:
        self.documents = documents
        self.impact = impact
        self.settings: Any = None
        self.turn = Turn()
        self.refused: list[tuple[str, str, Fault]] = []

    def of(self, kind: str) -> list[PlannedDocument]:
        """The documents of one kind."""
        return [document for document in self.documents if document.kind == kind]

    def refuse(self, document: PlannedDocument, pointer: str, message: str, code: str = "plugin.refused") -> None:
        """Refuse the plan: `pointer` names the place in the document (`/stages/0`), `code` is `<plugin>.<what>`."""
        self.turn.taken("plan.refuse")
        self.refused.append((document.kind, document.name, Fault(pointer=pointer, code=code, detail=message)))


class ApplyHooks:
    """Calls `before_apply`, metered, watched, and with one deadline of so many seconds for all plugins."""

    def __init__(self, host: PluginHost, watch: Watchdog, seconds: float) -> None:
        self._host = host
        self._watch = watch
        self._seconds = seconds

    async def ask(self, plan: DocumentPlan) -> list[tuple[str, str, Fault]]:
        """(kind, name, fault) of each refusal; an unexpected fault follows the plugin's `on_error`."""
        hooked = self._host.hooked(_NAME)
        if not hooked or not plan.documents:
            return []
        deadline = Deadline(self._seconds)
        self._watch.start()
        deadline.begin()
        token = HOOK.set(None)
        try:
            for one in hooked:
                plan.settings = one.settings
                plan.turn.call = call = HookCall(one.plugin, amends=False)
                HOOK.set(call)
                await self._ask(one, plan, deadline)
        finally:
            plan.turn.call = None
            deadline.end()
            HOOK.reset(token)
        return plan.refused

    async def _ask(self, one: Hooked, plan: DocumentPlan, deadline: Deadline) -> None:
        begun, statements = perf_counter(), self._host.statements()
        steps = Steps(one.call(plan=plan), deadline, self._watch, (one.plugin, _NAME), self._seconds)
        try:
            returned = await steps.all()
            if returned is not None:
                raise TypeError(f"{_NAME} returned {returned!r:.80}, expected None")
        except BaseException as error:
            if is_refused(self._host, one.plugin, _NAME, error):
                first = plan.documents[0]
                faults = faults_of(one.plugin, _NAME, error, "nothing was applied")
                plan.refused += [(first.kind, first.name, fault) for fault in faults]
        finally:
            took = perf_counter() - begun
            one.meter.add(took, self._host.statements() - statements)
            one.meter.waits += steps.foreign
            if steps.blocked:
                self._host.quarantine(one.plugin, f"blocked the event loop in {_NAME} for {took:.2f} s")
