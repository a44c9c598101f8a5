"""Databases to test on: SQLite files, or databases of a PostgreSQL server that are dropped afterwards (floor 11)."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

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

    def close(self) -> None:
        """End what is open to the server; no database can be made after it."""
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

    def close(self) -> None:
        """Nothing is open."""


class PostgresDatabases:
    """Databases of a server, named `crm_test_…`."""

    engine = "postgresql"

    def __init__(self, server: str, options: str = "") -> None:
        self._server = server
        self._options = options
        self._thread = ThreadPoolExecutor(1)  # a test may have a running loop already
        self._runner = asyncio.Runner()
        self._connection: Any = None  # one for all: a tenth of a small test went into two new ones

    def new(self, folder: Path, template: str | None = None) -> str:  # noqa: ARG002 - nothing is put there
        """A new database of the server."""
        name = f"crm_test_{secrets.token_hex(8)}"
        source = "template0" if template is None else urlsplit(template).path.removeprefix("/")
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{source}" {self._options}')
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Drop the database, whoever is connected to it."""
        name = urlsplit(url).path.removeprefix("/")
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        """End the connection to the server."""
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _run(self, statement: str) -> None:
        self._thread.submit(lambda: self._runner.run(self._execute(statement))).result()

    async def _execute(self, statement: str) -> None:
        if self._connection is None:
            import asyncpg  # noqa: PLC0415 - needed with this engine only

            self._connection = await asyncpg.connect(self._server, timeout=5)
        await self._connection.execute(statement)

    def _end(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()


def databases_of(engine: str, environ: Mapping[str, str] = os.environ) -> Databases:
    """The databases of an engine, `sqlite` or `postgresql`; the server is `CRM_TEST_POSTGRES` or the local one."""
    return (
        SqliteFiles() if engine == "sqlite" else PostgresDatabases(environ.get(SERVER, LOCAL), environ.get(OPTIONS, ""))
    )
