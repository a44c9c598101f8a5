"""The routes of plugins: what a handler is given and gives, and how its faults are contained (floor 7)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.doors import Route
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.answers import encode
from crm_kernel.operations.calls import Calls, Overrun
from crm_kernel.operations.crm import Crm
from crm_kernel.plugin_declarations import ROUTES
from crm_kernel.plugins import PluginHost

PREFIX = "/api/x/"

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4096}")
_MEDIA = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; *charset=[A-Za-z0-9-]+)?")
_OURS = ("connection", "content-length", "content-security-policy", "content-type", "set-cookie", "transfer-encoding")
"""Headers that an answer has from the server alone."""

log = logging.getLogger("crm_kernel.routes")


class Request(NamedTuple):
    """What came to a route: `params` are those of its path, `query` those behind it, `headers` by lower-case name.

    `caller` (`id login name roles locale timezone`) is who sent it, None on a public route: `crm.as_user(caller.id)`
    acts with his rights, narrowed as his token is.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    caller: Caller | None
    read_json: Callable[[bytes], Any]

    def json(self) -> Any:
        """The value of a JSON body; fractions are `Decimal`. Raises `Error("bad_json" | "too_large")`."""
        return self.read_json(self.body)


class Answer(msgspec.Struct, frozen=True):
    """What a route answers: `body` is bytes or text as it is, None for nothing, or else a value that JSON can hold.

    `status` is 200 to 499, by default 200, or 204 without a body. `media_type` is by default that of JSON, of text or
    of bytes. A refusal is rather raised: `Error("not_found", "There is no such vehicle.")`.
    """

    body: Any = None
    status: int | None = None
    media_type: str | None = None
    headers: Mapping[str, str] = {}


class Sent(NamedTuple):
    """An answer ready to be sent."""

    status: int
    media: str
    headers: list[tuple[str, str]]
    body: bytes


class Matched(NamedTuple):
    """A route, the plugin it belongs to, and the parameters in the path."""

    plugin: str
    route: Route
    params: dict[str, str]


class Services(Protocol):
    """What routes need of their kernel."""

    @property
    def plugins(self) -> PluginHost: ...
    @property
    def calls(self) -> Calls: ...
    def crm_for_route(self, plugin: str, sender: Caller | None, key: str | None, *, writes: bool) -> Crm: ...


class Routes:
    """The routes of one kernel's plugins."""

    def __init__(self, services: Services, deadline: float) -> None:
        self._services = services
        self._deadline = deadline

    @cached_property
    def all(self) -> list[tuple[str, Route]]:
        """(plugin, route) in plugin order; within a plugin those with fixed segments before those with parameters."""
        found = self._services.plugins.declared(ROUTES)
        return sorted(found, key=lambda item: [part.startswith("{") for part in item[1].segments])

    def match(self, method: str, path: str) -> Matched | None:
        """The route of a request, None where there is none."""
        return next((found for found in self._at(path) if found.route.method == method), None)

    def methods(self, path: str) -> list[str]:
        """The methods that a path has."""
        return sorted({found.route.method for found in self._at(path)})

    def _at(self, path: str) -> list[Matched]:
        plugin, _, rest = path.removeprefix(PREFIX).partition("/")
        parts = rest.split("/")
        return [
            Matched(name, route, params)
            for name, route in self.all
            if name == plugin and (params := _params(route, parts)) is not None
        ]

    async def call(self, matched: Matched, request: Request, key: str | None = None) -> Sent:
        """What the handler answers. With the same `key` the handler's `crm` writes once, however often it is called.

        Raises `Error`: what the handler raises; busy where its plugin is quarantined or it takes too long; invalid with
        `plugin_fault` where it fails or gives no answer.
        """
        plugin, route, _ = matched
        host = self._services.plugins
        if not host.is_active(plugin):
            raise _fault("busy", f"The plugin {plugin!r} is quarantined; its routes do not answer.")
        crm = self._services.crm_for_route(plugin, request.caller, key, writes=route.writes)

        async def answered() -> Sent:
            return _ready(await route.handle(request, crm))

        calls, name = self._services.calls, f"route {route.label}"
        try:
            return await calls.run(plugin, name, answered(), seconds=self._deadline, expected=Error)
        except Error:
            raise
        except Exception as error:
            log.exception("plugin %s failed in %s", plugin, route.label)
            if isinstance(error, Overrun):
                detail = f"The plugin {plugin!r} took longer than {self._deadline:g} s in {route.label}."
                raise _fault("busy", detail) from error
            raise _fault("invalid", f"The plugin {plugin!r} failed in {route.label}.") from error


def _fault(code: str, detail: str) -> Error:
    hint = "The log and GET /api/plugins say why."
    return Error(code, detail, hint=hint, faults=[Fault(pointer="", code="plugin_fault", detail=detail)])


def _params(route: Route, parts: list[str]) -> dict[str, str] | None:
    segments = route.segments
    if len(segments) != len(parts):
        return None
    params: dict[str, str] = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{") and part:
            params[segment[1:-1]] = part
        elif segment != part:
            return None
    return params


def _ready(answer: object) -> Sent:
    """The answer of a handler as it is sent. Raises `TypeError` for what is none."""
    if not isinstance(answer, Answer):
        raise TypeError(f"a route gives an Answer, got {type(answer).__name__}")
    answer = msgspec.convert(msgspec.structs.asdict(answer), Answer)
    body, media = _body(answer.body)
    media = answer.media_type or media
    status = answer.status or (204 if answer.body is None else 200)
    wrong = [name for name in answer.headers if name.lower() in _OURS or not _HEADER.fullmatch(name)]
    wrong += [name for name, value in answer.headers.items() if not _VALUE.fullmatch(value)]
    if wrong:
        raise TypeError(f"an Answer may not have the header {wrong[0]!r} with this value")
    if not 200 <= status <= 499 or not _MEDIA.fullmatch(media):
        raise TypeError(f"an Answer has a status from 200 to 499 and a media type, got {status} and {media!r}")
    return Sent(status, media, [(name.lower(), value) for name, value in answer.headers.items()], body)


def _body(body: object) -> tuple[bytes, str]:
    if body is None:
        return b"", "application/json"
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return encode(body), "application/json"
