"""A record as the cells of a CSV row, as documents.md has them; None where a cell cannot say the same as JSON does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crm_kernel.fields.base import Kind
from crm_kernel.model import EntityModel, Field

NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
PARTS = (Kind.LIST, Kind.OBJECT, Kind.JSON)
WORDS = {"true", "false", "yes", "no", "1", "0"}


def row_of(record: Mapping[str, Any], header: list[str], model: EntityModel) -> list[str] | None:
    """The cells of a record under a header; None where one of its members cannot be carried."""
    if not record.keys() <= set(header):
        return None
    cells = [cell(record.get(name), model.fields[name], sent=name in record) for name in header]
    return None if None in cells else [text for text in cells if text is not None]


def cell(value: Any, field: Field, *, sent: bool) -> str | None:
    """What an author of a CSV file would write; None where a reader would take it for something else."""
    kind = field.type.kind
    if value is None:
        return None if sent and field.default is not None else ""
    if isinstance(value, str) and "\ud800" <= max(value, default="") <= "\udfff":
        return None
    if kind in PARTS:
        return json.dumps(value, ensure_ascii=False)
    if kind is Kind.MONEY and isinstance(value, dict):
        amount = value.get("amount")
        plain = value.keys() == {"amount", "currency"} and not str(amount).isalpha()
        return f"{value['currency']} {amount}" if plain else None
    if isinstance(value, bool):
        return str(value).lower() if kind is Kind.BOOLEAN else None
    if isinstance(value, int | float):
        return str(value) if kind in NUMBERS else None
    if not isinstance(value, str) or (kind in NUMBERS and _is_number(value)):
        return None
    return None if kind is Kind.BOOLEAN and value.lower() in WORDS else value


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False
