"""`Idempotency-Key` over a server that is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest

from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.conftest import app_folder, served

CONTACTS = "/api/records/contact"


@pytest.mark.contract("http-api.md#idempotency")
def test_a_key_is_known_after_kill_and_restart(tmp_path: Path, new_database: NewDatabase) -> None:
    tokens = app_folder(tmp_path, new_database(tmp_path))
    headers = {"Authorization": f"Bearer {tokens['bob']}", "Idempotency-Key": "once"}
    with served(tmp_path) as (url, process):
        first = httpx.post(url + CONTACTS, json={"name": "Ilze"}, headers=headers)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert first.status_code == 201, first.text
    with served(tmp_path) as (url, process):
        again = httpx.post(url + CONTACTS, json={"name": "Ilze"}, headers=headers)
        contacts = httpx.get(url + CONTACTS, headers=headers).json()["items"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (again.status_code, again.content, again.headers["Idempotency-Replayed"]) == (201, first.content, "true")
    assert [contact["id"] for contact in contacts] == [first.json()["id"]]
