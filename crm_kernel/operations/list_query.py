"""What a list is asked for: parameters, sort keys and the cursor that goes on where a page ended."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from itsdangerous import BadData, HMACAlgorithm, SignatureExpired, TimestampSigner, base64_decode, base64_encode

from crm_kernel.errors import Error, near

MAX_LIMIT = 500
DEFAULT_LIMIT = 50
MAX_SORT_KEYS = 4
COUNT_CAP = 1000
CURSOR_SECONDS = 24 * 3600

Count = Literal["none", "capped", "exact"]


class SortKey(NamedTuple):
    """One key of a sort: a field or path, and its direction."""

    path: str
    descending: bool


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a list. `sort` is a comma list with `-` for descending; `fields`, `expand` are comma lists.

    `export` asks for what may be taken out: records that the action `export` gives too, sensitive fields only by name.
    """

    filter: str | None = None
    q: str | None = None
    sort: str | None = None
    fields: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    count: Count = "none"
    deleted: bool = False
    export: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> ListQuery:
        """From query-string parameters. Raises `Error("unknown_parameter" | "bad_value")`."""
        known = ("filter", "q", "sort", "fields", "expand", "limit", "cursor", "count", "deleted")
        for name in params:
            if name not in known:
                raise Error("unknown_parameter", f"unknown parameter {name!r}:{near(name, known)}")
        count = params.get("count", "none")
        if count not in ("none", "capped", "exact"):
            raise Error("bad_value", f"count is {count!r}; expected none, capped or exact.")
        deleted = params.get("deleted")
        if deleted not in (None, "only"):
            raise Error("bad_value", f"deleted is {deleted!r}; expected only.")
        expand = split_names(params["expand"], "expand") if params.get("expand") else ()
        fields = split_names(params["fields"], "fields") if "fields" in params else None
        return cls(
            filter=params.get("filter") or None,
            q=params.get("q") or None,
            sort=params.get("sort") or None,
            fields=None if fields is None else tuple(dict.fromkeys((*fields, *expand))),
            expand=expand,
            limit=read_limit(params.get("limit")),
            cursor=params.get("cursor") or None,
            count=count,
            deleted=deleted == "only",
        )

    def sort_keys(self) -> tuple[SortKey, ...]:
        """The sort keys without the final `id`; () where none are asked for.

        Raises `Error("bad_value")` for more than four or an empty one.
        """
        if self.sort is None:
            return ()
        parts = [part.strip() for part in self.sort.split(",")]
        keys = tuple(SortKey(part.removeprefix("-"), part.startswith("-")) for part in parts)
        if len(keys) > MAX_SORT_KEYS:
            raise Error("bad_value", f"sort has {len(keys)} keys; at most {MAX_SORT_KEYS} are allowed.")
        if any(not key.path for key in keys):
            raise Error("bad_value", "sort has an empty key.")
        return keys


def split_names(text: str, parameter: str) -> tuple[str, ...]:
    """The names of a comma list, once each, in order. Raises `Error("bad_value")` for an empty one."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if "" in names:
        raise Error("bad_value", f"{parameter} has an empty name.")
    return names


def read_limit(text: str | None) -> int:
    """How many items a page may have. Raises `Error("bad_value")` outside of 1–500."""
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MAX_LIMIT or len(text) > 6:
        raise Error("bad_value", f"limit is {text!r}; expected a number from 1 to {MAX_LIMIT}.")
    return int(text)


class _Hmac(HMACAlgorithm):
    """The library's own signature (HMAC with SHA-1), made in one step: 1 instead of 4 µs."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha1")


class Cursors:
    """Signs and reads cursors: opaque, bound to user, entity, filter, q and sort, valid 24 hours on every node."""

    def __init__(self, secret: str) -> None:
        self._signer = TimestampSigner(secret, salt="cursor", algorithm=_Hmac())

    def write(self, owner: str | None, entity: str, query: ListQuery, position: list[Any]) -> str:
        """The cursor that goes on after a row with these values of sort keys and id."""
        payload = msgspec.json.encode([_binding(owner, entity, query), position])
        return self._signer.sign(base64_encode(payload)).decode()

    def read(self, owner: str | None, entity: str, query: ListQuery, width: int) -> list[Any]:
        """The values of sort keys and id of the last row seen. Raises `Error("bad_cursor")`."""
        try:
            payload = base64_decode(self._signer.unsign(query.cursor or "", max_age=CURSOR_SECONDS))
            binding, position = msgspec.json.decode(payload)
        except SignatureExpired:
            raise Error("bad_cursor", "The cursor is older than 24 hours.") from None
        except (BadData, msgspec.DecodeError):
            raise Error("bad_cursor", "The cursor is not one of ours.") from None
        if binding != _binding(owner, entity, query) or len(position) != width:
            raise Error("bad_cursor", "The cursor belongs to another user, entity, filter, q or sort.")
        return list(position)


def _binding(owner: str | None, entity: str, query: ListQuery) -> str:
    text = "\x1f".join((owner or "", entity, query.filter or "", query.q or "", query.sort or "", str(query.deleted)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
