"""`crm document`: single documents of the database, as `/api/documents` has them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.documents import plan_lines
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_lines, print_table
from crm_kernel.document_files import read_document
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.operations.document_files_out import document_text

dry_run_option = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")


@click.group("document")
@app_option
def command() -> None:
    """Documents of the database: list, get, put, delete, versions, restore."""


@command.command("list")
@app_option
@json_option
@as_option
@pass_given
def list_documents(given: Given) -> None:
    """All documents: those in force, and those that are broken and left out."""

    async def work(kernel: Kernel) -> list[dict[str, Any]]:
        return await kernel.documents.list(await caller_of(kernel, given))

    items = with_kernel(given, work)
    if given.json:
        print_lines(items)
    else:
        print_table(items, ["kind", "name", "label", "origin", "plugin", "state"])


@command.command("get")
@click.argument("kind")
@click.argument("name")
@app_option
@json_option
@as_option
@pass_given
def get(given: Given, kind: str, name: str) -> None:
    """Print one document, in the form of its file."""

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.documents.get(kind, name, await caller_of(kernel, given))

    body = with_kernel(given, work)
    if given.json:
        print_json(body)
    else:
        sys.stdout.write(document_text(body))


@command.command("put")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@dry_run_option
@app_option
@json_option
@as_option
@pass_given
def put(given: Given, file: Path, *, dry_run: bool) -> None:
    """Plan and apply the document that FILE holds."""
    document, problems = read_document(file, file.name)
    if document is None:
        raise ConfigError([problem.sentence() for problem in problems])

    async def work(kernel: Kernel) -> dict[str, Any]:
        caller = await caller_of(kernel, given)
        return await kernel.documents.put(document.kind, document.name, document.body, caller, dry_run=dry_run)

    _tell(given, with_kernel(given, work))


@command.command("delete")
@click.argument("kind")
@click.argument("name")
@dry_run_option
@app_option
@json_option
@as_option
@pass_given
def delete(given: Given, kind: str, name: str, *, dry_run: bool) -> None:
    """Plan and apply the removal of one document; a plugin's own comes back."""

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.documents.delete(kind, name, await caller_of(kernel, given), dry_run=dry_run)

    _tell(given, with_kernel(given, work))


@command.command("versions")
@click.argument("kind")
@click.argument("name")
@app_option
@json_option
@as_option
@pass_given
def versions(given: Given, kind: str, name: str) -> None:
    """All versions of a document, newest first."""

    async def work(kernel: Kernel) -> list[dict[str, Any]]:
        return await kernel.documents.versions(kind, name, await caller_of(kernel, given))

    items = with_kernel(given, work)
    if given.json:
        print_lines(items)
        return
    rows = [{**item, "by": _who(item["by"]), "changed": [d["pointer"] or "/" for d in item["diff"]]} for item in items]
    print_table(rows, ["version", "change", "at", "by", "changed"])


@command.command("restore")
@click.argument("kind")
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1))
@dry_run_option
@app_option
@json_option
@as_option
@pass_given
def restore(given: Given, kind: str, name: str, version: int, *, dry_run: bool) -> None:
    """Plan and apply an earlier VERSION of a document."""

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.documents.restore(kind, name, version, await caller_of(kernel, given), dry_run=dry_run)

    _tell(given, with_kernel(given, work))


def _who(by: dict[str, Any] | None) -> str:
    return "the system" if by is None else str(by["name"] or by["id"])


def _tell(given: Given, answer: dict[str, Any]) -> None:
    if given.json:
        print_json(answer)
        return
    for line in plan_lines(answer["plan"]):
        click.echo(line)
    click.echo("Applied." if answer["applied"] else "Nothing was changed.")
