"""How the contract says that a hook goes in a later version (floor 0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "crm_kernel_deprecated"


def deprecated(instead: str) -> Callable[[F], F]:
    """Marks a hook of the contract that goes; `instead` are sentences: what to use, and in which version it goes."""

    def mark(hook: F) -> F:
        setattr(hook, _MARK, instead)
        return hook

    return mark


def instead_of(hook: Callable[..., Any]) -> str | None:
    """What to use instead of a hook that goes, None for one that stays."""
    return getattr(hook, _MARK, None)
