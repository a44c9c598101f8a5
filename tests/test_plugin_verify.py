"""What must hold for one plugin by itself: manifest, kernel version, settings, hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from crm_kernel.errors import ConfigError
from crm_kernel.plugin_finding import find_plugins
from crm_kernel.plugins import PluginHost

if TYPE_CHECKING:
    from conftest import PluginApp


def loaded(app: PluginApp, code: str = "", **manifest: Any) -> dict[str, Any]:
    """The state of a plugin with this code and manifest."""
    app.plugin("demo", code, **manifest)
    return next(s for s in app.host().states() if s["name"] == "demo")


@pytest.mark.contract("hooks.md#manifest")
def test_name_title_and_kernel_are_enough(app: PluginApp) -> None:
    assert loaded(app)["state"] == "active"


@pytest.mark.contract("hooks.md#name-matches")
def test_the_name_is_that_of_the_folder(app: PluginApp) -> None:
    (app.plugin("demo") / "__init__.py").write_text(
        "from crm_kernel import Plugin\nplugin = Plugin(name='other', title='', kernel='')"
    )
    [state] = app.host().states()
    assert "The manifest says name='other', expected 'demo'." in state["reason"]


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"requires": "x"}, "The manifest is wrong: Expected `array`, got `str` - at `$.requires`."),
        ({"on_error": "stop"}, "The manifest is wrong: Invalid enum value 'stop' - at `$.on_error`."),
        ({"after": ["demo"]}, "'demo' names itself in requires, before or after."),
        ({"kernel": "0.x"}, "The manifest says kernel='0.x', which is no version range. Hint: Write it like"),
        ({"settings": int}, "The manifest says settings=<class 'int'>, expected a class derived from msgspec.Struct."),
    ],
)
def test_a_faulty_manifest(app: PluginApp, manifest: dict[str, Any], reason: str) -> None:
    if manifest.get("settings") is int:
        state = loaded(app, "plugin = Plugin(name='demo', title='', kernel='', settings=int)")
    else:
        state = loaded(app, **manifest)
    assert state["state"] == "failed"
    assert reason in state["reason"]


@pytest.mark.contract("hooks.md#faulty-states")
@pytest.mark.parametrize(
    ("kernel", "state"), [(">=0.1,<1", "active"), ("~=0.1", "active"), ("", "active"), (">=9", "incompatible")]
)
def test_the_kernel_must_fit(app: PluginApp, kernel: str, state: str) -> None:
    app.plugin("needing", requires=["demo"])
    found = loaded(app, kernel=kernel)
    assert found["state"] == state
    if state == "incompatible":
        assert found["reason"].startswith("It works with crm-kernel >=9; installed is 0.")
        assert app.host().states()[1]["reason"] == "It requires 'demo', which is incompatible. Hint: Mend 'demo' first."


SETTINGS = """
    from msgspec import Struct
    class Settings(Struct):
        hours: int
        name: str = "x"
        places: list[str] = []
        share: float | None = None
    plugin = Plugin(name="demo", title="", kernel="", settings=Settings)
