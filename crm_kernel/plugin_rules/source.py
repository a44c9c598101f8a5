"""A plugin as its files say it: what rules look at (floor 6)."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from crm_kernel.plugin_verify import HOOKS


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One breach of the contract: the rule's code, what, where (`file:line`, as far as there is one), what to do."""

    code: str
    detail: str
    file: str
    line: int | None = None
    hint: str | None = None

    def sentence(self) -> str:
        """On one line, for people."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.detail} [{self.code}]{f' Hint: {self.hint}' if self.hint else ''}"


class PluginSource:
    """The folder of a plugin: `folder` is its project's, `package` that of its code, which may be the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.name = self._name()
        self.package = next(
            (p for p in (self.folder / f"crm_{self.name}", self.folder) if (p / "__init__.py").is_file()), None
        )

    def _name(self) -> str:
        points = list(self.entry_points)
        packages = [p.parent.name for p in sorted(self.folder.glob("crm_*/__init__.py"))]
        named = [*points, *(name.removeprefix("crm_") for name in packages)]
        return named[0] if named else self.folder.name.removeprefix("crm_")

    @cached_property
    def project(self) -> dict[str, Any]:
        """What pyproject.toml says, {} where there is none that can be read."""
        try:
            return tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    @property
    def entry_points(self) -> dict[str, str]:
        """Its entry points for plugins: name -> module."""
        return self.project.get("project", {}).get("entry-points", {}).get("crm_kernel.plugins", {})

    @cached_property
    def modules(self) -> dict[Path, ast.Module]:
        """The code of the package that can be read, without tests."""
        found: dict[Path, ast.Module] = {}
        for file in sorted(self.package.rglob("*.py")) if self.package else ():
            if "tests" not in file.relative_to(self.folder).parts:
                try:
                    found[file] = ast.parse(file.read_text("utf-8"))
                except (SyntaxError, UnicodeDecodeError):
                    continue
        return found

    @property
    def index(self) -> ast.Module:
        """The module with the manifest and the hooks."""
        return self.modules.get((self.package or self.folder) / "__init__.py", ast.Module([], []))

    @cached_property
    def manifest(self) -> ast.Call | None:
        """The call of `Plugin(…)` that is named `plugin`, None where there is none."""
        for node in self.index.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            called = ast.unparse(node.value.func).rpartition(".")[2]
            if called == "Plugin" and "plugin" in map(ast.unparse, targets):
                return node.value
        return None

    def said(self, member: str) -> Any:
        """What the manifest says of a member where it is plainly written, None otherwise."""
        for keyword in self.manifest.keywords if self.manifest else ():
            if keyword.arg == member:
                try:
                    return ast.literal_eval(keyword.value)
                except ValueError:
                    return None
        return None

    @property
    def packages(self) -> set[str]:
        """The packages it may import from: its own, and those of plugins it requires."""
        required = [str(name) for name in self.said("requires") or ()]
        return {f"crm_{name}" for name in (self.name, *required)} | {(self.package or self.folder).name}

    def hooks(self) -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef, ast.expr | None]]:
        """The functions that are marked as hooks, or named like one at the top of the index: (file, function, mark)."""
        for file, module in self.modules.items():
            for node in module.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    marks = [d for d in node.decorator_list if "hookimpl" in ast.unparse(d)]
                    if marks or (module is self.index and node.name in HOOKS):
                        yield file, node, marks[0] if marks else None

    def shown(self, file: Path) -> str:
        """A file's path as it is told: from the folder of the plugin."""
        return str(file.relative_to(self.folder)) if file.is_relative_to(self.folder) else str(file)

    def breach(
        self, code: str, detail: str, file: Path | str, line: int | None = None, hint: str | None = None
    ) -> Breach:
        """A breach in one of its files."""
        return Breach(
            code=code, detail=detail, file=self.shown(file) if isinstance(file, Path) else file, line=line, hint=hint
        )
