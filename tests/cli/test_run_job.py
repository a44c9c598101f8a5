"""`crm run-job`: the process of a job ends with the server that started it, and by itself when all is done."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.acceptance.cli.conftest import CRM, environment
from tests.cli.conftest import SECRET, Crm


def test_it_is_named_in_no_help_and_does_nothing_without_a_job(crm: Crm, folder: Path) -> None:
    assert "run-job" not in crm("--help").out
    line = [CRM, "run-job", "01a22074-927f-74a7-8991-e6024917df32", "--app", str(folder)]
    with subprocess.Popen(
        line, env=environment(CRM_SECRET=SECRET), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.wait(timeout=60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_when_the_server_is_gone(folder: Path) -> None:
    done = subprocess.run(
        [CRM, "run-job", "01a22074-927f-74a7-8991-e6024917df32", "--app", str(folder)],
        env=environment(CRM_SECRET=SECRET),
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 75)
