"""Importing a plugin does nothing: no files, connections, processes, no writes in `register_*`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crm_kernel.plugin_rules.source import Breach, PluginSource

_CALLS = frozenset({"open", "exec", "eval", "time.sleep", "os.system", "os.makedirs", "os.mkdir", "os.remove"})
_MODULES = ("requests.", "subprocess.", "urllib.request.", "smtplib.", "sqlite3.", "threading.", "asyncio.run")
_METHODS = (".write_text", ".write_bytes", ".mkdir", ".unlink", ".connect")


def at_import(source: PluginSource) -> Iterator[Breach]:
    """No statement of a module, and no `register_*` hook, writes or connects."""
    for file, module in source.modules.items():
        for node in module.body:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if function and not node.name.startswith("register_"):
                continue
            for call in _run(node):
                name = ast.unparse(call.func)
                if name in _CALLS or name.startswith(_MODULES) or name.endswith(_METHODS):
                    hint = "Do it in on_start, a listener or a job."
                    yield source.breach("at_import", f"{name} is called while it loads.", file, call.lineno, hint)


def _run(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that happen when a statement is run: those in functions below it do not."""
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _run(child)
