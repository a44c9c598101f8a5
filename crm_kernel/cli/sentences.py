"""What the command line tells people on stderr: sentences, one a line (floor 10)."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import click

from crm_kernel.errors import CATALOGUE, Error, Fault

_SHOWN = 20


def note(text: str) -> None:
    """One line on stderr; what could steer a terminal is shown, not done."""
    click.echo(f"crm: {harmless(text)}", err=True)


def harmless(text: str) -> str:
    """A text without control characters: data must not move the cursor or change colours."""
    return "".join(c if c.isprintable() or c == " " else repr(c)[1:-1] for c in text)


def error_lines(error: Error) -> Iterator[str]:
    """The lines that tell a refusal: what, its single faults, a hint."""
    faults, hint = error.faults, None if error.hint == CATALOGUE["invalid"].hint else error.hint
    if len(faults) == 1 and faults[0].detail == error.detail:
        yield _hinted(_fault(faults[0]), faults[0].hint or hint)
        return
    yield _hinted(error.title + "." if faults and faults[0].detail == error.detail else error.detail, hint)
    for fault in faults[:_SHOWN]:
        yield f"  {_hinted(_fault(fault), fault.hint)}"
    if len(faults) > _SHOWN:
        yield f"  and {len(faults) - _SHOWN} more."


def _fault(fault: Fault) -> str:
    row = "" if fault.row is None else f"row {fault.row}, "
    return f"{row}{fault.pointer}: {fault.detail}" if fault.pointer else f"{row}{fault.detail}"


def _hinted(text: str, hint: str | None) -> str:
    return f"{text} Hint: {hint}" if hint else text


class OneLine(logging.Formatter):
    """A log record as one sentence; of an exception only what it says. Each sentence once."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text = f"{text}: {type(error).__name__}: {error}"
        return f"crm: {harmless(text)}"