"""


@pytest.mark.contract("hooks.md#settings-class", "documents.md#toml-plugin-settings")
def test_settings_are_an_instance_of_the_class(app: PluginApp) -> None:
    app.toml = '[plugins.demo]\nhours = 24\nplaces = ["Riga"]'
    app.environ = {"CRM_PLUGINS__DEMO__HOURS": "48", "CRM_PLUGINS__DEMO__NAME": "7", "CRM_PLUGINS__DEMO__SHARE": "0.5"}
    assert loaded(app, SETTINGS)["state"] == "active"
    settings = app.host().settings("demo")
    assert (settings.hours, settings.name, settings.places, settings.share) == (48, "7", ["Riga"], 0.5)


def test_a_list_in_the_environment(app: PluginApp) -> None:
    app.environ = {"CRM_PLUGINS__DEMO__HOURS": "1", "CRM_PLUGINS__DEMO__PLACES": '["a", "b"]'}
    loaded(app, SETTINGS)
    assert app.host().settings("demo").places == ["a", "b"]


def test_a_plugin_without_settings_has_none(app: PluginApp) -> None:
    loaded(app)
    assert app.host().settings("demo") is None


@pytest.mark.parametrize(
    ("toml", "environ", "reason"),
    [
        ("", {}, "[plugins.demo] crm.toml, line 1, column 2: Object missing required field `hours`."),
        ("[plugins.demo]", {}, "[plugins.demo] crm.toml, line 3, column 2: Object missing required field `hours`."),
        (
            '[plugins.demo]\nhours = "24"',
            {},
            "[plugins.demo] crm.toml, line 4, column 9: Expected `int`, got `str` - at `$.hours`.",
        ),
        (
            "[plugins.demo]\nhuors = 24",
            {},
            "[plugins.demo] crm.toml, line 4, column 1: unknown setting 'huors'; did you mean 'hours'?",
        ),
        (
            "[plugins.demo]\nzzz = 24",
            {},
            "[plugins.demo] crm.toml, line 4, column 1: unknown setting 'zzz'; known are hours, name, places, share.",
        ),
        (
            "",
            {"CRM_PLUGINS__DEMO__HOURS": "many"},
            "CRM_PLUGINS__DEMO__HOURS: Expected `int`, got `str` - at `$.hours`.",
        ),
        ("", {"CRM_PLUGINS__DEMO__HUORS": "1"}, "CRM_PLUGINS__DEMO__HUORS: unknown setting 'huors'; did you mean"),
    ],
)
def test_faulty_settings(app: PluginApp, toml: str, environ: dict[str, str], reason: str) -> None:
    app.toml, app.environ = toml, environ
    state = loaded(app, SETTINGS)
    assert state["state"] == "failed"
    assert state["reason"].startswith(reason)


def test_settings_for_a_plugin_that_takes_none(app: PluginApp) -> None:
    app.toml = "[plugins.demo]\nhours = 24"
    assert loaded(app)["reason"] == "[plugins.demo] crm.toml, line 3, column 2: the plugin 'demo' takes no settings."


@pytest.mark.contract("hooks.md#unknown-hook", "hooks.md#register-sync")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "@hookimpl\n    async def before_wirte(batch): ...",
            "Hook before_wirte: there is no such hook. Hint: Did you mean 'before_write'",
        ),
        ("@hookimpl\n    def zzz(): ...", "Hook zzz: there is no such hook. Hint: Known are register_entities, "),
        ("@hookimpl(specname='zzz')\n    def register_roles(): ...", "Hook zzz: there is no such hook."),
        ("@hookimpl\n    def before_write(batch): ...", "Hook before_write: got 'def', expected 'async def'."),
        ("@hookimpl\n    async def register_roles(): ...", "Hook register_roles: got 'async def', expected 'def'."),
        ("@hookimpl\n    async def check_write(b): ...", "Hook check_write: got arguments (b), expected (batch)."),
        ("@hookimpl\n    def register_roles(crm): ...", "Hook register_roles: got arguments (crm), expected ()."),
        (
            "@concerns()\n    @hookimpl\n    async def before_write(batch): ...",
            "Hook before_write: @concerns got (), expected classes of entities.",
        ),
        (
            "@hookimpl\n    @concerns('contact')\n    async def check_write(batch): ...",
            "Hook check_write: @concerns got ('contact',), expected classes of entities. Hint: A hook about",
        ),
        (
            "@hookimpl\n    @concerns(Entity)\n    async def on_start(crm): ...",
            "Hook on_start: @concerns is for the hooks that are given a batch.",
        ),
        (
            "def register_roles(): ...",
            "Hook register_roles: it is not marked, so it would never be called. Hint: ",
        ),
    ],
)
def test_a_hook_that_the_contract_does_not_know_so(app: PluginApp, code: str, reason: str) -> None:
    state = loaded(app, f"    {code}")
    assert state["state"] == "failed"
    assert reason in state["reason"]
    assert "crm_demo/__init__.py:" in state["reason"]


@pytest.mark.contract("hooks.md#order-markers-refused")
@pytest.mark.parametrize("option", ["tryfirst", "trylast", "wrapper", "hookwrapper"])
def test_the_order_markers_of_pluggy_are_refused(app: PluginApp, option: str) -> None:
    state = loaded(app, f"    @hookimpl({option}=True)\n    async def before_write(batch): yield")
    assert f"Hook before_write: {option} is not allowed. Hint: Order comes from requires" in state["reason"]


def test_all_hooks_of_the_contract_can_be_implemented(app: PluginApp) -> None:
    """register_entities register_extensions register_pipelines register_roles register_reports register_views
    register_listeners register_documents register_checks before_write before_move check_write on_start on_stop"""
    doc = test_all_hooks_of_the_contract_can_be_implemented.__doc__ or ""
    code = ""
    for hook in doc.split():
        if hook.startswith("register_"):
            code += f"@hookimpl\ndef {hook}(): return []\n"
        else:
            argument = "crm" if hook.startswith("on_") else "batch"
            code += f"@hookimpl\nasync def {hook}({argument}): ...\n"
    state = loaded(app, code)
    assert state["reason"] is None
    assert {h["hook"] for h in state["hooks"]} == set(doc.split())


def test_a_fault_in_a_plugin_of_the_kernel_stops_the_start(app: PluginApp) -> None:
    app.plugin("demo", "raise RuntimeError('torn')")
    found, imports = find_plugins(app.settings())
    own = [msgspec.structs.replace(f, source="builtin") for f in found if f.name == "demo"]
    with imports, pytest.raises(ConfigError, match=r"The built-in plugin 'demo' is faulty: .*RuntimeError: torn"):
        PluginHost(app.settings(), own)
