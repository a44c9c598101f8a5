"""Several server processes on one socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

SCRIPT = """
import sys
from pathlib import Path
from crm_kernel.api.server import listen, serve
from crm_kernel.errors import ConfigError
from crm_kernel.testing.kit import write_app

async def prepare(kernel):
    kernel.pending = [{"kind": "role", "name": "agent", "change": "conflict"}]
    await kernel.documents.sync_files(kernel.settings.documents, safe_only=True)
    if sys.argv[2] == "broken":
        for file in kernel.settings.folder.glob("crm.db*"):
            file.unlink()
        kernel.settings.database.path.write_text("no database " * 100)

def ready(url):
    print(url, flush=True)

try:
    serve(write_app(Path(sys.argv[1]), ()), listen("127.0.0.1", 0), ready=ready, prepare=prepare, workers=2)
except ConfigError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(tmp_path)]


def test_workers_answer_on_one_port_and_end_together(command: list[str]) -> None:
    with subprocess.Popen([*command, "sound"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            answers = [httpx.get(f"{url}/health/ready", timeout=30).json() for _ in range(8)]
            refused = httpx.get(f"{url}/api/schema", timeout=30)
        finally:
            os.kill(server.pid, signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    pending = [{"kind": "role", "name": "agent", "change": "conflict"}]
    assert answers == [{"status": "ready", "pending": pending}] * 8
    assert refused.status_code == 401


def test_a_worker_that_cannot_start_ends_all(command: list[str]) -> None:
    ended = subprocess.run([*command, "broken"], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "ended by itself" in ended.stderr
    assert "Traceback" not in ended.stderr
