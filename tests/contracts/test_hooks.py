"""Every hook: its name tells the moment, its docstring has four parts, one place calls it, a shipped plugin uses it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from crm_kernel import hookspecs, start_hookspecs

SPECS = {
    node.name: node
    for module in (start_hookspecs, hookspecs)
    for node in ast.parse(inspect.getsource(module)).body
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}
FAMILY = {
    "register_": ast.FunctionDef,
    "before_": ast.AsyncFunctionDef,
    "check_": ast.AsyncFunctionDef,
    "on_": ast.AsyncFunctionDef,
}
PARTS = ["Called when:", "Return:", "Order and errors:", "Example:"]

each_hook = pytest.mark.parametrize("hook", SPECS)


def code(*folders: Path) -> dict[str, str]:
    """Python sources below folders, without tests."""
    files = [file for folder in folders for file in folder.rglob("*.py") if "tests" not in file.parts]
    return {str(file): file.read_text("utf-8") for file in files}


@each_hook
def test_the_name_tells_the_moment(hook: str) -> None:
    kind = next((kind for prefix, kind in FAMILY.items() if hook.startswith(prefix)), None)
    assert kind is type(SPECS[hook]), f"{hook}: register_* is sync, before_*, check_* and on_* are async"


@each_hook
@pytest.mark.contract("hooks.md#hook-docstrings")
def test_the_docstring_has_four_parts(hook: str) -> None:
    text = ast.get_docstring(SPECS[hook]) or ""
    found = re.findall(rf"^({'|'.join(PARTS)})", text, re.M)
    assert found == PARTS
    assert text.splitlines()[0].endswith(".")


@each_hook
@pytest.mark.contract("hooks.md#hook-called-once")
def test_a_shipped_plugin_uses_it(root: Path, hook: str) -> None:
    users = [
        name
        for name, source in code(root / "plugins", root / "crm_kernel" / "base").items()
        if re.search(rf"^(async )?def {hook}\(", source, re.M)
    ]
    assert users, f"no shipped plugin implements {hook}"


@each_hook
def test_one_place_calls_it(root: Path, hook: str) -> None:
    quoted = re.compile(rf"[\"']{hook}[\"']")
    kernel = code(root / "crm_kernel")
    places = [name for name, text in kernel.items() if not name.endswith("hookspecs.py") and quoted.search(text)]
    if hook.startswith("register_"):
        places = places or [name for name, text in kernel.items() if "register_" in text and "PluginManager" in text]
    assert len(places) == 1, f"{hook} is named in {places}"


@each_hook
def test_a_test_names_it(root: Path, hook: str) -> None:
    tests = [*(root / "tests").rglob("test_*.py"), *root.glob("plugins/*/tests/**/test_*.py")]
    assert any(hook in file.read_text("utf-8") for file in tests), f"no test names {hook}"
