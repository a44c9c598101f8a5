"""JSON in and out: numbers keep their digits, depth is bounded before parsing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

import msgspec

from crm_kernel.errors import Error

MAX_DEPTH = 64

_PART = 256 * 1024
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"?')
_SQUARE = bytes.maketrans(b"{}", b"[]")
_COLON = re.compile(rb'"\s*:')
_SHOWN = 100
_OTHERS = bytes(set(range(256)) - set(b'"[]{}'))

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def encode(answer: Any) -> bytes:
    """An answer as JSON; `Decimal` as a number, `msgspec.Raw` as it is."""
    return _encoder.encode(answer)


def decode(body: bytes) -> Any:
    """The value of a JSON body; numbers with a fraction are `Decimal`. Raises `Error("bad_json")`."""
    check_depth(body)
    return parse(body)


def plain_json(value: Any) -> Any:
    """The value of a body with its fractions as floats: documents hold no amounts of money.

    Raises `Error("bad_json")` for a number that is larger than floats are, and for half of a surrogate pair.
    """
    try:
        return msgspec.json.decode(encode(value))
    except UnicodeEncodeError:
        raise Error("bad_json", "The body has half of a surrogate pair, which is no character.") from None
    except msgspec.DecodeError:
        raise Error("bad_json", "The body has a number that is too large.") from None


def check_depth(body: bytes) -> None:
    """Raises `Error("bad_json")` for a body that is nested too deep; nothing is parsed for it."""
    if _is_too_deep(body):
        detail = f"The body is nested deeper than {MAX_DEPTH} levels, or its brackets do not match."
        raise Error("bad_json", detail)


def parse(body: bytes) -> Any:
    """`decode` for a body whose depth is checked."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if b"\\u" in body:
            return _decode_surrogates(body, error)
        raise Error("bad_json", f"The body is not JSON: {error}.") from None


def refuse_repeated(body: bytes, value: Any) -> None:
    """Raises `Error("bad_json")` where a member of the `body` of a value stands twice in one object: which one is
    meant nobody knows.

    Each member has a colon, so a body with as many as there are members has none twice. Colons in texts are left out
    next; only a body that has `":` in a text, or a member twice, is read again.
    """
    members = _members(value)
    if body.count(b":") != members and len(_COLON.findall(body)) != members:
        json.loads(body, object_pairs_hook=_once, parse_int=str, parse_float=str)


def _members(value: Any) -> int:
    """How many members all objects in a value have."""
    count, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            inner: Iterable[Any] = cast("dict[str, Any]", one).values()
            count += len(cast("dict[str, Any]", one))
        else:
            inner = cast("list[Any]", one)
        left += [part for part in inner if isinstance(part, (dict, list))]
    return count


def _once(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            shown = name[:_SHOWN].encode(errors="backslashreplace").decode()
            raise Error("bad_json", f"The member {shown!r} stands twice in one object.", hint="Send it once.")
        seen.add(name)


def _decode_surrogates(body: bytes, first: Exception) -> Any:
    """A body that the fast reader refuses, maybe for half of a surrogate pair: that is JSON, and a value fault that
    the field types name at its place."""
    try:
        return json.loads(body.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Error("bad_json", f"The body is not JSON: {first}.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets are nested deeper than `MAX_DEPTH` (or do not match), strings left out.

    Pairs of brackets are taken out level by level: a loop over the bytes takes a second for 10 MB, this a seventh.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _brackets(body)
    if b"[" * (MAX_DEPTH + 1) in brackets:
        return True
    for _ in range(MAX_DEPTH):
        outer = brackets.replace(b"[]", b"")
        if outer == brackets:
            break
        brackets = outer
    return bool(brackets)


def _brackets(body: bytes) -> bytes:
    """The brackets outside of strings, all of them as square ones. Goes part by part, to take little memory."""
    found: list[bytes] = []
    cut, in_text = b"", False
    for start in range(0, len(body), _PART):
        part = _ESCAPE.sub(b"", cut + body[start : start + _PART])
        cut = b"\\" if part.endswith(b"\\") else b""
        part = part.translate(_SQUARE, _OTHERS)
        part = b'"' + part if in_text else part
        in_text = part.count(b'"') % 2 == 1
        found.append(_STRING.sub(b"", part))
    return b"".join(found)
