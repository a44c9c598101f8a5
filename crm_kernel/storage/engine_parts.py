"""What both engines are made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from crm_kernel.errors import Error

_log = logging.getLogger(__name__)


class Meter:
    """Counts the statements of one engine, whichever connection ran them."""

    __slots__ = ("statements",)

    def __init__(self) -> None:
        self.statements = 0


def busy(detail: str = "Somebody else is writing to the database.") -> Error:
    """The refusal for who waited in vain."""
    return Error("busy", detail, headers={"Retry-After": "1"})


def call_after_commit(callbacks: Iterable[Callable[[], None]]) -> None:
    """Call what was to be called once an operation is durable."""
    for callback in callbacks:
        try:
            callback()
        except Exception:  # the write is durable: nobody may be told otherwise
            _log.exception("A callback after a commit failed.")
