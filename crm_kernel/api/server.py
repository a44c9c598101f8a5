"""Serving a kernel with granian: one process by default, several on demand (floor 9)."""

from __future__ import annotations

import asyncio
import errno
import logging
import multiprocessing
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from granian.server.mp import MPServer
from litestar.types import ASGIApp, Receive, Send
from uuid_utils import reseed_rng

from crm_kernel.api.app import create_app
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings

Prepare = Callable[[Kernel], Awaitable[None]]
"""What is done with the open kernel before it is served: documents and tables are brought up to date."""

BACKLOG = 1024
GRACE_SECONDS = 15.0
"""How long requests under way may still take once the server is asked to end."""

_log = logging.getLogger("crm_kernel.server")

_OPTIONS: dict[str, Any] = {
    "backlog": BACKLOG,
    "http": HTTPModes.http1,
    # Room for a filter of 8,000 characters, percent-encoded; what is longer is refused before it is kept.
    "http1_settings": HTTP1Settings(max_buffer_size=128 * 1024),
    "websockets": False,
    "log_level": LogLevels.error,
    "log_dictconfig": {
        "handlers": {
            name: {"class": "logging.StreamHandler", "formatter": "generic", "stream": "ext://sys.stderr"}
            for name in ("console", "access")
        }
    },
}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `ConfigError` in one sentence where that is impossible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise ConfigError(f"There is no address {host!r} to listen on: {error}. Hint: --host 127.0.0.1.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # Without SO_REUSEPORT: a port that another server has is taken, and never shared with it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(_refusal(host, port, error)) from error
    return listener


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        reason = "it is taken by another program"
    elif error.errno == errno.EACCES:
        reason = "the system does not allow it to this user"
    else:
        reason = str(error.strerror or error)
    return (
        f"Port {port} of {host} cannot be used: {reason}. Hint: choose another with --port; --port 0 finds a free one."
    )


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket as `http://host:port`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    settings: Settings,
    listener: socket.socket,
    *,
    ready: Callable[[str], None],
    prepare: Prepare,
    strict: bool = False,
    workers: int = 1,
) -> None:
    """Serve the app until SIGTERM or SIGINT; requests under way are finished.

    `prepare` is awaited once, with the open kernel, before anything is answered; `ready` is called with the address
    once requests are. With several `workers` each is a process with a kernel of its own, and only the first delivers
    events. Raises `ConfigError` where the kernel cannot be opened or a worker ends by itself.
    """
    with listener:
        if workers == 1:
            asyncio.run(_serve_here(settings, listener, ready, prepare, strict))
        else:
            pending = asyncio.run(_prepare_only(settings, prepare, strict))
            _serve_in_processes(settings, listener, ready, workers, pending)


async def _serve_here(
    settings: Settings, listener: socket.socket, ready: Callable[[str], None], prepare: Prepare, strict: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    kernel = await Kernel.open(settings, strict=strict)
    try:
        await prepare(kernel)
        await kernel.start()
        if not stop.is_set():
            await _answer(create_app(kernel), listener, stop, ready)
    finally:
        await kernel.close()


async def _answer(app: ASGIApp, listener: socket.socket, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    url = url_of(listener)
    server = _Embedded(app, listener)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    ready(url)
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    by_itself = not stop.is_set()
    stopping.cancel()
    server.stop()
    done, _ = await asyncio.wait((serving,), timeout=GRACE_SECONDS)
    if not done:
        _log.warning("Requests under way were cut after %s s.", GRACE_SECONDS)
        serving.cancel()
        await asyncio.wait((serving,))
    if by_itself:
        raise ConfigError("The server ended by itself; what it said stands above.")


async def _prepare_only(settings: Settings, prepare: Prepare, strict: bool) -> list[dict[str, Any]]:
    """Prepare once for all workers; what is left to an administrator."""
    kernel = await Kernel.open(settings, strict=strict)
    try:
        await prepare(kernel)
        return kernel.pending
    finally:
        await kernel.close()


def _serve_in_processes(
    settings: Settings,
    listener: socket.socket,
    ready: Callable[[str], None],
    workers: int,
    pending: list[dict[str, Any]],
) -> None:
    url = url_of(listener)
    started = multiprocessing.Value("i", 0)

    def load() -> _Worker:
        reseed_rng()  # a forked process would give out the same keys as its siblings
        with started.get_lock():
            started.value += 1
            return _Worker(settings, pending, delivers=started.value == 1)

    server = _Processes(listener, workers)
    server.on_startup(lambda: ready(url))
    try:
        server.serve(target_loader=load, wrap_loader=False)
    except SystemExit as ended:
        raise ConfigError("A worker process ended by itself; what it said stands above.") from ended


class _Worker:
    """The application of one worker process: its kernel is open from the start of the server to its end."""

    def __init__(self, settings: Settings, pending: list[dict[str, Any]], *, delivers: bool) -> None:
        self._settings = settings
        self._pending = pending
        self._delivers = delivers
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            kernel = await Kernel.open(self._settings)
        except Exception as error:
            # Told, not raised: granian would go on serving an application whose start it saw fail.
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        kernel.pending = self._pending
        await kernel.start(delivers=self._delivers)
        self._app = create_app(kernel)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await kernel.close()
        await send({"type": "lifespan.shutdown.complete"})


def _held(descriptor: int) -> Any:
    holder: Any = SocketHolder  # its stub does not tell what it takes
    return holder(descriptor, False, BACKLOG)


class _Embedded(Server):
    """The server on this process's own loop: the fastest to start, and the smallest."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(app, address=host, port=port, interface=Interfaces.ASGINL, **_OPTIONS)
        self._descriptor = listener.detach()

    def _init_shared_socket(self) -> None:
        # granian would bind a socket of its own, and share the port with whoever has it already.
        self._ssp, self._shd = None, _held(self._descriptor)


class _Processes(MPServer):
    """The server with worker processes, which all accept on one socket."""

    def __init__(self, listener: socket.socket, workers: int) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__("", address=host, port=port, interface=Interfaces.ASGI, workers=workers, **_OPTIONS)
        self._descriptor = listener.detach()

    def _init_shared_socket(self) -> None:
        self._ssp, self._shd = None, _held(self._descriptor)
        self._sso = None
