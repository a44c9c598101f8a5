"""What all tests share. Fixtures of one part stand in the `conftest.py` of its folder."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from crm_kernel.plugin_finding import find_plugins
from crm_kernel.plugins import PluginHost
from crm_kernel.settings import Settings, load_settings
from tests.without import VARIABLE

# Machines differ in speed and several tests run at a time: a slow example is no fault.
settings.register_profile("crm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crm")


class PluginApp:
    """An app folder with tiny plugins, written inline by a test."""

    def __init__(self, folder: Path, new_database: Callable[[Path], str]) -> None:
        self.folder = folder
        self.toml = ""
        self._new_database = new_database
        self.url = ""
        self.environ: dict[str, str] = {}

    def plugin(self, name: str, code: str = "", **manifest: Any) -> Path:
        """Write `plugins/<name>/crm_<name>/__init__.py` with a manifest and `code`; the package's folder."""
        package = self.folder / "plugins" / name / f"crm_{name}"
        package.mkdir(parents=True, exist_ok=True)
        members = ", ".join(
            f"{k}={v!r}" for k, v in {"name": name, "title": name, "kernel": ">=0.1", **manifest}.items()
        )
        head = "from __future__ import annotations\nfrom crm_kernel import *\nfrom crm_kernel import hookimpl\n"
        text = f"{head}plugin = Plugin({members})\n{textwrap.dedent(code)}\n"
        (package / "__init__.py").write_text(text, encoding="utf-8")
        return package

    def host(self) -> PluginHost:
        """Load the enabled plugins and those of the folder, without `base`."""
        settings = self.settings()
        found, imports = find_plugins(settings)
        with imports:
            return PluginHost(settings, [f for f in found if f.name != "base" and (f.source == "folder" or f.enabled)])

    def settings(self) -> Settings:
        """The settings of the app: its `toml`, with `plugins` as the folder of plugins."""
        (self.folder / "plugins").mkdir(exist_ok=True)
        self.url = self.url or self._new_database(self.folder)
        (self.folder / "crm.toml").write_text(f'[plugins]\npath = "plugins"\n{self.toml}', encoding="utf-8")
        return load_settings(self.folder, {"CRM_DATABASE__URL": self.url, **self.environ})


@pytest.fixture
def app(tmp_path: Path, new_database: Callable[[Path], str]) -> PluginApp:
    """An empty app folder for tiny plugins."""
    return PluginApp(tmp_path, new_database)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one engine run on that one; on PostgreSQL, of the others, those that use a database.

    Where a plugin is not there on purpose, those that need it are left out.
    """
    folders = {"sqlite", "postgres"} - {"sqlite" if config.getoption("--crm-engine") == "sqlite" else "postgres"}
    missing = os.environ.get(VARIABLE)
    kept = [item for item in items if item.path.parent.name not in folders]
    kept = [item for item in kept if not any(missing in mark.args for mark in item.iter_markers("needs"))]
    if config.getoption("--crm-engine") == "postgresql":
        uses = {"new_database", "kept_database"}
        kept = [item for item in kept if uses & set(getattr(item, "fixturenames", ()))]
    left = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = kept


@pytest.fixture
def shared_file() -> Callable[[str], Path]:
    """Finds a file of `shared/data` beside the repository; the test is skipped where it is not there."""

    def find(name: str) -> Path:
        path = Path(__file__).resolve().parents[2] / "shared" / "data" / name
        if not path.exists():
            pytest.skip("the shared collections of data are not here")
        return path

    return find
