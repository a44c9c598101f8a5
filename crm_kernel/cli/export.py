"""`crm export DIR`: the configuration of the database as files."""

from __future__ import annotations

from pathlib import Path

import click

from crm_kernel.cli.app import caller_of, settings_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.operations.document_files_out import Exported


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@app_option
@json_option
@as_option
@pass_given
def command(given: Given, folder: Path) -> None:
    """Write the documents of the database to DIR; in the app's own folder they count as applied."""
    settings = settings_of(given)
    if folder.resolve() == settings.folder.resolve():
        folder = settings.documents

    async def work(kernel: Kernel) -> Exported:
        return await kernel.documents.export(folder, await caller_of(kernel, given))

    done = with_kernel(given, work)
    if given.json:
        print_json(done._asdict())
        return
    for sign, files in (("~", done.written), ("-", done.removed)):
        for file in files:
            click.echo(f"{sign} {file}")
    for file in done.other:
        note(f"{file} holds no document of the database; it stays as it is.")
    click.echo(f"{len(done.written) + len(done.unchanged)} documents, {len(done.written)} files written.")
