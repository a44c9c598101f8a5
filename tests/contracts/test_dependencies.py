"""Dependencies are declared, given a reason, locked, and used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

NOT_IMPORTED = {"tzdata"}
"""Needed at run time without an import: the data of time zones."""


def plain(name: str) -> str:
    """A distribution's name in the form that compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements: list[str]) -> set[str]:
    """The distributions that requirements name."""
    return {plain(re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0]) for requirement in requirements}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]


class WithoutTypes(ast.NodeTransformer):
    """Takes away what only a type checker reads."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        return node.orelse if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def imported(folder: Path) -> set[str]:
    """The distributions that the code of a folder imports."""
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(WithoutTypes().visit(ast.parse(file.read_text("utf-8")))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add((node.module or "").partition(".")[0])
    own = {"crm_kernel", folder.name}
    known = packages_distributions()
    return {plain(known.get(name, [name])[0]) for name in names - own - sys.stdlib_module_names}


def test_each_has_a_reason(root: Path, project: dict[str, Any]) -> None:
    page = (root / "docs" / "dependencies.md").read_text("utf-8")
    explained = {plain(name) for name in re.findall(r"^\| ([\w.-]+) \| \S", page, re.M)} - {"package"}
    own = named(project["dependencies"]) | named(project["optional-dependencies"]["dev"])
    assert explained == own | set().union(*plugins(root).values())


def plugins(root: Path) -> dict[Path, set[str]]:
    """The folder of each plugin's package, and what it depends on beside the kernel."""
    found: dict[Path, set[str]] = {}
    for manifest in sorted(root.glob("plugins/*/pyproject.toml")):
        needed = tomllib.loads(manifest.read_text("utf-8"))["project"]["dependencies"]
        found[manifest.parent / f"crm_{manifest.parent.name}"] = named(needed) - {"crm-kernel"}
    return found


def test_what_plugins_import_is_declared_and_locked(root: Path) -> None:
    pins = named((root / "requirements.lock").read_text("utf-8").splitlines())
    for folder, declared in plugins(root).items():
        assert imported(folder) == declared, folder.name
        assert declared <= pins


def test_what_the_kernel_imports_is_declared(root: Path, project: dict[str, Any]) -> None:
    declared = named(project["dependencies"])
    test_kit = named(project["optional-dependencies"]["testing"])
    assert imported(root / "crm_kernel") - test_kit <= declared
    unused = declared - imported(root / "crm_kernel") - NOT_IMPORTED
    assert not unused, f"declared and never imported: {unused}"


def test_all_are_locked(root: Path, project: dict[str, Any]) -> None:
    lock = (root / "requirements.lock").read_text("utf-8")
    pins = [line for line in lock.splitlines() if line and not line.startswith("#")]
    loose = [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)]
    assert not loose, f"lines of requirements.lock that are no exact version: {loose}"
    missing = named(project["dependencies"]) | named(project["optional-dependencies"]["dev"])
    assert missing <= named(pins)
