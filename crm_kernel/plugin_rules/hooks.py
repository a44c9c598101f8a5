"""Hooks are those of the contract: by name, arguments, sync or async, without an order of their own."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from crm_kernel.deprecation import instead_of
from crm_kernel.errors import near
from crm_kernel.plugin_rules.source import Breach, PluginSource
from crm_kernel.plugin_verify import HOOKS

_ORDER = ("tryfirst", "trylast", "wrapper", "hookwrapper")


def hooks(source: PluginSource) -> Iterator[Breach]:
    """Each function marked with `@hookimpl` implements a hook as the contract has it."""
    for file, node, mark in source.hooks():
        where = (file, node.lineno)
        if mark is None:
            yield source.breach("hooks", f"{node.name} is not marked, so it is never called.", *where, "@hookimpl")
        for keyword in mark.keywords if isinstance(mark, ast.Call) else ():
            if keyword.arg in _ORDER:
                hint = "Order comes from requires, before and after of the manifest."
                yield source.breach("hooks", f"{node.name} has {keyword.arg}.", *where, hint)
        spec = HOOKS.get(node.name)
        if spec is None:
            yield source.breach("hooks", f"There is no hook {node.name}.{near(node.name, HOOKS)}", *where)
            continue
        instead = instead_of(spec)
        if instead is not None:
            yield source.breach("deprecated", f"The hook {node.name} is deprecated.", *where, instead)
        expected = list(inspect.signature(spec).parameters)
        got = [argument.arg for argument in node.args.args]
        if got != expected:
            detail = f"{node.name} takes ({', '.join(got)}), the contract gives ({', '.join(expected)})."
            yield source.breach("hooks", detail, *where)
        wanted = inspect.iscoroutinefunction(spec)
        if isinstance(node, ast.AsyncFunctionDef) is not wanted:
            yield source.breach("hooks", f"{node.name} is {'async def' if wanted else 'def'} in the contract.", *where)
