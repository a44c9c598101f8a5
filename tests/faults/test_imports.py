"""`crm import` killed again and again, and writers beside one that runs."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.acceptance.cli.conftest import CRM, environment
from tests.faults.conftest import form, told
from tests.faults.load import LEASES, is_whole, wait_for_the_dead
from tests.faults.serving import App
from tests.looking import Looker

ROWS, KILLS = form((5_000, 2), (50_000, 50))
BESIDE = 20_000
P99 = form(0.500, 0.050)  # seconds; short forms run beside other tests


def leases(file: Path, rows: int) -> None:
    """A file of leases."""
    file.write_text("number,rent\n" + "".join(f"{file.stem}-{n},{n}\n" for n in range(1, rows + 1)), "utf-8")


def begin(app: App, file: Path) -> subprocess.Popen[str]:
    """`crm import` of a file, as a process."""
    line = [CRM, "import", "lease", str(file), "--json", "--app", str(app.folder)]
    return subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def job_of(process: subprocess.Popen[str]) -> dict[str, object]:
    """What an import says that ended well."""
    out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, "")
    return json.loads(out)


def reached(look: Looker) -> int:
    """How many rows of all imports are stored."""
    return sum(json.loads(body)["position"] for (body,) in look("SELECT body FROM crm_job"))


def test_killed_anywhere_it_takes_each_row_once(
    app: App, look: Looker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(5)
    positions, files = [0], 0
    first = 0.0  # seconds until a batch is stored
    for kill in range(KILLS):
        if positions[-1] == files * ROWS:  # at the first kill, and where one came when all was done
            files += 1
            leases(tmp_path / f"{files}.csv", ROWS)
        begun, process = monotonic(), begin(app, tmp_path / f"{files}.csv")
        if not kill:
            while not reached(look):
                assert process.poll() is None, process.communicate()
            first = monotonic() - begun
        else:
            sleep(moments.uniform(0, first * 1.3))
        process.kill()
        process.communicate()
        wait_for_the_dead(look)
        positions.append(reached(look))
        assert look("SELECT count(*) FROM e_lease") == [(positions[-1],)], "rows and position are stored together"
    assert positions == sorted(positions)
    if positions[-1] < files * ROWS:
        job = job_of(begin(app, tmp_path / f"{files}.csv"))
        assert (job["rows"], job["state"]) == (ROWS, "done")
        assert job["counts"] == {"created": ROWS, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}
    rows = files * ROWS
    each = "count(*), count(DISTINCT number), count(DISTINCT rent), min(rent), max(rent)"
    assert look(f"SELECT {each} FROM e_lease") == [(rows, rows, ROWS, 1.0, float(ROWS))]
    assert look("SELECT state, count(*) FROM crm_job GROUP BY state") == [("done", files)]
    is_whole(look)
    moved = sum(after > before for before, after in pairwise(positions))
    told(capsys, f"import of {ROWS:,} rows killed {KILLS} times", files=files, **{"kills after new rows": moved})


def test_single_writes_beside_an_import_stay_quick(
    app: App, look: Looker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "beside.csv"
    leases(file, BESIDE)
    app.start()
    begun, process = monotonic(), begin(app, file)
    with ThreadPoolExecutor() as aside, closing(app.client()) as client:
        ended = aside.submit(job_of, process)
        while not reached(look):
            assert not ended.done()
        took: list[float] = []
        while not ended.done():
            sent = monotonic()
            answer = client.answered("POST", LEASES, {"number": f"single {len(took)}"})
            took.append(monotonic() - sent)
            assert answer.status == 201, answer
            sleep(0.005)
        seconds = monotonic() - begun
        counts = ended.result()["counts"]
    assert counts == {"created": BESIDE, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}
    app.stop()
    (stored,) = look("SELECT count(*) FROM e_lease")[0]
    assert stored == BESIDE + len(took)
    p50, p99, worst = (1000 * sorted(took)[int(len(took) * part)] for part in (0.5, 0.99, 0.9999))
    figures = {"p50": f"{p50:.0f} ms", "p99": f"{p99:.0f} ms", "worst": f"{worst:.0f} ms"}
    told(capsys, f"{len(took)} creates beside an import of {BESIDE:,} rows in {seconds:.1f} s", **figures)
    assert p99 < P99 * 1000
