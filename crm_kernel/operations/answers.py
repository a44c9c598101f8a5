"""JSON in and out: numbers keep their digits, depth is bounded before parsing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from crm_kernel.errors import Error

MAX_DEPTH = 64

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def encode(answer: Any) -> bytes:
    """An answer as JSON; `Decimal` as a number, `msgspec.Raw` as it is."""
    return _encoder.encode(answer)


def decode(body: bytes) -> Any:
    """The value of a JSON body; numbers with a fraction are `Decimal`. Raises `Error("bad_json")`."""
    if _depth(body) > MAX_DEPTH:
        raise Error("bad_json", f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if b"\\u" in body:
            return _decode_surrogates(body, error)
        raise Error("bad_json", f"The body is not JSON: {error}.") from None


def _decode_surrogates(body: bytes, first: Exception) -> Any:
    """A body that the fast reader refuses, maybe for half of a surrogate pair: that is JSON, and a value fault that
    the field types name at its place."""
    try:
        return json.loads(body.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Error("bad_json", f"The body is not JSON: {first}.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(body: bytes) -> int:
    """How deep brackets are nested, strings left out; cheap for the usual flat body."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    deepest = level = position = 0
    in_text = False
    length = len(body)
    while position < length:
        byte = body[position]
        if in_text:
            if byte == 0x5C:  # a backslash: what follows is escaped
                position += 1
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in (0x5B, 0x7B):
            level += 1
            deepest = max(deepest, level)
        elif byte in (0x5D, 0x7D):
            level -= 1
        position += 1
    return deepest
