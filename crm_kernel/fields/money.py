"""Money: an exact amount with an ISO 4217 currency, stored in minor units."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Self, cast

import msgspec

from crm_kernel.errors import near
from crm_kernel.fields.base import Column, Faulty, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.currencies import CURRENCIES, minor_digits
from crm_kernel.fields.number import exact, read_number, scaled, unscaled

_TEXT = re.compile(r"([A-Z]{3})\s+(\S+)")


class Money(msgspec.Struct, frozen=True):
    """An amount of money as plugins write and read it: `Money(Decimal("250000.50"), "EUR")`."""

    amount: Decimal
    currency: str


def _currency(value: Any, context: ValueContext) -> str:
    code = context.currency if value is None else value
    if not isinstance(code, str) or code not in CURRENCIES:
        detail = f"{code!r} is no ISO 4217 currency:{near(str(code).upper(), CURRENCIES)}"
        raise Faulty("enum", detail, "/currency", told="currency", got=repr(code))
    return code


def _from_columns(units: int | None, currency: str) -> dict[str, Any] | None:
    return None if units is None else {"amount": unscaled(units, minor_digits(currency)), "currency": currency}


class MoneyType(FieldType):
    """`{"amount": 250000.5, "currency": "EUR"}`."""

    name = "money"
    kind = Kind.MONEY

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.options.money else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("__amount", "integer"), Column("__currency", "text"))

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if isinstance(value, Money):
            value = {"amount": value.amount, "currency": value.currency}
        if not isinstance(value, dict):
            return value
        sent = cast("dict[str, Any]", value)
        amount = sent.get("amount")
        number = exact(read_number(amount) if isinstance(amount, str) else amount)
        if number is None or not sent.keys() <= {"amount", "currency"}:
            return sent  # JSON Schema names what is wrong with its shape
        currency = _currency(sent.get("currency"), context)
        digits = minor_digits(currency)
        units = scaled(number, digits)
        if units is None:
            detail = f"{currency} has {digits} decimals, got {number}."
            raise Faulty("scale", detail, "/amount", told="money_decimals", currency=currency, limit=digits, got=number)
        return {"amount": unscaled(units, digits), "currency": currency}

    def sent_image(self, value: Any) -> Any:
        """An amount as text is a number."""
        amount = value.get("amount") if isinstance(value, dict) else None
        return {**value, "amount": read_number(amount)} if isinstance(amount, str) else value

    def parse(self, text: str, context: ValueContext) -> Any:
        stripped = text.strip()
        found = _TEXT.fullmatch(stripped)
        currency, amount = (found[1], found[2]) if found else (context.currency, stripped)
        number = read_number(amount)
        return {"amount": number, "currency": currency} if isinstance(number, Decimal) else text

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        if value is None:
            return (None, None)
        units = value["amount"].scaleb(minor_digits(value["currency"]))  # canonical: whole, and of at most 19 digits
        return (int(units), value["currency"])

    def from_columns(self) -> Callable[..., Any]:
        return _from_columns

    def text(self, value: Any) -> str:
        return f"{value['currency']} {value['amount']:f}"
