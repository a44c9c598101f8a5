"""`crm new DIR`: an app folder."""

from __future__ import annotations

from pathlib import Path

import click

from crm_kernel.documents import FOLDERS
from crm_kernel.errors import Error

_TOML = """\
[app]
name = {name}
locale = "en"
timezone = "UTC"
currency = "EUR"
region = "US"                    # for phone numbers without a country code

[database]
url = "sqlite:///data/crm.db"    # relative to this file

[plugins]
enabled = []                     # installed plugins, by name
path = "plugins"                 # a folder of plugins of your own

[documents]
path = "documents"
"""

_README = """\
# {name}

An app of crm-kernel: `crm.toml` says what it is made of, `documents/` holds its configuration.

    crm apply                    # makes the database, applies the documents
    crm user add me --role admin
    crm token create me --name laptop
    crm serve
"""

_IGNORE = "data/\n__pycache__/\n"


@click.command("new")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make an app folder: crm.toml, documents/, README, .gitignore."""
    make_app(folder, folder.resolve().name)
    click.echo(f"Made {folder}. Next: crm apply --app {folder}")


def make_app(folder: Path, name: str) -> None:
    """Write the files of a new app. Raises `Error("conflict")` where one of them is there already."""
    quoted = '"' + "".join(c if c.isprintable() and c not in '"\\' else "_" for c in name) + '"'
    files = {"crm.toml": _TOML.format(name=quoted), "README.md": _README.format(name=name), ".gitignore": _IGNORE}
    taken = [file for file in files if (folder / file).exists()]
    if taken:
        raise Error("conflict", f"{folder} has a {taken[0]} already.", hint="Choose a folder that is new or empty.")
    for part in FOLDERS.values():
        (folder / "documents" / part).mkdir(parents=True, exist_ok=True)
        (folder / "documents" / part / ".gitkeep").touch()
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "plugins" / ".gitkeep").touch()
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
