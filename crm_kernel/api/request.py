"""A request as handlers read it: who sent it, its parameters, its preconditions, its JSON (floor 9)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request

from crm_kernel.api.problems import Disconnected
from crm_kernel.callers import Caller
from crm_kernel.errors import Error, Fault, near
from crm_kernel.kernel import Kernel
from crm_kernel.operations.answers import check_depth, parse, refuse_repeated
from crm_kernel.operations.credentials import Credential
from crm_kernel.operations.once import OnceKey
from crm_kernel.schema.walk import is_utf8

MAX_BODY = 8 * 1024 * 1024
MAX_BATCH_BODY = 32 * 1024 * 1024
MAX_VALUES = 400_000
MAX_BATCH_VALUES = 1_500_000
"""How many commas and brackets a body may have: small values cost up to forty times their bytes in memory."""

_MAX_PARAMETERS = 100
_SHORT_QUERY = 512
_MAX_KEY = 255
_MAX_QUOTES = 8
"""How many quotation marks a value may have on average."""
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_NO_VERSION = -1
"""The version of an entity tag that is none of ours: no record has it."""


class ApiRequest(Request[Any, Any, Any]):
    """A request that has passed the door."""

    __slots__ = ()

    scope: Any
    """That of ASGI, with what the door puts into it."""

    @property
    def kernel(self) -> Kernel:
        """The kernel that serves it."""
        return self.scope["kernel"]

    @property
    def kept(self) -> dict[str, Any]:
        """What the application keeps from one request to the next."""
        return self.scope["kept"]

    @property
    def caller(self) -> Caller:
        """Who sent it."""
        return self.scope["caller"]

    @property
    def credential(self) -> Credential:
        """The token or session he sent it with."""
        return self.scope["credential"]

    @property
    def headers_by_name(self) -> Mapping[bytes, bytes]:
        """All headers, by their names in lower case."""
        return self.scope["headers_by_name"]

    def header(self, name: bytes) -> str | None:
        """A header by its name in lower case."""
        value: bytes | None = self.scope["headers_by_name"].get(name)
        return None if value is None else value.decode("latin-1")

    def parameters(self, known: Collection[str] | None = ()) -> dict[str, str]:
        """The query-string parameters by name; with None any name may be there.

        Raises `Error("unknown_parameter" | "bad_value")`: an unknown name, one given twice, text that is not UTF-8.
        """
        query: bytes = self.scope["query_string"]
        if not query:
            return {}
        try:
            pairs = _kept_pairs(query) if len(query) <= _SHORT_QUERY else _pairs(query)
        except ValueError:
            detail = f"The query string is not UTF-8, or has more than {_MAX_PARAMETERS} parameters."
            raise Error("bad_value", detail) from None
        found: dict[str, str] = {}
        for name, value in pairs:
            if known is not None and name not in known:
                hint = "It takes none." if not known else f"Known here: {', '.join(sorted(known))}."
                raise Error("unknown_parameter", f"unknown parameter {name[:100]!r}:{near(name, known)}", hint=hint)
            if name in found:
                raise Error("bad_value", f"{name[:100]} is given twice.", hint="Give each parameter once.")
            found[name] = value
        return found

    def version(self) -> int | None:
        """The version that `If-Match` names; None where any will do. Raises `Error("bad_value")`."""
        sent = self.header(b"if-match")
        if sent is None or sent.strip() == "*":
            return None
        tag = _ENTITY_TAG.fullmatch(sent.strip())
        if tag is None:
            hint = 'Send the ETag of the record as it came, such as "3".'
            raise Error("bad_value", f"If-Match is {sent[:100]!r}; expected one entity tag or *.", hint=hint)
        text = tag[1]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else _NO_VERSION

    @property
    def record_id(self) -> str:
        """The id in the path, a UUID in its usual form; what is no UUID is left as it is, and names no record."""
        sent: str = self.path_params["id"]
        return sent.lower() if _UUID.fullmatch(sent) else sent

    async def value(self, *, limit: int = MAX_BODY, values: int = MAX_VALUES, record: bool = False) -> Any:
        """The JSON value of the body. Raises `Error("bad_json" | "too_large")`.

        Half of a surrogate pair is no text that could be stored or answered. In the values of a `record` it is left to
        the write door, which names the field.
        """
        kind = (self.header(b"content-type") or "application/json").partition(";")[0].strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            hint = "Send JSON with the header Content-Type: application/json."
            raise Error("bad_json", f"The body is {kind[:100]!r}, not JSON.", hint=hint)
        return read_value(await self.body_bytes(limit), values=values, record=record)

    async def body_bytes(self, limit: int = MAX_BODY) -> bytes:
        """The body as it came. Raises `Error("too_large")`."""
        body = await self._read(limit)
        self.scope["body"] = body
        return body

    @property
    def once_key(self) -> OnceKey | None:
        """The `Idempotency-Key` of the caller: see `once_key_of`."""
        return self.once_key_of(self.caller.id)

    def once_key_of(self, user: str | None) -> OnceKey | None:
        """The `Idempotency-Key` with what it is bound to: a user, method, path and the body read before.

        Raises `Error("bad_value")` for an empty one or one of more than 255 characters.
        """
        sent = self.header(b"idempotency-key")
        if sent is None:
            return None
        if not 0 < len(sent) <= _MAX_KEY:
            hint = f"Send 1 to {_MAX_KEY} characters, such as a UUID, a new one for each request."
            raise Error("bad_value", f"The Idempotency-Key has {len(sent)} characters.", hint=hint)
        path = self.scope["raw_path"] + b"?" + self.scope["query_string"]
        bound = b"\0".join((self.scope["method"].encode(), path, self.scope.get("body", b"")))
        return OnceKey(user or "", sent, sha256(bound).hexdigest())

    async def _read(self, limit: int) -> bytes:
        declared = self.header(b"content-length")
        if declared is not None and declared.isascii() and declared.isdigit() and int(declared[:16]) > limit:
            raise _too_large(f"is larger than {limit} bytes")
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(f"is larger than {limit} bytes")
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)


def read_value(body: bytes, *, values: int = MAX_VALUES, record: bool = False) -> Any:
    """The value of a JSON body; see `ApiRequest.value`."""
    if body.count(b'"') > _MAX_QUOTES * values:
        raise _too_large(f"has more than {values} values")
    check_depth(body)
    if sum(map(body.count, (b",", b"[", b"{"))) > values:
        raise _too_large(f"has more than {values} values")
    value = parse(body)
    if isinstance(value, (dict, list)):
        refuse_repeated(body, value)
    if not record and b"\\u" in body and not is_utf8(value):
        raise Error("bad_json", "The body has half of a surrogate pair.")
    return value


def _too_large(what: str) -> Error:
    return Error("too_large", f"The body {what}.")


def _pairs(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)


_kept_pairs = lru_cache(1024)(_pairs)
"""For queries that are sent again and again; only short ones, as what is kept is memory."""


def choice(parameters: dict[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """A parameter that takes one of a few words, the first by default. Raises `Error("bad_value")`."""
    value = parameters.get(name, allowed[0])
    if value not in allowed:
        raise Error("bad_value", f"{name} is {value[:100]!r}; expected {' or '.join(allowed)}.")
    return value


def flag(parameters: dict[str, str], name: str) -> bool:
    """A parameter that is true or false, false by default. Raises `Error("bad_value")`."""
    return choice(parameters, name, ("false", "true")) == "true"


def no_object(value: Any, what: str) -> Error:
    """The refusal of a body that is JSON, but not an object."""
    words = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    got = words.get(type(value), "a number")
    detail = f"The body is {got}; expected an object with {what}."
    return Error("invalid", detail, faults=[Fault(pointer="", code="type", detail=detail)])
