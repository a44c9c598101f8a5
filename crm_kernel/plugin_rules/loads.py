"""It loads as an app would load it, and all that it declares fits."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.plugin_rules.source import Breach, PluginSource
from crm_kernel.settings import load_settings

_PLACE = re.compile(r"^(?P<file>/.*?):(?:(?P<line>\d+):)? ")
_SECRET = {"CRM_SECRET": "of no use but to look at a plugin once"}


def loads(source: PluginSource) -> Iterator[Breach]:
    """In an app with `base` and what it requires it is left out for nothing, and no document of it is broken."""
    if source.package is None or source.manifest is None:
        return
    index = source.package / "__init__.py"
    with tempfile.TemporaryDirectory(prefix="crm-look-") as folder:
        try:
            reasons = asyncio.run(_reasons(source, Path(folder)))
        except ConfigError as error:
            reasons = error.problems
        for reason in reasons:
            found = _PLACE.match(reason)
            file = Path(found["file"]).resolve() if found else index  # it was found by a link that is gone soon
            line = int(found["line"]) if found and found["line"] else None
            yield source.breach("loads", _PLACE.sub("", reason), file, line)


async def _reasons(source: PluginSource, app: Path) -> list[str]:
    """Why an app that is made for it leaves it out, or something of it."""
    (app / "plugins").mkdir()
    (app / "plugins" / source.name).symlink_to(source.folder)
    required = [str(name) for name in source.said("requires") or ()]
    enabled = ", ".join(f'"{name}"' for name in required)
    toml = f'[database]\nurl = "sqlite:///crm.db"\n[plugins]\npath = "plugins"\nenabled = [{enabled}]\n'
    (app / "crm.toml").write_text(toml, "utf-8")
    kernel = await Kernel.open(load_settings(app, _SECRET))
    try:
        state = next(state for state in kernel.plugins.states() if state["name"] == source.name)
        if state["state"] != "active":
            return [str(state["reason"])]
        broken = [b for b in kernel.registry.broken if b.source.name == source.name]
    finally:
        await kernel.close()
    faults = {(b.kind, b.name): "; ".join(f"{f.pointer or '/'}: {f.detail}" for f in b.faults) for b in broken}
    return [f"The {kind} {name!r} does not fit: {told}" for (kind, name), told in faults.items()]
