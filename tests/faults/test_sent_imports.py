"""Imports that were sent to a server that is killed, and writers beside one that runs."""

from __future__ import annotations

import random
from contextlib import closing
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.faults.conftest import form, told
from tests.faults.load import LEASES, is_whole, wait_for_the_dead
from tests.faults.serving import PATIENCE, App
from tests.looking import Looker

ROWS, KILLS = form((3_000, 2), (50_000, 30))
BESIDE = form(6_000, 50_000)
P99 = form(0.500, 0.050)  # seconds; short forms run beside other tests


def send(app: App, rows: int) -> str:
    """The path of the job of a file of leases that was sent."""
    text = "number,rent\n" + "".join(f"sent-{n},{n}\n" for n in range(1, rows + 1))
    headers = {"Authorization": f"Bearer {app.tokens['ann']}"}
    answer = httpx.post(
        f"{app.url}{LEASES}/import", files={"file": ("leases.csv", text)}, headers=headers, timeout=PATIENCE
    )
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def job_of(app: App, path: str) -> dict[str, Any]:
    """The job as it is now."""
    with closing(app.client("ann")) as client:
        return client.answered("GET", path).body


def until(app: App, path: str, *states: str) -> dict[str, Any]:
    """The job once it is in one of these states."""
    begun = monotonic()
    while (job := job_of(app, path))["state"] not in states:
        assert monotonic() - begun < PATIENCE * 2, job
        sleep(0.02)
    return job


@pytest.mark.contract("http-api.md#import-killed")
def test_a_server_killed_during_an_import_goes_on_with_it(
    app: App, look: Looker, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(7)
    app.start()
    path = send(app, ROWS)
    positions: list[int] = []
    for _ in range(KILLS):
        before = job_of(app, path)["done"]
        begun = monotonic()
        while job_of(app, path)["done"] == before and monotonic() - begun < PATIENCE:
            sleep(0.01)
        sleep(moments.uniform(0, 0.05))
        app.kill()
        wait_for_the_dead(look)
        positions.append(look("SELECT count(*) FROM e_lease")[0][0])
        app.start()
    job = until(app, path, "done", "failed")
    assert (job["state"], job["rows"], job["counts"]["created"]) == ("done", ROWS, ROWS), job
    assert look("SELECT count(*), count(DISTINCT number) FROM e_lease") == [(ROWS, ROWS)]
    assert positions == sorted(positions)
    with closing(app.client("ann")) as client:
        assert client.answered("POST", f"{path}/undo").status == 202
    sleep(moments.uniform(0.5, 1.5))
    app.kill()
    wait_for_the_dead(look)
    app.start()
    job = until(app, path, "undone", "failed")
    assert (job["state"], job["undone"]) == ("undone", {"records": ROWS, "refused": 0}), job
    assert look("SELECT count(*) FROM e_lease WHERE deleted_at IS NULL") == [(0,)]
    assert look("SELECT count(*) FROM crm_history WHERE channel = 'undo'") == [(ROWS,)]
    begun = monotonic()
    while list((app.folder / "data" / "jobs").iterdir()):
        assert monotonic() - begun < PATIENCE, "files of a job that has ended are taken away"
        sleep(0.1)
    app.stop()
    is_whole(look)
    told(capsys, f"a sent import of {ROWS:,} rows", **{"rows at the kills": positions})


def test_single_writes_beside_a_sent_import_stay_quick(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    app.start()
    path = send(app, BESIDE)
    begun = monotonic()
    until_first, number = False, 0
    took: list[float] = []
    with closing(app.client()) as client, closing(app.client("ann")) as looking:
        state = "queued"
        while state in ("queued", "running"):
            sent, number = monotonic(), number + 1
            answer = client.answered("POST", LEASES, {"number": f"single {number}"})
            if until_first:
                took.append(monotonic() - sent)
            assert answer.status == 201, answer
            job = looking.answered("GET", path).body
            state, until_first = job["state"], until_first or job["done"] > 0
            sleep(0.005)
    seconds = monotonic() - begun
    assert job["counts"]["created"] == BESIDE
    app.stop()
    p50, p99, worst = (1000 * sorted(took)[int(len(took) * part)] for part in (0.5, 0.99, 0.9999))
    figures = {"p50": f"{p50:.0f} ms", "p99": f"{p99:.0f} ms", "worst": f"{worst:.0f} ms"}
    told(capsys, f"{len(took)} creates beside a sent import of {BESIDE:,} rows in {seconds:.1f} s", **figures)
    assert p99 < P99 * 1000
