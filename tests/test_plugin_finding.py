"""Where plugins are found: in a folder, installed, built in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crm_kernel.errors import ConfigError
from crm_kernel.plugin_finding import find_plugins
from crm_kernel.plugins import PluginHost

if TYPE_CHECKING:
    from conftest import PluginApp


def states(host: PluginHost) -> dict[str, str]:
    return {s["name"]: s["state"] for s in host.states()}


def reason(host: PluginHost, name: str) -> str:
    return next(s["reason"] for s in host.states() if s["name"] == name)


def install(folder: Path, name: str, code: str = "", version: str = "2.0") -> None:
    """A distribution with an entry point, laid out as pip would."""
    package = folder / f"crm_{name}"
    package.mkdir(parents=True)
    manifest = f"plugin = Plugin(name={name!r}, title='T', kernel='>=0.1')"
    (package / "__init__.py").write_text(f"from crm_kernel import Plugin, hookimpl\n{manifest}\n{code}")
    info = folder / f"crm_{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crm-{name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[crm_kernel.plugins]\n{name} = crm_{name}\n")


@pytest.mark.contract("hooks.md#folder", "documents.md#toml-plugins")
def test_folder_plugins_need_no_enabled_entry_and_disabled_wins(app: PluginApp) -> None:
    app.toml = 'enabled = ["b"]\ndisabled = ["b"]'
    app.plugin("a")
    app.plugin("b")
    host = app.host()
    assert states(host) == {"a": "active", "b": "disabled"}
    assert reason(host, "b") == "not enabled in crm.toml"


def test_a_folder_may_be_a_package_itself(app: PluginApp) -> None:
    whole = app.folder / "plugins" / "whole"
    app.plugin("whole").rename(app.folder / "moved")
    whole.rmdir()
    (app.folder / "moved").rename(whole)
    (whole / "roles.py").write_text("AGENT = {'kind': 'role', 'name': 'agent'}")
    with (whole / "__init__.py").open("a") as file:
        file.write("\nfrom . import roles\n@hookimpl\ndef register_roles(): return [roles.AGENT]")
    assert [d.name for d in app.host().documents()] == ["agent"]


def test_folders_that_are_no_plugins(app: PluginApp) -> None:
    for name in (".git", "__pycache__", "empty", "Bad-Name"):
        (app.folder / "plugins" / name).mkdir(parents=True)
    (app.folder / "plugins" / "README.md").touch()
    host = app.host()
    assert states(host) == {"empty": "failed", "Bad-Name": "failed"}
    assert "The folder is no package and holds none. Hint: Make " in reason(host, "empty")
    assert reason(host, "Bad-Name").startswith("'Bad-Name' is no name for a plugin.")


@pytest.mark.parametrize("name", ["base", "system", "enabled"])
def test_a_name_of_the_kernel_is_no_name_for_a_plugin(app: PluginApp, name: str) -> None:
    app.plugin(name)
    found, _ = find_plugins(app.settings())
    [fault] = [f.fault for f in found if f.source == "folder"]
    assert fault is not None
    assert fault.reason == f"The name {name!r} is the kernel's. Hint: Rename the plugin."


@pytest.mark.contract("hooks.md#entry-point", "documents.md#toml-plugins")
def test_an_installed_plugin_is_found_by_its_entry_point(
    app: PluginApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "installed_a")
    install(tmp_path / "site", "installed_b")
    monkeypatch.syspath_prepend(tmp_path / "site")
    app.toml = 'enabled = ["installed_a"]'
    host = PluginHost(app.settings())
    shown = {s["name"]: (s["source"], s["version"], s["state"]) for s in host.states()}
    assert shown["installed_a"] == ("entry_point", "2.0", "active")
    assert shown["installed_b"] == ("entry_point", "2.0", "disabled")


def test_a_folder_goes_before_an_installed_one_and_leaves_it_alone(
    app: PluginApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "@hookimpl\ndef register_roles(): return [{'kind': 'role', 'name': %r}]"
    install(tmp_path / "site", "both", role % "installed")
    monkeypatch.syspath_prepend(tmp_path / "site")
    app.toml = 'enabled = ["both"]'
    assert [d.name for d in app.host().documents()] == ["installed"]
    app.plugin("both", role % "folder")
    assert [d.name for d in app.host().documents()] == ["folder"]
    (app.folder / "plugins" / "both").rename(app.folder / "gone")
    assert [d.name for d in app.host().documents()] == ["installed"]


def test_an_enabled_plugin_that_is_not_there(app: PluginApp) -> None:
    app.toml = 'enabled = ["demp", "zzz", "base"]'
    app.plugin("demo")
    host = app.host()
    assert states(host) == {"demo": "active", "demp": "failed", "zzz": "failed"}
    assert reason(host, "demp").endswith("no installed package and no folder has it; did you mean 'demo'?")
    assert reason(host, "zzz").endswith("has it; install it, or take it out of [plugins] enabled.")


@pytest.mark.parametrize(
    ("toml", "environ", "problem"),
    [
        ('disabled = ["base"]', {}, "crm.toml, line 3, column 12: the built-in plugin 'base' cannot be disabled."),
        ("[plugins.demp]", {}, "crm.toml, line 3, column 2: settings for 'demp', but there is no such plugin; did you"),
        ("[plugins.zzz]", {}, "settings for 'zzz', but there is no such plugin; remove the table."),
        ("", {"CRM_PLUGINS__DEMP__A": "1"}, "CRM_PLUGINS__DEMP__…: there is no plugin 'demp'; did you mean 'demo'?"),
        ("", {"CRM_PLUGINS__ZZZ__A": "1"}, "there is no plugin 'zzz'; unset it."),
        ("", {"CRM_PLUGINS__PATH": "nowhere"}, "there is no folder"),
    ],
)
def test_what_crm_toml_names_must_be_there(app: PluginApp, toml: str, environ: dict[str, str], problem: str) -> None:
    app.plugin("demo")
    app.toml, app.environ = toml, environ
    with pytest.raises(ConfigError) as refused:
        find_plugins(app.settings())
    assert any(problem in p for p in refused.value.problems)


def test_without_a_folder_there_are_only_installed_ones(app: PluginApp) -> None:
    settings = app.settings()
    (app.folder / "plugins").rmdir()
    with pytest.raises(ConfigError):
        PluginHost(settings)


def test_nothing_is_left_on_the_paths_of_imports(app: PluginApp) -> None:
    before = (list(sys.path), list(sys.meta_path))
    app.plugin("demo")
    app.host()
    assert (sys.path, sys.meta_path) == before


def test_plugins_import_those_they_require_in_any_order(app: PluginApp) -> None:
    app.plugin("zoo", "NAME = 'zoo'")
    app.plugin("ape", "from crm_zoo import NAME", requires=["zoo"])
    assert [s["name"] for s in app.host().states()] == ["zoo", "ape"]


async def test_two_kernels_in_one_process_have_their_own_copies(app: PluginApp, tmp_path: Path) -> None:
    code = "from . import one\n@hookimpl\nasync def before_write(batch): batch.append(one.NAME)"
    hosts: list[PluginHost] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        other = type(app)(tmp_path / name, lambda folder: f"sqlite:///{folder}/crm.db")
        (other.plugin("twin", code) / "one.py").write_text(f"NAME = {name!r}")
        hosts.append(other.host())
    called: list[str] = []
    for host in hosts:
        for _, call in host.implementations("before_write"):
            await call(batch=called)
    assert called == ["first", "second"]


def test_the_same_folder_again_gives_the_same_classes(app: PluginApp) -> None:
    app.plugin("demo", "class Listing(Entity): ...\n@hookimpl\ndef register_entities(): return [Listing]")
    first, second = (app.host().documents()[0].cls for _ in range(2))
    assert first is second


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"__init__": "def f(:"}, "crm_demo/__init__.py:1: Importing it failed: SyntaxError: "),
        (
            {"__init__": "from . import sub", "sub": "\nimport not_installed"},
            "crm_demo/sub.py:2: Importing it failed",
        ),
        ({"__init__": "import sys\nsys.exit(3)"}, "crm_demo/__init__.py:2: Importing it failed: SystemExit: 3."),
        ({"__init__": ""}, "The module crm_demo needs a manifest named 'plugin'; there is none. Hint: Write plugin ="),
        ({"__init__": "plugin = {}"}, "needs a manifest named 'plugin'; got dict."),
        (
            {"__init__": "from crm_kernel import Plugin\nplugin = Plugin(name='demo')"},
            "crm_demo/__init__.py:2: Importing it failed: TypeError: Missing required argument 'title'.",
        ),
    ],
)
def test_a_module_that_cannot_be_used_says_where(app: PluginApp, files: dict[str, str], said: str) -> None:
    package = app.plugin("demo")
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    assert said in reason(app.host(), "demo")


def test_a_mended_module_is_read_again(app: PluginApp) -> None:
    package = app.plugin("demo")
    (package / "sub.py").write_text("X = 1")
    whole = (package / "__init__.py").read_text()
    (package / "__init__.py").write_text("from . import sub\nraise RuntimeError")
    assert states(app.host()) == {"demo": "failed"}
    assert "crm_demo.sub" not in sys.modules
    (package / "__init__.py").write_text(whole)
    assert states(app.host()) == {"demo": "active"}


def test_a_fault_of_an_installed_plugin_names_the_file(
    app: PluginApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "broken", "1 / 0")
    monkeypatch.syspath_prepend(tmp_path / "site")
    app.toml = 'enabled = ["broken"]'
    said: Any = reason(app.host(), "broken")
    assert "crm_broken/__init__.py:3: Importing it failed: ZeroDivisionError: division by zero." in said
