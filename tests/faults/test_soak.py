"""A server under a light mixed load for ten minutes: it grows neither in memory nor in descriptors nor connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import linear_regression
from time import monotonic, sleep
from urllib.parse import urlencode

import pytest

from tests.faults.conftest import form, told
from tests.faults.load import LEASES
from tests.faults.serving import App, Client
from tests.looking import Looker

RATE = 50
"""Requests a second."""
WARM, MEASURED = form((5.0, 15.0), (180.0, float(os.environ.get("CRM_TEST_SOAK") or 600.0)))
SAMPLE = form(0.5, 2.0)
MIB = 1 << 20
MOST_GROWTH = form(150.0, 1.0)
"""MiB in ten minutes; a server that was just started still fills its caches, so that the short form only finds what
keeps 5 KiB of each request."""


def requests(client: Client) -> Iterator[None]:
    """One request each: create, read, change, list, count, move, report of what there is, remove."""
    number = 0
    while True:
        number += 1
        made = client.answered("POST", LEASES, {"number": f"S-{number}", "rent": float(number % 900)})
        assert made.status == 201, made
        at = f"{LEASES}/{made.body['id']}"
        yield
        for method, path, body in (
            ("GET", at, None),
            ("PATCH", at, {"rent": 1.0}),
            ("GET", f"{LEASES}?limit=50", None),
            ("GET", LEASES + "?" + urlencode({"filter": f"rent > {number % 900}", "sort": "-rent", "limit": 20}), None),
            ("GET", f"{LEASES}?count=capped&limit=1", None),
            ("POST", f"{at}/move", {"to": "signed"}),
            ("GET", f"{at}/history", None),
            ("GET", "/api/schema", None),
            ("DELETE", at, None),
        ):
            answer = client.answered(method, path, body)
            assert answer.status < 300, (path, answer)
            yield


class Sampled:
    """What the server holds, over time."""

    def __init__(self, app: App, look: Looker) -> None:
        assert app.process is not None
        self._proc = Path(f"/proc/{app.process.pid}")
        self._look = look
        self.seconds: list[float] = []
        self.mib: list[float] = []
        self.descriptors: list[int] = []
        self.connections: list[int] = []

    def take(self, at: float) -> None:
        """One sample."""
        status = (self._proc / "status").read_text().split()
        self.seconds.append(at)
        self.mib.append(int(status[status.index("RssAnon:") + 1]) / 1024)  # not the pages of the mapped file
        self.descriptors.append(len(list((self._proc / "fd").iterdir())))
        if self._look.engine == "postgresql":
            theirs = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            self.connections.append(self._look(theirs)[0][0])

    @property
    def slope(self) -> float:
        """MiB in ten minutes, by regression over all samples."""
        return linear_regression(self.seconds, self.mib).slope * 600


def test_under_a_light_load_nothing_grows(app: App, look: Looker, capsys: pytest.CaptureFixture[str]) -> None:
    app.start()
    sampled, ended = Sampled(app, look), threading.Event()
    begun = monotonic()

    def sample() -> None:
        while not ended.wait(SAMPLE):
            if monotonic() - begun > WARM:
                sampled.take(monotonic() - begun)

    count = 0
    sampling = threading.Thread(target=sample)
    with closing(app.client()) as client:
        asking = requests(client)
        sampling.start()
        try:
            while (passed := monotonic() - begun) < WARM + MEASURED:
                sleep(max(0.0, count / RATE - passed))
                next(asking)
                count += 1
        finally:
            ended.set()
            sampling.join()
    told(
        capsys,
        f"soaked for {MEASURED:.0f} s after {WARM:.0f} s",
        requests=count,
        rate=f"{count / (WARM + MEASURED):.0f}/s",
        memory=f"{sampled.mib[0]:.1f} to {sampled.mib[-1]:.1f} MiB, {sampled.slope:+.2f} MiB in 10 minutes",
        descriptors=f"{min(sampled.descriptors)} to {max(sampled.descriptors)}",
        connections=f"{min(sampled.connections, default=1)} to {max(sampled.connections, default=1)}",
    )
    app.stop()
    assert len(sampled.seconds) > MEASURED / SAMPLE / 2
    assert sampled.slope < MOST_GROWTH
    assert max(sampled.descriptors) - min(sampled.descriptors) <= 2
    assert max(sampled.connections, default=0) - min(sampled.connections, default=0) <= 2
