"""`crm demo`: an example with sample data, served from a folder that is gone afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

import crm_kernel
from crm_kernel.api.server import listen, serve
from crm_kernel.cli.app import make_database_folder
from crm_kernel.cli.sentences import note
from crm_kernel.cli.serve import bring_up, log_as_server
from crm_kernel.errors import ConfigError, Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.settings import load_settings

LOGIN = "admin"
_PACKAGE = Path(crm_kernel.__file__).parent
FOLDERS = (_PACKAGE.parent / "examples", _PACKAGE / "_examples")
"""Where examples are: in the source tree, in the installed package."""

_NOT_COPIED = shutil.ignore_patterns("data", "__pycache__", "crm.lock")


@click.command("demo")
@click.argument("example", default="riga_homes")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Else a free one.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Make the app here, and leave it.")
def command(example: str, *, port: int, keep: Path | None) -> None:
    """Serve an EXAMPLE with sample data; print the URL, a log-in, a token and five commands to try."""
    source = find_example(example)
    with _folder(keep) as folder:
        shutil.copytree(source, folder, ignore=_NOT_COPIED, dirs_exist_ok=True)
        settings = load_settings(folder, os.environ)
        make_database_folder(settings)
        lines: list[str] = []

        async def prepare(kernel: Kernel) -> None:
            note(f"Loading the sample data of {example} …")
            await bring_up(kernel, settings, strict=True)
            await _load_sample(kernel, folder)
            lines.extend(await _introduce(kernel, folder))

        def ready(url: str) -> None:
            click.echo(f"listening on {url}\n" + "\n".join(line.replace("{url}", url) for line in lines))

        log_as_server()
        serve(settings, listen("127.0.0.1", port), ready=ready, prepare=prepare, strict=True)


def find_example(name: str) -> Path:
    """The folder of an example. Raises a usage error that names those that are there."""
    there = {p.parent.name: p.parent for folder in reversed(FOLDERS) for p in folder.glob("*/crm.toml")}
    if name not in there:
        raise click.BadParameter(f"There is no example {name!r}; there are {', '.join(sorted(there)) or 'none'}.")
    return there[name]


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    """The folder to work in: a new one that stays, or a temporary one."""
    if keep is None:
        with TemporaryDirectory(prefix="crm-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise Error("conflict", f"{keep} is not empty.", hint="Choose a folder that is new or empty.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep


async def _load_sample(kernel: Kernel, folder: Path) -> None:
    """Run `load(crm)` of the example's `sample.py` or package `sample`; nothing where it has none."""
    file = next((f for f in (folder / "sample" / "__init__.py", folder / "sample.py") if f.exists()), None)
    if file is None:
        return
    name = "crm_example_sample"
    spec = spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} cannot be imported.")
    module: Any = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    await module.load(kernel.crm())


async def _introduce(kernel: Kernel, folder: Path) -> list[str]:
    """Make the administrator and his token; what to tell whoever started the demo."""
    password = secrets.token_urlsafe(9)
    await kernel.identity.add_user(LOGIN, name="Administrator", roles=["admin"], password=password)
    _, token = await kernel.identity.create_token(LOGIN, "demo")
    tries = await _to_try(kernel, folder, token)
    return ["", "  URL      {url}", f"  log-in   {LOGIN} / {password}", f"  token    {token}", "", "Try:", *tries, ""]


async def _to_try(kernel: Kernel, folder: Path, token: str) -> list[str]:
    """Five commands that work on this app."""
    crm, app = _program(), f"--app {folder}"
    own = [m for m in kernel.registry.entities.values() if m.source.kind != "builtin"]
    entity = own[0].name if own else "contact"
    query = f"{crm} query {entity} {app} --limit 5"
    found = await kernel.reader.list(entity, kernel.system("cli"), ListQuery(limit=1))
    if found.items and found.items[0].get("stage"):
        query += f" --filter \"stage = '{found.items[0]['stage']}'\""
    report = next((name for name, report in kernel.registry.reports.items() if not report.params), None)
    curl = f"curl -s -H 'Authorization: Bearer {token}'"
    return [
        f"  {query}",
        f"  {crm} report {report} {app}" if report else f"  {crm} user list {app}",
        f"  {crm} plugins {app}",
        f"  {curl} '{{url}}/api/records/{entity}?limit=2'",
        f"  {curl} {{url}}/openapi.json",
    ]


def _program() -> str:
    """How `crm` was called, as it can be called again."""
    return "crm" if shutil.which("crm") else os.path.relpath(sys.argv[0])
