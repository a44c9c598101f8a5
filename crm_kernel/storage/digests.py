"""What makes a changed history entry show: a salted digest of its values, and a hash over the entry with that digest.

The salt is kept beside the values. Who erases both leaves a digest that tells nothing of what it was made from, and a
hash that still holds.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from hashlib import sha256
from os import urandom
from typing import Any

import msgspec

MARK = 11
"""How many characters of an entry's hash a seal keeps: 66 bits, enough to tell which entry of a seal was changed."""

_NO_MARK = "-" * MARK
_encode = msgspec.json.encode


def new_salts(count: int) -> list[str]:
    """So many salts of 128 random bits."""
    bits = urandom(16 * count)
    return [_text(bits[n : n + 16]) for n in range(0, 16 * count, 16)]


def values_digest(salt: str, changes: str | None, move: str | None) -> str:
    """The salted digest of an entry's values, as they are stored."""
    return _text(sha256(_encode((salt, changes, move))).digest())


def entry_hash(facts: Sequence[Any], digest: str | None) -> str:
    """The hash of an entry: who, when and what kind of change (`facts`, as stored), and the digest of its values."""
    return _text(sha256(_encode((*facts, digest))).digest())


def mark(hash: str | None) -> str:
    """What a seal keeps of an entry's hash; dashes for an entry from before there were hashes."""
    return _NO_MARK if hash is None else hash[:MARK]


def seal_hash(before: str, first: int, last: int, marks: str) -> str:
    """The hash of a seal: over the seal before it, the numbers of its first and last entry and all their marks."""
    return _text(sha256(_encode((before, first, last, marks))).digest())


def marks_of(hashes: Iterable[str | None]) -> str:
    """The marks of entries in their order."""
    return "".join(map(mark, hashes))


def _text(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).decode()
