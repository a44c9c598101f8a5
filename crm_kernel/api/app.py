"""The HTTP application of one kernel: its routes, and the one door before them (floor 9)."""

from __future__ import annotations

import re
from functools import cache
from time import perf_counter
from typing import Any

from litestar import Litestar, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.types import ASGIApp, Receive, Send
from uuid_utils import uuid7

from crm_kernel.api import (
    documents,
    events,
    explain,
    health,
    imports,
    jobs,
    metrics,
    openapi,
    plugin_routes,
    plugins,
    record_merge,
    record_moves,
    record_shares,
    record_timeline,
    record_undo,
    records,
    reports,
    schema,
    search,
    session,
    sessions,
    tokens,
)
from crm_kernel.api.answer import Answer
from crm_kernel.api.auth import is_open, refuse_forged, session_of, token_of
from crm_kernel.api.cookies import set_cookie
from crm_kernel.api.direct import DirectRoutes
from crm_kernel.api.line import Line
from crm_kernel.api.problems import EXCEPTION_HANDLERS, Disconnected, allow, internal, render
from crm_kernel.api.request import ApiRequest
from crm_kernel.api.request_meter import RequestMeter
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel

ROUTES: tuple[HTTPRouteHandler, ...] = (
    *records.ROUTES,
    *record_moves.ROUTES,
    *record_merge.ROUTES,
    *record_undo.ROUTES,
    *record_shares.ROUTES,
    *record_timeline.ROUTES,
    *imports.ROUTES,
    *jobs.ROUTES,
    *schema.ROUTES,
    *reports.ROUTES,
    *explain.ROUTES,
    *search.ROUTES,
    *events.ROUTES,
    *documents.ROUTES,
    *plugins.ROUTES,
    *session.ROUTES,
    *sessions.ROUTES,
    *tokens.ROUTES,
    *openapi.ROUTES,
    *health.ROUTES,
    *metrics.ROUTES,
)

_PATHS = sorted({path for handler in ROUTES for path in handler.paths})


@route(_PATHS, http_method=HttpMethod.OPTIONS)
async def options(request: ApiRequest) -> Answer:
    """The methods of a path. Litestar's own answer knows those of one handler only."""
    template = request.scope["path_template"]
    methods = (m for handler in ROUTES if _template(handler) == template for m in handler.http_methods)
    return Answer(status=204, headers=((b"allow", allow(*methods, "OPTIONS").encode()),))


def _template(handler: HTTPRouteHandler) -> str:
    (path,) = handler.paths
    return path.replace(":str}", "}")


MAX_PATH = 1024
"""Longer paths lead nowhere. Litestar remembers the last 1,024 paths it found, so their length is memory."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~+/=:-]{1,128}")


def create_app(kernel: Kernel) -> ASGIApp:
    """The ASGI application that serves `kernel` over HTTP. Opening and closing the kernel is its owner's."""
    return _Api(kernel)


class _Routed(Litestar):
    """All routes. They know no kernel: a request brings it."""

    def __init__(self) -> None:
        super().__init__(
            (options, *ROUTES),  # first: Litestar would add an answer of its own
            debug=False,
            exception_handlers=EXCEPTION_HANDLERS,
            logging_config=None,
            openapi_config=None,
            request_class=ApiRequest,
            request_max_body_size=None,
        )

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        # Litestar adds plugins for pydantic and attrs here. Nothing uses them, and importing them is 0.1 s of a start.
        return plugins


@cache
def _routed() -> _Routed:
    """The routes, for all applications of a process: Litestar takes 0.1 s to look at them."""
    return _Routed()


class _Api:
    """Litestar with one door before its routes.

    The door gives each request its id, finds out who sends it, before any route is looked for, and puts the fixed
    headers on every answer, whoever makes it. So no route can forget one of them. It stands outside of Litestar's
    middleware, which is as dear as all the rest of a request together.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._direct = DirectRoutes((*records.ROUTES, *imports.ROUTES))
        self._routed = _routed()
        self._requests = RequestMeter()
        self._kept = {"descriptions": openapi.Descriptions(), "requests": self._requests}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (or the start and stop of the server)."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await self._routed(scope, receive, send)

    async def _serve(self, scope: Any, receive: Receive, send: Send) -> None:
        begun, method = perf_counter(), scope["method"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        sent_id = headers.get(b"x-request-id", b"")
        request_id = sent_id if _REQUEST_ID.fullmatch(sent_id) else str(uuid7()).encode()
        scope["request_id"] = request_id.decode()
        scope["headers_by_name"] = headers
        scope["kernel"], scope["kept"] = self.kernel, self._kept
        line = Line(receive, send, request_id, headers, bodiless=scope["method"] == "HEAD")
        try:
            found = plugin_routes.matched(self.kernel, scope)
            await self._admit(scope, headers, line, is_public=found is not None and found.route.public)
            handle = self._direct.find(scope, headers)
            if plugin_routes.is_ours(scope):
                answer = await plugin_routes.answer(ApiRequest(scope, line.receive, line.send), found)
                await answer(scope, line.receive, line.send)
            elif handle is None:
                await self._routed(scope, line.receive, line.send)
            else:
                answer = await handle(ApiRequest(scope, line.receive, line.send))
                await answer(scope, line.receive, line.send)
        except Error as error:
            await render(error)(scope, line.receive, line.send)
        except Disconnected:
            await Answer(status=400)(scope, line.receive, line.send)
        except Exception as exception:
            answer = internal(exception, scope)
            if not line.started:
                await answer(scope, line.receive, line.send)
        finally:
            self._requests.add(scope, method, line.status, perf_counter() - begun)

    async def _admit(self, scope: dict[str, Any], headers: dict[bytes, bytes], line: Line, *, is_public: bool) -> None:
        if not (is_public or is_open(scope["method"], scope["path"])):
            credential = await token_of(self.kernel, headers)
            if credential is None:
                credential = await session_of(self.kernel, scope, headers)
                if credential.renewed is not None:  # said whatever becomes of the request
                    line.cookie = set_cookie(self.kernel, scope, headers, credential.renewed)
                refuse_forged(self.kernel, scope, headers, credential)
            scope["caller"], scope["credential"] = credential.caller, credential
        if len(scope["path"]) > MAX_PATH:
            raise Error("not_found", f"There is nothing at a path of more than {MAX_PATH} characters.")
        if scope["method"] == "HEAD":
            scope["method"] = "GET"
            scope["bodiless"] = True
