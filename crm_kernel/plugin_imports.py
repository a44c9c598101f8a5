"""What the code of a plugin imports that it should not (floor 6)."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

PUBLIC = ("crm_kernel", "crm_kernel.base", "crm_kernel.testing")
"""The modules of the kernel whose names are for plugins."""


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module) of each import of another package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""


def is_foreign(module: str, packages: Collection[str]) -> bool:
    """Whether a module is one of the kernel's that is not public, or of a plugin that is none of `packages`."""
    top = module.partition(".")[0]
    if top == "crm_kernel":
        return module not in PUBLIC
    return top.startswith("crm_") and top not in packages


def foreign_imports(folder: Path, packages: Collection[str]) -> Iterator[tuple[Path, int, str]]:
    """(file, line, module) of the imports below a folder that a plugin may not have.

    `packages` are its own and those of the plugins it requires. Files that are no Python are passed over.
    """
    for file in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(file.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        yield from ((file, line, module) for line, module in imported(tree) if is_foreign(module, packages))
