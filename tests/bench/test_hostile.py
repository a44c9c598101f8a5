"""The measurements of hooks and of hostile plugins are sound: what is compared, and what a plugin is held to."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from bench.hooks import LOOK, NOTHING, Bench
from bench.hostile import PROVOKED, QUARANTINED, measure, show, verdicts
from bench.hostile_app import PLUGINS

FIGURES = {"read_p99": 2.0, "write_p99": 4.0, "write_longest": 10.0}


def test_every_hostile_plugin_is_provoked() -> None:
    assert {folder.name for folder in PLUGINS.iterdir() if folder.is_dir()} == PROVOKED.keys()


async def test_what_stands_between_two_looks_is_one_hook_of_one_batch() -> None:
    async with AsyncExitStack() as stack:
        app = Bench("nothing", [LOOK, NOTHING, LOOK])
        await app.open(stack)
        assert await app.between(10) > 0
        looks = [one for one in app.kernel.plugins.hooked("before_write") if one.plugin.startswith("nothing")]
        assert [len(one.call.__globals__["marks"]) for one in looks] == [1, 0, 1]


def test_limits_are_twice_the_p99_and_the_deadline_beside_the_longest_write() -> None:
    slow = {"read_p99": 5.0, "write_p99": 8.0, "write_longest": 300.0}
    found = verdicts("waiting", {"base": FIGURES, "throughout": slow, "after": FIGURES})
    assert found == {
        "reads throughout, x": (2.5, 2.0),
        "longest write, ms": (300.0, 260.0),
        "reads after, x": (1.0, 2.0),
        "writes after, x": (1.0, 2.0),
    }
    blocking = verdicts("blocking", {"base": FIGURES, "throughout": slow, "after": slow})
    assert blocking == {"reads after, x": (2.5, 2.0), "writes after, x": (2.0, 2.0)}


@pytest.mark.usefixtures("new_database")
def test_all_of_it_with_one_plugin(request: pytest.FixtureRequest) -> None:
    engine = str(request.config.getoption("--crm-engine"))
    found = measure(engine, 1, 1.0, names=QUARANTINED[:1])
    assert found["plugins"]["waiting"]["state"] == "quarantined"
    assert found["plugins"]["waiting"].keys() == {"state", "base", "throughout", "after"}
    assert "reads throughout, x" in show(engine, found)
