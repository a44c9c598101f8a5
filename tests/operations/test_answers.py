"""JSON in and out: digits kept, depth bounded, every body that is JSON read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.operations.answers import decode, encode, plain_json
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1.10}', {"a": Decimal("1.10")}),
        (b"[1, 2e3, true, null]", [1, Decimal("2E+3"), True, None]),
        (b'"\\ud83c\\udfe0"', "🏠"),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        (b"[" * 64 + b"]" * 64, None),
        (b'["' + b"[" * 200 + b'"]', ["[" * 200]),
    ],
)
def test_json_is_read(body: bytes, value: Any) -> None:
    found = decode(body)
    assert value is None or found == value


@pytest.mark.contract("http-api.md#bad-json")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": "\\ud800", "b": NaN}',
        b'{"a": "\\u12"}',
        b"\xff\xfe",
        b"[" * 65 + b"]" * 65,
        b'{"a": "\x00"}',
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Error) as caught:
        decode(body)
    assert caught.value.code == "bad_json"


def test_digits_are_kept() -> None:
    assert encode(decode(b'{"a":250000.50,"b":[0.1]}')) == b'{"a":250000.50,"b":[0.1]}'


@pytest.mark.contract("documents.md#bad-characters")
@pytest.mark.parametrize("body", [b'{"name": "\\ud800"}', b'{"name": "x", "address": {"city": "a\\u0000b"}}'])
async def test_characters_that_cannot_be_stored_are_value_faults(crm: TestCrm, body: bytes) -> None:
    refused = await refusal(crm.write([Change("create", "contact", values=decode(body))]))
    assert [code for _, code in refused.faults] == ["format"]


@pytest.mark.parametrize("kind", ["y", "n"])
def test_the_public_suite_of_json_texts(shared_file: Callable[[str], Path], kind: str) -> None:
    """Valid texts are read, invalid ones refused; nothing else is ever raised."""
    samples = shared_file("json_parsing/test_parsing")
    for file in sorted(samples.glob(f"{kind}_*.json")):
        if kind == "y":
            decode(file.read_bytes())
        else:
            with pytest.raises(Error):
                decode(file.read_bytes())
    for file in sorted(samples.glob("i_*.json")):
        with suppress(Error):
            decode(file.read_bytes())


def test_a_number_that_no_float_holds_is_refused_as_json() -> None:
    assert plain_json({"a": Decimal("1.5")}) == {"a": 1.5}
    with pytest.raises(Error) as refused:
        plain_json(decode(b'{"a": 1e999}'))
    assert refused.value.code == "bad_json"
