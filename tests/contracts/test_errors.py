"""The catalogue of errors is closed: each code is used by the code and appears in a test; no other is invented."""

from __future__ import annotations

import ast
from pathlib import Path

from crm_kernel.errors import CATALOGUE, FAULT_CODES

LATER: set[str] = set()
"""Codes of the published list whose routes are not built yet. A code leaves this set when it is first raised."""


def words(files: list[Path]) -> set[str]:
    """All texts in the files that could be a code."""
    return {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def raised(root: Path) -> set[str]:
    """The first arguments of all `Error(…)` calls of the kernel."""
    return {
        call.args[0].value
        for file in (root / "crm_kernel").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Error" and call.args
        if isinstance(call.args[0], ast.Constant)
    }


def test_every_code_is_used(root: Path) -> None:
    used = words([file for file in (root / "crm_kernel").rglob("*.py") if file.name != "errors.py"])
    used |= {"invalid", "forbidden", "not_found", "stale", "unique", "move_refused"}  # errors.winner chooses these
    assert set(CATALOGUE) - used <= LATER
    assert set(FAULT_CODES) <= used


def test_every_code_is_tested(root: Path) -> None:
    tested = words([*(root / "tests").rglob("test_*.py"), *root.glob("plugins/*/tests/**/test_*.py")])
    missing = (set(CATALOGUE) | set(FAULT_CODES)) - LATER - tested
    assert not missing, f"codes that no test mentions: {sorted(missing)}"


def test_only_catalogue_codes_are_raised(root: Path) -> None:
    assert raised(root) <= set(CATALOGUE) - LATER
