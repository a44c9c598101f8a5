"""`kill -9` of a server under mixed writes, and SIGTERM."""

from __future__ import annotations

import random
import subprocess
from time import sleep

import pytest

from tests.acceptance.cli.conftest import CRM, environment
from tests.faults.conftest import form, told
from tests.faults.load import Book, holds_what_was_acknowledged, is_whole, wait_for_the_dead, writers
from tests.faults.serving import App
from tests.looking import Looker

RUNS = form(2, 100)
WRITES = 300
READY = form(20.0, 5.0)  # tests run beside each other; alone it is five seconds


def test_killed_under_writes_nothing_acknowledged_is_lost(
    app: App, look: Looker, capsys: pytest.CaptureFixture[str]
) -> None:
    book, moments = Book(), random.Random(9)
    slowest = app.start()
    for run in range(1, RUNS + 1):
        threads = writers(app, book, run)
        book.wait_for(run * WRITES)
        sleep(moments.uniform(0, 0.03))  # anywhere between two COMMITs
        app.kill()
        for thread in threads:
            thread.join()
        wait_for_the_dead(look)
        holds_what_was_acknowledged(look, book)
        is_whole(look)
        slowest = max(slowest, app.start())
        assert slowest < READY
        assert not book.refused, book.refused
    app.stop()
    holds_what_was_acknowledged(look, book)
    verify = [CRM, "history", "verify", "--app", str(app.folder)]
    done = subprocess.run(verify, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    doubtful = sum(lease.doubt for lease in book.leases.values())
    told(
        capsys,
        f"killed {RUNS} times",
        acknowledged=book.acknowledged,
        lost=0,
        unanswered=doubtful,
        **{"slowest start": f"{slowest:.2f} s"},
    )
