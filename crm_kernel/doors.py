"""What a plugin opens to the outside: routes, importers, exporters, commands (floor 1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, BinaryIO, Literal

import msgspec

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route of its own, at `/api/x/{plugin}` + `path`: `async def handle(request, crm)` gives an `Answer`.

    `path` begins with `/`; a segment `{name}` is a parameter (`/vehicles/{vin}`), and of two routes that fit the one
    with a fixed segment further left is taken. It answers callers with a token or a session, or with `public` anyone.
    `summary` is its line in `/openapi.json`, `accepts` the media type of its body. `changes` (by default all methods
    but GET): whether it may change something. Where it does not, `crm` refuses to write, and a token that only reads
    may be used.
    """

    method: Method
    path: str
    handle: Callable[[Any, Any], Awaitable[Any]]
    summary: str
    public: bool = False
    changes: bool | None = None
    accepts: str = "application/json"

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET" if self.changes is None else self.changes

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of its path; a parameter is `{name}`."""
        return tuple(self.path.strip("/").split("/"))

    @property
    def label(self) -> str:
        """Method and path: `POST /adf`."""
        return f"{self.method} {self.path}"


Reader = Callable[[BinaryIO, Any], AsyncIterator[Any]]


class Importer(msgspec.Struct, frozen=True, kw_only=True):
    """A format of files that records are imported from: `crm import ENTITY FILE --format NAME`.

    `read` is `async def read(file, crm)` with `yield`: of each source record (a lead of a file, a card) the list of
    changes it asks for, which are done together or not at all, or an `Error`, which refuses this source record alone.
    `file` is open for bytes; `crm` reads with the rights of whoever imports, and does not write. A file that cannot be
    read at all raises an `Error`. It is read twice and again after an interruption, so it gives the same each time.
    `entity` is the one whose right `import` is asked for, `suffixes` the ends of file names that mean this format.
    """

    name: str
    title: str
    entity: str
    read: Reader
    suffixes: Sequence[str] = ()
    media_types: Sequence[str] = ()


Writer = Callable[[AsyncIterator[Any]], AsyncIterator[bytes]]


class Exporter(msgspec.Struct, frozen=True, kw_only=True):
    """A format that records are exported in: `GET /api/records/{entity}/export?format=NAME`, `crm query --format NAME`.

    `write` is `async def write(records)` with `yield`: `records` is iterated with `async for` and gives the records
    of `entity` that were asked for, of each the fields that the caller may read (a field he may not is absent, so
    read with `.get`); what it yields are the bytes of the file, sent as they come. `suffix` ends the name of the file.
    """

    name: str
    title: str
    entity: str
    write: Writer
    suffix: str
    media_type: str = "application/octet-stream"


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """An argument of a command. One that is `required` stands in its place (`crm x sales forecast 2026-Q1`), others are
    options (`--quarter 2026-Q1`); a `flag` is one or is not. `many` takes several and gives a list.
    """

    name: str
    help: str = ""
    type: Literal["text", "integer", "number", "date", "flag", "file"] = "text"
    required: bool = False
    default: Any = None
    many: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command of its own: `crm x PLUGIN NAME ...`; `async def handle(crm, **arguments)` with those it declares.

    What it returns is shown: a text as it is, a list of objects as a table, anything else as JSON; with `--json` all of
    it is JSON. `crm` acts as the plugin, with `--as LOGIN` as that user. An `Error` is told, and the exit status is 1.
    It is cut after `timeout` seconds, by default those that any call of a plugin has (`call_deadline_ms`).
    """

    name: str
    handle: Callable[..., Awaitable[Any]]
    help: str
    arguments: Sequence[Argument] = ()
    timeout: float | None = None
