from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.fields.base import Column, Faulty, ValueContext
from crm_kernel.fields.money import Money, MoneyType

CONTEXT = ValueContext(currency="PLN")
MONEY = MoneyType()


def canonical(amount: Any, **more: Any) -> Any:
    return MONEY.canonical({"amount": amount, **more}, CONTEXT)


def fault(amount: Any, **more: Any) -> tuple[str, str]:
    with pytest.raises(Faulty) as caught:
        canonical(amount, **more)
    return caught.value.faults[0].pointer, caught.value.faults[0].code


@pytest.mark.contract("documents.md#money-exact")
@pytest.mark.parametrize("amount", [Decimal("250000.5"), 250000.5, "250000.50", "2500005e-1", Decimal("2.500005E+5")])
def test_one_amount_however_it_is_written(amount: Any) -> None:
    assert canonical(amount, currency="EUR") == {"amount": Decimal("250000.50"), "currency": "EUR"}
    assert str(canonical(amount, currency="EUR")["amount"]) == "250000.50"


@pytest.mark.contract("documents.md#money-exact")
def test_an_amount_is_never_a_float() -> None:
    huge = Decimal("90071992547409.93")
    assert canonical(huge, currency="EUR")["amount"] == huge
    assert MONEY.to_columns({"amount": huge, "currency": "EUR"}) == (9007199254740993, "EUR")


@pytest.mark.contract("documents.md#money-exact")
def test_at_most_the_minor_digits_of_the_currency() -> None:
    assert fault("1.005", currency="EUR") == ("/amount", "scale")
    assert fault("1.5", currency="JPY") == ("/amount", "scale")
    assert canonical("1.005", currency="KWD")["amount"] == Decimal("1.005")
    assert canonical("1.500", currency="EUR")["amount"] == Decimal("1.5")


@pytest.mark.contract("documents.md#money-default-currency")
def test_without_currency_it_is_the_apps() -> None:
    assert canonical(5) == {"amount": Decimal(5), "currency": "PLN"}
    assert canonical(5, currency=None)["currency"] == "PLN"
    assert MONEY.parse("5.5", CONTEXT) == {"amount": Decimal("5.5"), "currency": "PLN"}


@pytest.mark.parametrize("currency", ["eur", "LVL", "", 5, " EUR"])
def test_an_unknown_currency_is_refused(currency: Any) -> None:
    assert fault(1, currency=currency) == ("/currency", "enum")


def test_an_amount_that_no_column_holds_is_refused() -> None:
    assert fault(Decimal("1E+18"), currency="EUR")[1] == "maximum"
    assert fault(Decimal("-1E+999999999"), currency="EUR")[1] == "minimum"


@pytest.mark.parametrize(
    "value", [5, "EUR 5", {}, {"amount": "five"}, {"amount": True}, {"amount": 1, "unit": "x"}, {"currency": "EUR"}]
)
def test_a_wrong_shape_is_left_to_json_schema(value: Any) -> None:
    assert MONEY.canonical(value, CONTEXT) == value


def test_text_form() -> None:
    assert MONEY.text({"amount": Decimal("250000.50"), "currency": "EUR"}) == "EUR 250000.50"
    assert MONEY.text({"amount": Decimal("1E+3"), "currency": "JPY"}) == "JPY 1000"
    assert MONEY.parse(" USD  -3.5 ", CONTEXT) == {"amount": Decimal("-3.5"), "currency": "USD"}
    assert MONEY.parse("EUR x", CONTEXT) == "EUR x"


def test_plugins_write_money_as_a_struct() -> None:
    assert MONEY.canonical(Money(Decimal(3), "EUR"), CONTEXT) == {"amount": Decimal("3.00"), "currency": "EUR"}


def test_columns() -> None:
    assert MONEY.columns() == (Column("__amount", "integer"), Column("__currency", "text"))
    assert MONEY.from_columns()(None, None) is None
