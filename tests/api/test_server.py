"""Listening, serving in this process and in several, ending in an orderly way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_kernel.api.server import listen, serve, url_of
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings
from crm_kernel.testing.kit import write_app


def test_port_0_takes_a_free_one() -> None:
    with listen("127.0.0.1", 0) as one, listen("localhost", 0) as two:
        assert url_of(one) != url_of(two)
        assert url_of(one).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("share", [False, True])
def test_a_taken_port_is_told_in_one_sentence(share: bool) -> None:
    with socket.socket() as other:
        if share:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            listen("127.0.0.1", port)
    (sentence,) = refused.value.problems
    assert f"Port {port}" in sentence
    assert "taken" in sentence
    assert "--port 0" in sentence


@pytest.mark.parametrize("host", ["256.1.1.1", "192.0.2.1", "x" * 300, "\x00"])
def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(ConfigError) as refused:
        listen(host, 0)
    assert len(refused.value.problems) == 1


def test_urls_of_ipv6() -> None:
    class Listening:
        def getsockname(self) -> tuple[str, int, int, int]:
            return ("::1", 80, 0, 0)

    listener: Any = Listening()
    assert url_of(listener) == "http://[::1]:80"


def settings(folder: Path) -> Settings:
    return write_app(folder, ())


async def prepare(kernel: Kernel) -> None:
    await kernel.documents.sync_files(kernel.settings.documents, safe_only=True)


def end_self() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def turns_of_the_loop() -> None:
    """Let the loop see the signal."""
    for _ in range(100):
        await asyncio.sleep(0)


def in_thread(work: Callable[[], Any], answers: list[Any]) -> None:
    """Do `work` beside the server, then ask the server to end."""

    def run() -> None:
        try:
            answers.append(work())
        finally:
            end_self()

    threading.Thread(target=run).start()


def test_it_serves_until_it_is_asked_to_end(tmp_path: Path) -> None:
    answers: list[Any] = []

    def ready(url: str) -> None:
        in_thread(lambda: httpx.get(f"{url}/health/ready").json(), answers)

    serve(settings(tmp_path), listen("127.0.0.1", 0), ready=ready, prepare=prepare)
    assert answers == [{"status": "ready", "pending": []}]


def test_a_request_under_way_is_finished(tmp_path: Path) -> None:
    answers: list[Any] = []
    asking: list[threading.Thread] = []

    async def slow(kernel: Kernel) -> None:
        await prepare(kernel)

        async def find(_: str) -> None:
            end_self()
            await turns_of_the_loop()

        kernel.identity.by_token.find = find  # type: ignore[method-assign]

    def ready(url: str) -> None:
        def ask() -> None:
            headers = {"Authorization": "Bearer x"}
            answers.append(httpx.get(f"{url}/api/schema", headers=headers).status_code)

        asking.append(threading.Thread(target=ask))
        asking[0].start()

    serve(settings(tmp_path), listen("127.0.0.1", 0), ready=ready, prepare=slow)
    asking[0].join(5.0)  # the answer is sent; the client may still be reading it
    assert answers == [401]


def test_a_signal_before_it_is_ready_ends_it(tmp_path: Path) -> None:
    async def interrupted(kernel: Kernel) -> None:
        await prepare(kernel)
        end_self()
        await turns_of_the_loop()

    def never(url: str) -> None:
        raise AssertionError(url)

    serve(settings(tmp_path), listen("127.0.0.1", 0), ready=never, prepare=interrupted)


def test_an_app_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    async def refuse(_: Kernel) -> None:
        raise ConfigError("This app is not for serving.")

    with pytest.raises(ConfigError, match="not for serving"):
        serve(settings(tmp_path), listen("127.0.0.1", 0), ready=print, prepare=refuse)


def test_a_server_that_ends_by_itself_is_a_fault(tmp_path: Path) -> None:
    def cancel_all(_: str) -> None:
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()

    with pytest.raises(ConfigError, match="by itself"):
        serve(settings(tmp_path), listen("127.0.0.1", 0), ready=cancel_all, prepare=prepare)
