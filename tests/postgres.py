"""The PostgreSQL server that tests run on: `python -m tests.postgres [--start | --own] COMMAND…`.

Runs the command with `CRM_TEST_POSTGRES` set to a server that answers: the one it names, else the local one, else with
`--start` one that is made of the installed binaries in a temporary folder and gone afterwards. With `--own` such a one
comes before the local one, and it is kept in memory where there is room: each test copies a database of hundreds of
files, 20 ms there and 400 ms on a disk. Without a server and without an option it says so and runs nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import asyncpg

from crm_kernel.testing.databases import LOCAL, OPTIONS, SERVER

ROOM = 4 << 30


def answers(url: str) -> bool:
    """Whether a server can be worked with."""

    async def try_it() -> None:
        connection = await asyncpg.connect(url, timeout=5)
        await connection.close()

    try:
        asyncio.run(try_it())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


def installed(name: str) -> str | None:
    """The path of a program of the server; Debian keeps them out of PATH."""
    places = [os.environ.get("PATH", ""), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    return shutil.which(name, path=os.pathsep.join(places))


def binary(name: str) -> str:
    """The path of a program that must be there."""
    found = installed(name)
    if found is None:
        sys.exit(f"tests: no PostgreSQL server answers, and {name} is not installed. Name a server in {SERVER}.")
    return found


def in_memory() -> Path | None:
    """A folder that is kept in memory and has room for the databases of the tests."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free >= ROOM else None


class Server(NamedTuple):
    """A server of our own: its URL, the command line that controls it, and its major version."""

    url: str
    control: Sequence[str]
    version: int

    def restart(self, mode: str) -> None:
        """Stop it as `pg_ctl -m` says (fast: connections are cut; immediate: as if it had crashed), and start it."""
        subprocess.run([*self.control, "-m", mode, "restart"], check=True)


@contextmanager
def started(place: Path | None = None) -> Iterator[Server]:
    """A server of our own on a free port, with its files in a new folder of `place`."""
    with TemporaryDirectory(prefix="crm-postgres-", dir=place) as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        as_user: Sequence[str] = ()
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
            as_user = ("runuser", "-u", "postgres", "--")
        data = f"{folder}/data"
        run = [*as_user, binary("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        free.close()
        control = [*as_user, binary("pg_ctl"), "-D", data, "-w", "-s", "-l", f"{folder}/log"]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        subprocess.run([*control, "-o", options, "start"], check=True)
        try:
            yield Server(
                f"postgresql://postgres@127.0.0.1:{port}/postgres", control, int(Path(data, "PG_VERSION").read_text())
            )
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True)


def main(arguments: list[str]) -> int:
    """The command's exit status, 0 where there is no server to run it on."""
    option = arguments[0] if arguments[0] in ("--start", "--own") else ""
    command = arguments[bool(option) :]
    url = os.environ.get(SERVER, LOCAL)
    environ = dict(os.environ)
    with ExitStack() as opened:
        if SERVER not in os.environ and option == "--own" and installed("initdb"):
            place = in_memory()
            server = opened.enter_context(started(place))
            url = server.url
            if place is not None and server.version >= 15:
                environ[OPTIONS] = "STRATEGY file_copy"  # in memory a copy and its dropping take 49 for 112 ms
        elif not answers(url):
            if SERVER in os.environ:
                sys.exit(f"tests: the server that {SERVER} names does not answer.")
            if not option:
                print(f"tests: no PostgreSQL server answers; {SERVER} names one. Its tests are left out.")
                return 0
            url = opened.enter_context(started()).url
        return subprocess.run(command, env={**environ, SERVER: url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
