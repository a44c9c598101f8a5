"""Plugins that are installed for one test: a package and what tells of it, in a folder that is on the path."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest


def install(folder: Path, patch: pytest.MonkeyPatch, name: str, code: str, **manifest: Any) -> Path:
    """Write the package `crm_<name>` with a manifest and `code`, so that it counts as installed; its folder."""
    package = folder / f"crm_{name}"
    package.mkdir(parents=True)
    told = {"name": name, "title": name.title(), "kernel": ">=0.1", **manifest}
    members = ", ".join(f"{key}={value!r}" for key, value in told.items())
    head = "from typing import Annotated\nfrom crm_kernel import *\nfrom crm_kernel import hookimpl\n"
    text = f"{head}plugin = Plugin({members})\n{textwrap.dedent(code)}\n"
    (package / "__init__.py").write_text(text, "utf-8")
    info = folder / f"crm_{name}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crm-{name}\nVersion: 0.1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[crm_kernel.plugins]\n{name} = crm_{name}\n", "utf-8")
    patch.syspath_prepend(str(folder))
    for module in [m for m in sys.modules if m.partition(".")[0] == f"crm_{name}"]:
        patch.delitem(sys.modules, module)
    return package
