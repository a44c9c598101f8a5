"""Plugins of an app: how they are left out, called, metered, quarantined."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from crm_kernel.errors import ConfigError, Error
from crm_kernel.plugins import PluginHost

if TYPE_CHECKING:
    from conftest import PluginApp


def state(host: PluginHost, name: str) -> dict[str, Any]:
    return next(s for s in host.states() if s["name"] == name)


@pytest.mark.contract("hooks.md#faulty-left-out")
def test_a_faulty_plugin_is_left_out_with_those_that_require_it(
    app: PluginApp, caplog: pytest.LogCaptureFixture
) -> None:
    app.plugin("a", "raise RuntimeError('no licence')")
    app.plugin("b", requires=["a"])
    app.plugin("c", requires=["b"])
    app.plugin("d", "@hookimpl\ndef register_roles(): return [{'kind': 'role', 'name': 'agent'}]", after=["a"])
    with caplog.at_level(logging.WARNING):
        host = app.host()
    assert {s["name"]: s["state"] for s in host.states()} == {
        "a": "failed",
        "b": "failed",
        "c": "failed",
        "d": "active",
    }
    assert [d.name for d in host.documents()] == ["agent"]
    first, second, third = host.faulty()
    assert first.startswith("The plugin 'a' is failed: ")
    assert first.endswith("crm_a/__init__.py:5: Importing it failed: RuntimeError: no licence.")
    assert second == "The plugin 'b' is failed: It requires 'a', which is failed. Hint: Mend 'a' first."
    assert "It requires 'b', which is failed." in third
    assert caplog.messages[0].startswith("plugin a is left out: ")


def test_a_plugin_that_fails_late_takes_its_dependents_along(app: PluginApp) -> None:
    app.plugin("a", "@hookimpl\ndef register_roles(): return 3")
    app.plugin("b", "@hookimpl\ndef register_roles(): raise SystemExit", requires=["a"])
    assert [s["state"] for s in app.host().states()] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("", "It requires 'mraketing', which is not there. Hint: did you mean 'marketing'?"),
        ('disabled = ["marketing"]', "It requires 'marketing', which is disabled. Hint: Enable it in crm.toml."),
    ],
)
def test_a_missing_requirement(app: PluginApp, toml: str, reason: str) -> None:
    app.toml = toml
    app.plugin("marketing")
    app.plugin("demo", requires=["marketing" if toml else "mraketing"])
    assert state(app.host(), "demo")["reason"] == reason


def test_a_cycle_stops_the_start(app: PluginApp) -> None:
    app.plugin("a", after=["b"])
    app.plugin("b", after=["a"])
    with pytest.raises(ConfigError, match="'a' and 'b' wait for each other"):
        app.host()


HOOKED = """
    called = []
    @hookimpl
    async def before_write(batch): called.append(("{name}", batch))
    @hookimpl
    async def on_start(crm): ...
