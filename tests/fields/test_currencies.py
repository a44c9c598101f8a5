from __future__ import annotations

import pytest

from crm_kernel.fields.currencies import CURRENCIES, minor_digits


@pytest.mark.parametrize(
    ("code", "digits"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("TND", 3), ("CLF", 4), ("???", 2)]
)
def test_minor_digits(code: str, digits: int) -> None:
    assert minor_digits(code) == digits


def test_the_codes_in_use() -> None:
    assert {"EUR", "PLN", "XAF", "ZWG", "SLE", "XCG"} <= CURRENCIES
    assert not {"LVL", "DEM", "XAU", "XXX", "eur", "HRK"} & CURRENCIES
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
