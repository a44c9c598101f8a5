"""`crm plugin new NAME`: a plugin that installs and passes its own tests (floor 10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from types import MappingProxyType

import click

from crm_kernel.base.entities import ENTITIES
from crm_kernel.documents import NAME_PATTERN
from crm_kernel.entities import entity_name
from crm_kernel.errors import Error
from crm_kernel.plugin_finding import RESERVED

TEMPLATES = Path(__file__).parent.parent / "plugin_template"

PLACES: Mapping[str, str] = MappingProxyType({"ci.txt": ".github/workflows/test.yml", "gitignore.txt": ".gitignore"})
"""Where templates go whose names do not say so; `package.X.txt` is `crm_NAME/X`, `tests.X.txt` is `tests/X`."""


@click.command("new")
@click.argument("name")
@click.option("--dir", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Else NAME in this folder.")
def new(name: str, *, folder: Path | None) -> None:
    """Make a plugin: entity, pipeline, role, rules, listener, report, job, tests, pyproject.toml, CI file, README."""
    folder = folder or Path(name)
    make_plugin(folder, name)
    click.echo(f"Made {folder}. Next: pip install --editable '{folder}[dev]', then pytest there.")


def make_plugin(folder: Path, name: str) -> None:
    """Write the files of a new plugin.

    Raises `Error`: bad_value for what is no name of a plugin, conflict where one of the files is there already.
    """
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > 40 or name in RESERVED:
        hint = "Lower-case letters, digits and single underscores, beginning with a letter: car_wash."
        raise Error("bad_value", f"{name!r} is no name for a plugin.", hint=hint)
    words = words_of(name)
    files = {place(file.name, name): Template(file.read_text("utf-8")) for file in sorted(TEMPLATES.glob("*.txt"))}
    taken = [path for path in files if (folder / path).exists()]
    if taken:
        raise Error("conflict", f"{folder} has {taken[0]} already.", hint="Choose a folder that is new or empty.")
    for path, template in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(template.substitute(words), "utf-8")
    (folder / f"crm_{name}" / "py.typed").touch()


def place(template: str, name: str) -> str:
    """The path that a template is written to."""
    path = PLACES.get(template) or template.removesuffix(".txt")
    part, _, file = path.partition(".")
    if part == "package":
        return f"crm_{name}/{file}"
    return f"tests/{file.replace('test_plugin', f'test_{name}')}" if part == "tests" else path


def words_of(name: str) -> dict[str, str]:
    """What templates call things: the plugin `desks` brings the entity `desk` of the class `Desk`."""
    single = singular(name)
    entity = f"{name}_item" if single in map(entity_name, ENTITIES) else single
    words = entity.replace("_", " ")
    return {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "dashed": name.replace("_", "-"),
        "entity": entity,
        "label": words.capitalize(),
        "cls": words.title().replace(" ", ""),
        "const": entity.upper(),
        "prefix": entity[:2].upper().rstrip("_"),
    }


def singular(name: str) -> str:
    """One of what a name tells several of, by the plainest rules of English; the name itself where none fits."""
    if name.endswith("ies") and len(name) > 4:
        return name.removesuffix("ies") + "y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name.removesuffix("es")
    return name.removesuffix("s") if name.endswith("s") and not name.endswith("ss") and len(name) > 2 else name
