"""The answer of a report as CSV (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_kernel.operations.csv_text import csv_line


def report_csv(answer: Mapping[str, Any]) -> str:
    """The rows of a report's answer below a line with the names of its columns; inert in spreadsheets."""
    names = [column["name"] for column in answer["columns"]]
    return "".join([csv_line(names), *(csv_line(row.get(name) for name in names) for row in answer["rows"])])
