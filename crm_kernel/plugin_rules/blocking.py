"""Nothing async waits by holding up the thread: no other request would be served meanwhile."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crm_kernel.plugin_rules.source import Breach, PluginSource

_CALLS = frozenset({"time.sleep", "open", "input", "os.system", "os.popen", "socket.create_connection"})
_MODULES = ("requests.", "subprocess.", "urllib.request.", "smtplib.", "sqlite3.", "psycopg2.")
_FILES = (".read_text", ".write_text", ".read_bytes", ".write_bytes")


def blocking(source: PluginSource) -> Iterator[Breach]:
    """No `time.sleep`, `requests`, `open` and their like within `async def`."""
    for file, module in source.modules.items():
        for function in (node for node in ast.walk(module) if isinstance(node, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and _blocks(name := ast.unparse(node.func)):
                    hint = "Work on the outside belongs in listeners and jobs, with an async library or to_thread."
                    yield source.breach("blocking", f"{function.name} calls {name}.", file, node.lineno, hint)


def _blocks(name: str) -> bool:
    return name in _CALLS or name.startswith(_MODULES) or name.endswith(_FILES)
