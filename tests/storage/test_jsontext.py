"""JSON in text columns."""

from __future__ import annotations

from decimal import Decimal

from crm_kernel.storage.jsontext import from_json, to_json


def test_numbers_stay_exact() -> None:
    assert to_json({"a": Decimal("0.10"), "b": 0.1}) == '{"a":0.10,"b":0.1}'
    assert from_json('{"a":0.10}') == {"a": Decimal("0.10")}
    assert to_json(None) is None
    assert from_json(None) is None
