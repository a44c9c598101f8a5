"""One app: opened, started, stopped; what its plugins are told of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.storage.evolution import evolve

LIFE = """
    told = []

    @hookimpl
    async def on_start(crm):
        told.append(("start", await crm.count("contact")))

    @hookimpl
    async def on_stop(crm):
        told.append(("stop", await crm.count("contact")))
"""


async def opened(app: Any, **options: Any) -> Kernel:
    (app.folder / "data").mkdir(exist_ok=True)
    app.environ["CRM_SECRET"] = "a secret for tests only, of forty characters"
    kernel = await Kernel.open(app.settings(), **options)
    await evolve(kernel.database, kernel.registry.entities)
    return kernel


def told(kernel: Kernel, plugin: str) -> Sequence[Any]:
    implementations = dict(kernel.plugins.implementations("on_start"))
    return implementations[plugin].__globals__["told"]  # type: ignore[attr-defined]


@pytest.mark.contract("hooks.md#life")
async def test_on_start_and_on_stop_are_called_once_each(app: Any) -> None:
    app.plugin("a", LIFE)
    kernel = await opened(app)
    assert told(kernel, "a") == []
    await kernel.start()
    assert told(kernel, "a") == [("start", 0)]
    await kernel.close()
    assert told(kernel, "a") == [("start", 0), ("stop", 0)]


@pytest.mark.contract("hooks.md#life")
async def test_who_was_not_started_is_not_stopped(app: Any) -> None:
    """As for every command of the command line but `crm serve`."""
    app.plugin("a", LIFE)
    kernel = await opened(app)
    await kernel.close()
    assert told(kernel, "a") == []


@pytest.mark.contract("hooks.md#life")
async def test_in_plugin_order_and_back_whatever_fails(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    code = """
    @hookimpl
    async def on_start(crm):
        crm.log.warning("start")
        raise ZeroDivisionError

    @hookimpl
    async def on_stop(crm):
        crm.log.warning("stop")
        raise ZeroDivisionError
    """
    app.plugin("a", code)
    app.plugin("b", code, before=["a"])
    kernel = await opened(app)
    await kernel.start()
    state = next(s for s in kernel.plugins.states() if s["name"] == "a")
    assert [(hook["hook"], hook["calls"], hook["errors"]) for hook in state["hooks"]] == [
        ("on_start", 1, 1),
        ("on_stop", 0, 0),
    ]
    await kernel.close()
    said = [
        (r.name, r.message) for r in caplog.records if r.name.startswith("crm.plugin") and r.levelno < logging.ERROR
    ]
    assert said == [
        ("crm.plugin.b", "start"),
        ("crm.plugin.a", "start"),
        ("crm.plugin.a", "stop"),
        ("crm.plugin.b", "stop"),
    ]


async def test_two_kernels_of_one_process_share_nothing(
    app: Any, new_database: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = await opened(app)
    other = type(app)(tmp_path_factory.mktemp("other"), new_database)
    other.plugin("a", LIFE)
    second = await opened(other)
    await second.start()
    assert "a" not in [s["name"] for s in first.plugins.states()]
    assert first.registry is not second.registry
    await second.close()
    await first.close()


async def test_strict_stops_for_what_is_left_out(app: Any) -> None:
    app.plugin("a", "import nothing_of_this_name")
    with pytest.raises(ConfigError, match="nothing_of_this_name"):
        await opened(app, strict=True)
    kernel = await opened(app)
    assert "nothing_of_this_name" in kernel.problems[0]
    await kernel.close()


async def test_a_server_that_does_not_answer_is_told_in_one_sentence(app: Any) -> None:
    app.environ["CRM_DATABASE__URL"] = "postgresql://ann:secret@127.0.0.1:1/crm"
    with pytest.raises(ConfigError, match=r"^The database postgresql://127.0.0.1:1/crm cannot be used: [^\n]*$"):
        await opened(app)
