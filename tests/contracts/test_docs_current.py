"""The generated pages and schemas are what the code says now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from crm_kernel.document_schemas import SCHEMAS, render
from crm_kernel.filters.operators import OPERATORS


def test_generated_pages_are_current(root: Path) -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_schemas_are_current(root: Path) -> None:
    files = {file.name: file.read_text("utf-8") for file in (root / "schemas").glob("*.json")}
    assert files == {f"{name}.schema.json": render(name) for name in SCHEMAS}


def test_every_operator_is_explained_and_tested(root: Path) -> None:
    page = (root / "docs" / "filters.md").read_text("utf-8")
    tests = "\n".join(file.read_text("utf-8") for file in (root / "tests" / "filters").glob("test_*.py"))
    for symbol in OPERATORS:
        assert f"`{symbol}" in page or f" {symbol} " in page, symbol
        assert f" {symbol} " in tests or f'"{symbol}"' in tests, symbol
