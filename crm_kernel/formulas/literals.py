"""Texts of a formula that stand beside money, dates or moments: they are read as what they stand beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.fields.currencies import CURRENCIES
from crm_kernel.fields.moment import moment_text
from crm_kernel.filters.faults import unknown
from crm_kernel.filters.moments import parse_date, parse_moment
from crm_kernel.filters.operands import read_money


def read_text(text: str, kind: Kind, at: int, context: ValueContext) -> Any:
    """A text as a value of the kind, None where it is none. Raises `bad_filter` for a currency that does not exist."""
    if kind is Kind.MONEY:
        money = read_money(text, context)
        if money is not None and money[1] not in CURRENCIES:
            raise unknown("currency", money[1], at, sorted(CURRENCIES))
        return money
    if kind is Kind.DATE:
        day = parse_date(text)
        return None if day is None else day.isoformat()
    moment = parse_moment(text)
    return None if moment is None or moment.tzinfo is None else moment_text(moment)


WRITTEN: Mapping[Kind, str] = {
    Kind.MONEY: "an amount of money ('EUR 100.50')",
    Kind.DATE: "a date ('2026-03-31')",
    Kind.MOMENT: "a moment with offset ('2026-03-31T09:00:00Z')",
}
