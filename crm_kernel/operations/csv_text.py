"""Values as CSV that a spreadsheet shows and does not run (floor 7)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from crm_kernel.operations.answers import encode

_FORMULA = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
)
"""What a spreadsheet evaluates: the signs that begin a formula, wide ones too, after whatever is not seen; and what
begins with a tab or a line break."""
_END = "\r\n"  # the writer quotes cells that hold any character of it


def csv_line(values: Iterable[Any], *, lossless: bool = False) -> str:
    """One line of CSV with its end. Texts that a spreadsheet would take for a formula begin with `'`, unless
    `lossless`."""
    return csv_lines([values], lossless=lossless)


def csv_lines(rows: Iterable[Iterable[Any]], *, lossless: bool = False) -> str:
    """Many lines, each as `csv_line` makes it, by one writer."""
    lines = _Lines()
    write = csv.writer(lines, lineterminator=_END).writerow
    for values in rows:
        write([_cell(value, lossless) for value in values])
    return "".join(lines.texts)


class _Lines:
    """What a writer of CSV writes to, which it does once for each line."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, text: str) -> None:
        self.texts.append(text.removesuffix(_END) + "\n")


def _cell(value: Any, lossless: bool) -> str:
    if value is None:
        return ""
    if type(value) is str:  # most cells: 0.1 µs for what begins like a word
        return value if lossless or value[:1].isalnum() else inert(value)
    text = csv_text(value)
    return text if lossless or isinstance(value, int | float | Decimal) else inert(text)


def inert(text: str) -> str:
    """A text that no spreadsheet evaluates: what is not seen before a formula does not hide it."""
    return f"'{text}" if _FORMULA.match(text) else text


def csv_text(value: Any) -> str:
    """An answered value as a cell that an import reads back: money as `EUR 250000.50`, parts as JSON, null empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        if parts.keys() == {"amount", "currency"}:
            return f"{parts['currency']} {csv_text(parts['amount'])}"
    return value if isinstance(value, str) else encode(value).decode()
