"""Entities say in words what they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from crm_kernel.documents import NAME_PATTERN
from crm_kernel.plugin_rules.source import Breach, PluginSource


def words(source: PluginSource) -> Iterator[Breach]:
    """Each `Entity` class has a name, a title made of its fields, and a docstring."""
    for file, module in source.modules.items():
        for node in (n for n in module.body if isinstance(n, ast.ClassDef)):
            if not any(ast.unparse(base).rpartition(".")[2] == "Entity" for base in node.bases):
                continue
            said = {k.arg: k.value for k in node.keywords}
            where = (file, node.lineno)
            if ast.get_docstring(node) is None:
                yield source.breach("words", f"{node.name} has no docstring: people read it.", *where)
            title = said.get("title")
            if title is None or "{" not in ast.unparse(title):
                hint = 'title="{name}"'
                yield source.breach("words", f"{node.name} has no title made of its fields.", *where, hint)
            name = said.get("name")
            text = name.value if isinstance(name, ast.Constant) else None
            if not isinstance(text, str) or not re.fullmatch(NAME_PATTERN, text):
                yield source.breach("words", f"{node.name} has no name that is one.", *where, 'name="desk"')
