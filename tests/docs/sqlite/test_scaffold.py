"""A plugin that `crm plugin new` made: installed from its wheel it passes its tests, its types and its style hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs.clean_environment import CleanEnvironment


@pytest.mark.contract("hooks.md#plugin-new")
def test_a_new_plugin_installs_and_passes_its_tests(tmp_path: Path) -> None:
    clean = CleanEnvironment(tmp_path)
    clean.run("crm plugin new car_washes")
    folder = clean.work / "car_washes"
    clean.run("crm plugin check .", folder)
    clean.run("ruff check --no-cache . && ruff format --no-cache --check .", folder)
    told = clean.run(f"basedpyright --outputjson --pythonpath {clean.python} || true", folder)
    assert [d["message"] for d in json.loads(told)["generalDiagnostics"]] == []
    clean.run("pip wheel -q -w dist . && pip install -q dist/*.whl", folder)
    clean.run("rm -r crm_car_washes build 2>/dev/null || true", folder)  # it is the installed one that is tested
    assert " passed" in clean.run("pytest -q -p no:cacheprovider -p no:xdist -p no:schemathesis", folder)
