"""Databases to test on: SQLite files, or databases of a PostgreSQL server that are dropped afterwards (floor 11)."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

SERVER = "CRM_TEST_POSTGRES"
"""The variable that names the server, as the URL of a database that may be connected to."""
OPTIONS = "CRM_TEST_POSTGRES_CREATE"
"""The variable with options of `CREATE DATABASE` that suit the server."""
LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
FILE = "crm.db"


class Databases(Protocol):
    """Makes databases of one engine. A URL is what `[database] url` takes."""

    engine: str

    def new(self, folder: Path, template: str | None = None) -> str:
        """A new database for an app in `folder`, empty or a copy of the closed database `template`; its URL."""
        ...

    def drop(self, url: str) -> None:
        """Remove a database that nobody needs any more."""
        ...


class SqliteFiles:
    """Files in the folders of apps; they go with them."""

    engine = "sqlite"

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}

    def new(self, folder: Path, template: str | None = None) -> str:
        """A file `crm.db` in the folder. Its URL is relative; as a template it must be given as it was returned."""
        path = folder / FILE
        if template is not None:
            shutil.copyfile(Path(template.removeprefix("sqlite:///")), path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Remove the file."""
        Path(url.removeprefix("sqlite:///")).unlink(missing_ok=True)


class PostgresDatabases:
    """Databases of a server, named `crm_test_…`."""

    engine = "postgresql"

    def __init__(self, server: str, options: str = "") -> None:
        self._server = server
        self._options = options
        self._thread = ThreadPoolExecutor(1)  # a test may have a running loop already

    def new(self, folder: Path, template: str | None = None) -> str:  # noqa: ARG002 - nothing is put there
        """A new database of the server."""
        name = f"crm_test_{secrets.token_hex(8)}"
        source = "template0" if template is None else urlsplit(template).path.removeprefix("/")
        self._run(self._copy(source, name))
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Drop the database, whoever is connected to it."""
        name = urlsplit(url).path.removeprefix("/")
        self._run(self._drop(name))

    async def _copy(self, source: str, name: str) -> None:
        async with self._connected() as connection:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" {self._options}')

    async def _drop(self, name: str) -> None:
        async with self._connected() as connection:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Any]:
        import asyncpg  # noqa: PLC0415 - needed with this engine only

        connection = await asyncpg.connect(self._server, timeout=5)
        try:
            yield connection
        finally:
            await connection.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(asyncio.run, work).result()


def databases_of(engine: str, environ: Mapping[str, str] = os.environ) -> Databases:
    """The databases of an engine, `sqlite` or `postgresql`; the server is `CRM_TEST_POSTGRES` or the local one."""
    return (
        SqliteFiles() if engine == "sqlite" else PostgresDatabases(environ.get(SERVER, LOCAL), environ.get(OPTIONS, ""))
    )