"""


async def test_hooks_are_called_in_plugin_order(app: PluginApp) -> None:
    app.plugin("a", HOOKED, after=["z"])
    app.plugin("z", HOOKED)
    host = app.host()
    assert [name for name, _ in host.implementations("before_write")] == ["z", "a"]
    assert host.implementations("check_write") == ()
    for name, call in host.implementations("before_write"):
        host.call_meter(name, "before_write").add(0.1)
        await call(batch=name)
    assert [h["calls"] for h in state(host, "a")["hooks"]] == [1, 0]


def test_an_unknown_hook_is_a_mistake_of_the_kernel(app: PluginApp) -> None:
    with pytest.raises(KeyError, match="did you mean 'before_write'"):
        app.host().implementations("before_writ")


@pytest.mark.contract("hooks.md#metered")
def test_every_call_is_metered(app: PluginApp) -> None:
    app.plugin("demo", HOOKED, title="Demo", on_error="skip")
    host = app.host()
    for statements in (2, 4):
        host.call_meter("demo", "before_write").add(0.001, statements)
    host.call_meter("demo", "listener tell").add(0.002)
    host.note_fault("demo", "before_write", ValueError("no"))
    found = state(host, "demo")
    meter = found["hooks"][0]
    assert {k: meter[k] for k in ("hook", "order", "calls", "errors", "statements")} == {
        "hook": "before_write",
        "order": 1,
        "calls": 2,
        "errors": 1,
        "statements": 6,
    }
    assert 0 <= meter["p50_us"] <= meter["p95_us"]
    assert [(c["call"], c["calls"], c["p50_us"]) for c in found["calls"]] == [("listener tell", 1, 2000)]
    assert found["faults"][0]["cause"] == "Hook before_write failed: ValueError: no."
    assert (host.on_error("demo"), found["on_error"]) == ("skip", "skip")


def test_only_the_last_faults_are_kept(app: PluginApp) -> None:
    app.plugin("demo", HOOKED)
    host = app.host()
    for number in range(30):
        host.note_fault("demo", "a listener", ValueError(str(number)))
    assert [f["cause"][-3:] for f in state(host, "demo")["faults"]][::19] == ["10.", "29."]


def test_register_hooks_are_metered_too(app: PluginApp) -> None:
    app.plugin("demo", "@hookimpl\ndef register_roles(): return []")
    [hook] = state(app.host(), "demo")["hooks"]
    assert (hook["hook"], hook["calls"], hook["errors"]) == ("register_roles", 1, 0)


def test_a_quarantined_plugin_keeps_what_it_declared(app: PluginApp) -> None:
    app.plugin("demo", HOOKED + "    @hookimpl\n    def register_roles(): return [{'kind': 'role', 'name': 'agent'}]")
    host = app.host()
    assert host.is_active("demo")
    host.quarantine("demo", "three overruns in ten minutes")
    assert not host.is_active("demo")
    assert host.implementations("before_write") == ()
    assert [d.name for d in host.documents()] == ["agent"]
    assert host.faulty() == ["The plugin 'demo' is quarantined: three overruns in ten minutes"]
    again = host.reset("demo")
    assert (again["state"], again["reason"], again["faults"]) == ("active", None, [])
    assert len(host.implementations("before_write")) == 1


def test_three_overruns_in_ten_minutes_quarantine(app: PluginApp) -> None:
    app.plugin("demo", HOOKED)
    host = app.host()
    for at in (0.0, 10.0, 605.0):
        host.note_overrun("demo", "before_write", at)
    assert host.is_active("demo")
    host.note_overrun("demo", "before_write", 609.0)
    assert state(host, "demo")["reason"] == "took too long 3 times within ten minutes, last in before_write"
    host.reset("demo")
    host.note_overrun("demo", "before_write", 610.0)
    assert host.is_active("demo")


def test_only_an_active_plugin_is_quarantined_and_only_that_is_reset(app: PluginApp) -> None:
    app.plugin("demo", "raise RuntimeError")
    host = app.host()
    host.quarantine("demo", "x")
    assert state(host, "demo")["state"] == "failed"
    assert host.reset("demo")["state"] == "failed"
    assert not host.is_active("nobody")
    with pytest.raises(Error, match="no plugin 'dmo'; did you mean 'demo'") as unknown:
        host.reset("dmo")
    assert unknown.value.code == "not_found"
    with pytest.raises(Error, match="see crm plugins"):
        host.on_error("zzz")


def test_a_declaration_that_turns_out_faulty_later_leaves_the_plugin_out(app: PluginApp) -> None:
    app.plugin("a", HOOKED + "    @hookimpl\n    def register_roles(): return [{'kind': 'role', 'name': 'agent'}]")
    app.plugin("b", HOOKED, requires=["a"])
    host = app.host()
    host.leave_out("a", "The view 'x' names no entity.", hook="register_views")
    assert [s["state"] for s in host.states()] == ["failed", "failed"]
    assert host.documents() == []
    assert host.implementations("before_write") == ()


def test_the_answer_about_a_plugin(app: PluginApp) -> None:
    app.plugin("demo", title="Demo", requires=["other"])
    app.plugin("other")
    (app.folder / "plugins" / "demo" / "pyproject.toml").write_text('[project]\nversion = "1.2"')
    other, demo = app.host().states()
    assert other["order"] == 1
    assert demo == {
        "name": "demo",
        "title": "Demo",
        "version": "1.2",
        "source": "folder",
        "state": "active",
        "reason": None,
        "order": 2,
        "deprecated": [],
        "order_because": ["after other: demo says requires other"],
        "requires": ["other"],
        "on_error": "refuse",
        "hooks": [],
        "calls": [],
        "faults": [],
    }


@pytest.mark.contract("base.md#builtin-plugin")
def test_the_base_is_a_plugin_like_any_other(app: PluginApp) -> None:
    app.plugin("demo")
    host = PluginHost(app.settings())
    base = host.states()[0]
    assert (base["name"], base["source"], base["state"], base["order"]) == ("base", "builtin", "active", 1)
    assert state(host, "demo")["order_because"] == ["after base: it is built in"]
