"""Why a plugin is left out, and what is asked of its declarations (floor 6)."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import Any, Literal


class PluginFault(Exception):
    """A plugin is faulty by itself: what, where in which file, what to do; it is left out, the others stay.

    `hook` is the hook it concerns, `state` what the plugin is then called in answers.
    """

    def __init__(
        self,
        cause: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        hook: str | None = None,
        state: Literal["failed", "incompatible"] = "failed",
    ) -> None:
        self.cause = cause
        self.hint = hint
        self.file = file
        self.hook = hook
        self.state: Literal["failed", "incompatible"] = state
        super().__init__(cause)

    @property
    def reason(self) -> str:
        """One sentence with the file, and the hint after it."""
        where = f"{self.file}: " if self.file else ""
        return f"{where}{self.cause}{f' Hint: {self.hint}' if self.hint else ''}"

    def render(self) -> dict[str, Any]:
        """A member of `faults` in the answer of `GET /api/plugins`."""
        return {"hook": self.hook, "file": self.file, "cause": self.cause, "hint": self.hint}


def fault_of(error: BaseException, folder: Path | None, doing: str, hook: str | None = None) -> PluginFault:
    """The fault of an exception that a plugin's code raised while `doing` something.

    The file is the innermost one of the plugin in the traceback (of a `SyntaxError` the one it is about); where its
    folder is not known yet, the innermost one that is not Python's own import machinery.
    """
    if isinstance(error, SyntaxError) and error.filename:
        file: str | None = f"{error.filename}:{error.lineno}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if _is_own(f.filename, folder)]
        file = f"{own[-1].filename}:{own[-1].lineno}" if own else None
    cause = f"{doing} failed: {type(error).__name__}: {error}."
    return PluginFault(cause, file=file, hook=hook)


def _is_own(file: str, folder: Path | None) -> bool:
    if folder is None:
        return not file.startswith("<frozen") and "importlib" not in file and Path(file).parent != Path(__file__).parent
    return Path(file).is_relative_to(folder)


def arguments(hook: str, function: object, names: list[str]) -> None:
    """Raises `PluginFault` for what is no async function of these arguments."""
    expected = f"'async def' with the arguments ({', '.join(names)})"
    if not callable(function) or not inspect.iscoroutinefunction(function):
        raise wrong(hook, function, expected)
    if len(inspect.signature(function).parameters) != len(names):
        shown = f"{function.__name__}{inspect.signature(function)}"
        raise PluginFault(f"Hook {hook}: got {shown}, expected {expected}.", hook=hook)


def told_apart(hook: str, names: list[str]) -> None:
    """Raises `PluginFault` for a name that comes twice."""
    for name in names:
        if names.count(name) > 1:
            raise PluginFault(f"Hook {hook}: two are called {name!r}.", hook=hook, hint="Give each its own name=….")


def wrong(hook: str, got: object, expected: str) -> PluginFault:
    """The fault of a declaration of another type."""
    what = "None" if got is None else f"{type(got).__name__} {str(got)[:80]}"
    return PluginFault(f"Hook {hook}: got {what}, expected {expected}.", hook=hook)
