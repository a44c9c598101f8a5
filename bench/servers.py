"""Starting a server, waiting for it, and reading what its processes cost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

BIN = Path(sys.executable).parent


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tree(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def seconds_used(pid: int) -> float:
    """Processor time of one process, of threads that ended too; 0 where there is none of that number.

    From its clock, which counts nanoseconds: `/proc` counts hundredths, which are 150 µs a request when 70 are asked.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a number
    except OSError:
        return 0.0


class Server:
    """A server process started for one measurement; it answers once the constructor has returned.

    Its output goes to the file `log`. Without `port` the server chooses one and says `listening on http://host:port`.
    """

    def __init__(self, command: list[str], ready: str, log: Path, *, port: int = 0, **environment: str) -> None:
        self.command, self.log = command, log
        self.began = time.perf_counter()
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment})
        self.port = port or self._announced()
        self.cold_start = self._wait(f"http://127.0.0.1:{self.port}{ready}") - self.began

    def _announced(self) -> int:
        """The port a server says it chose."""
        while self._patient():
            if found := re.search(r"listening on http://[^:/\s]+:(\d+)", self.log.read_text()):
                return int(found[1])
        raise self._silent("does not say where it listens")

    def _patient(self, patience: float = 60.0) -> bool:
        """Waits a moment; False when the server has ended or took too long."""
        time.sleep(0.005)
        return self.process.poll() is None and time.perf_counter() - self.began < patience

    def _silent(self, what: str) -> SystemExit:
        """The end of the run: the server is of no use."""
        self.stop()
        return SystemExit(f"bench: {' '.join(self.command)} {what}:\n{self.log.read_text()}")

    def _wait(self, url: str) -> float:
        """The moment of the first good answer."""
        while self._patient():
            with contextlib.suppress(URLError, ConnectionError), urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return time.perf_counter()
        raise self._silent(f"gives no answer at {url}")

    def cpu(self) -> float:
        """Seconds of processor time that all its processes have used."""
        return sum(map(seconds_used, tree(self.process.pid)))

    def resident(self) -> float:
        """MiB resident, all its processes added up."""
        total = 0
        for pid in tree(self.process.pid):
            found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
            total += int(found[1]) if found else 0
        return total / 1024

    def stop(self) -> None:
        """Ends it and waits."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def granian(target: str, log: Path, **environment: str) -> Server:
    """An ASGI application on granian with one worker, as the framework serves itself."""
    port = free_port()
    command = [
        *(str(BIN / "granian"), "--interface", "asgi", "--workers", "1", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", str(port), target),
    ]
    return Server(command, "/health/ready", log, port=port, **environment)


def timed(command: list[str], accept: tuple[int, ...] = (0,)) -> tuple[float, float, str]:
    """Runs a command: seconds, MiB it was resident at most, and what it printed. Stops the run where it fails."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accept:
            raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{process.stderr.read()}")
    return seconds, usage.ru_maxrss / 1024, output
