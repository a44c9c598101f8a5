"""Answers on stdout: JSON for programs, tables for people, CSV for spreadsheets (floor 10)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_kernel.cli.sentences import harmless
from crm_kernel.operations.answers import encode

_WIDE = 100_000


def print_json(answer: Any) -> None:
    """One JSON value on one line."""
    sys.stdout.buffer.write(encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def print_lines(items: Iterable[Any]) -> None:
    """A list, one JSON object a line."""
    for item in items:
        print_json(item)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str = "nothing found") -> None:
    """Rows as a table with these columns; as wide as it needs to be where no terminal limits it."""
    if not rows:
        click.echo(empty, err=True)
        return
    numbers = {c for c in columns if all(_is_number(row.get(c)) for row in rows)}
    terminal = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD if terminal else None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(name), justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row.get(name))) for name in columns))
    console = Console(highlight=False, width=None if terminal else _WIDE)
    console.print(table)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def cell(value: Any) -> str:
    """A value as people read it in a table, on one line."""
    return harmless(words(value))


def words(value: Any) -> str:
    """A value as text: nothing for null, money as `EUR 250000.50`, lists with commas, other parts as JSON."""
    if isinstance(value, msgspec.Raw):
        value = msgspec.json.decode(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(words(item) for item in cast("list[Any]", value))
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        if parts.keys() == {"amount", "currency"}:
            return f"{parts['currency']} {parts['amount']}"
        return encode(parts).decode()
    return str(value)
