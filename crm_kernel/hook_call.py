"""Which hook is running: what it alone may do, and what nothing that it started may (floor 1)."""

from __future__ import annotations

from contextvars import ContextVar

from crm_kernel.errors import Error, Fault


class HookCall:
    """One call of one plugin's hook. `refused`: it refused a change; `amends`: it may amend and add."""

    __slots__ = ("amends", "plugin", "refused")

    def __init__(self, plugin: str, amends: bool) -> None:
        self.plugin = plugin
        self.amends = amends
        self.refused = False


HOOK: ContextVar[HookCall | None] = ContextVar("hook", default=None)
"""The hook that the running code belongs to. A task that a hook starts belongs to it too, for as long as it lives."""


class HookMisuse(RuntimeError):
    """A hook, or something that it started, does what is not its turn to do. Follows `on_error` like any fault."""


class Turn:
    """Whose turn it is on the changes of one batch: the hook that runs now, and none before or after."""

    __slots__ = ("call",)

    def __init__(self) -> None:
        self.call: HookCall | None = None

    def taken(self, doing: str, *, amends: bool = False) -> HookCall:
        """The call whose turn it is. Raises `HookMisuse` for anybody else, and where it may not amend."""
        call = self.call
        if call is None or HOOK.get() is not call:
            detail = f"{doing} outside of the hook that it was given to: that has ended."
            raise HookMisuse(f"{detail} Keep no batch, plan or change; start work of its own in a listener.")
        if amends and not call.amends:
            raise HookMisuse(f"{doing} in check_write: all rows are stored, it may only refuse.")
        return call


def refuse_inside_hook() -> None:
    """Raise where a hook, or a task that one started, calls a kernel operation other than `batch.*`."""
    if HOOK.get() is not None:
        detail = "A hook may use only batch.find, batch.lock and batch.add; start other operations in a listener."
        fault = Fault(pointer="", code="nested_operation", detail=detail)
        raise Error("invalid", detail, faults=[fault])
