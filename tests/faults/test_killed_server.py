"""`kill -9` of a server under mixed writes, and SIGTERM."""

from __future__ import annotations

import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import sleep

import pytest

from tests.acceptance.cli.conftest import CRM, environment
from tests.faults.conftest import form, told
from tests.faults.load import (
    LEASES,
    WRITERS,
    Book,
    Lease,
    at_once,
    holds_what_was_acknowledged,
    is_whole,
    wait_for_the_dead,
    writers,
)
from tests.faults.locks import kept
from tests.faults.serving import Answer, App, Client
from tests.looking import Looker

RUNS = form(2, 100)
WRITES = 300
READY, AT_MOST = form((20.0, 20.0), (5.0, 20.0))  # the machine may be busy with something else now and then


def test_killed_under_writes_nothing_acknowledged_is_lost(
    app: App, look: Looker, capsys: pytest.CaptureFixture[str]
) -> None:
    book, moments = Book(), random.Random(9)
    starts = [app.start()]
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
        starts.append(app.start())
        assert not book.refused, book.refused
    app.stop()
    holds_what_was_acknowledged(look, book)
    assert median(starts) < READY
    assert max(starts) < AT_MOST
    assert app.start_cpu < 5.0  # however busy the machine is
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
        ready=f"in {median(starts):.1f} s, at most {max(starts):.1f} s",
        start_cpu=f"at most {app.start_cpu:.1f} s",
    )


def test_asked_to_end_it_answers_what_is_under_way(app: App, look: Looker) -> None:

    def post(client: Client, number: int) -> Answer | None:
        return client.send("POST", LEASES, {"number": f"L-{number}"})

    app.start()
    book = Book()
    with ThreadPoolExecutor() as aside:
        with kept(look, "e_lease"):  # so that requests are certainly under way
            posts = aside.submit(
                at_once, app, WRITERS, lambda client, n: client.send("POST", LEASES, {"number": f"{n}"})
            )
            sleep(1)
            app.terminate()
            sleep(0.5)
        answers = posts.result()
    assert [answer and answer.status for answer in answers] == [201] * WRITERS
    assert app.ended() == 0
    for answer in answers:
        assert answer is not None
        book.leases[answer.body["id"]] = Lease(answer.body["version"], None, "draft")
    holds_what_was_acknowledged(look, book)
    is_whole(look)


def test_asked_to_end_under_load_it_keeps_what_it_acknowledged(app: App, look: Looker) -> None:
    book = Book()
    for run in range(1, form(1, 10) + 1):
        app.start()
        threads = writers(app, book, run)
        book.wait_for(run * WRITES)
        app.stop()
        for thread in threads:
            thread.join()
        assert not book.refused, book.refused
        holds_what_was_acknowledged(look, book, exactly=True)  # what was done was answered
        is_whole(look)
