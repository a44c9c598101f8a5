"""An app with the plugins of `tests/hostile/plugins`, as they are installed where people had records before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

PLUGINS = Path(__file__).parents[1] / "tests" / "hostile" / "plugins"
NEXT = "# What the next version brings."
"""What stands behind it in a plugin comes once there are records: a migration has something to migrate."""


def install(folder: Path, url: str, crm: Callable[..., object]) -> None:
    """Make the app; `crm` runs a command on it. Its server is the first that finds the migration of `migrating`."""
    shutil.copytree(PLUGINS, folder / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "crm.toml").write_text(
        f'[database]\nurl = "{url}"\n[plugins]\npath = "plugins"\ncall_deadline_ms = 500\n', "utf-8"
    )
    migrating = folder / "plugins" / "migrating" / "__init__.py"
    text = migrating.read_text("utf-8")
    migrating.write_text(text.partition(NEXT)[0], "utf-8")
    crm("apply", "--yes")
    (folder / "things.csv").write_text("name\n" + "".join(f"t{n}\n" for n in range(6)), "utf-8")
    crm("import", "migrating_thing", str(folder / "things.csv"))
    migrating.write_text(text, "utf-8")
