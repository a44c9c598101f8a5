"""JSON in text columns: numbers stay as exact as they were written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def to_json(value: Any) -> str | None:
    """A value as JSON text, decimals as numbers; None stays null."""
    return None if value is None else _encoder.encode(value).decode()


def from_json(text: str | None) -> Any:
    """The value of a JSON text, fractions as `Decimal`; null stays None."""
    return None if text is None else _decoder.decode(text)
