"""`crm serve`: the app over HTTP."""

from __future__ import annotations

import logging

import click

from crm_kernel.api.server import listen, serve
from crm_kernel.cli.app import make_database_folder, settings_of
from crm_kernel.cli.lock import differences
from crm_kernel.cli.options import Given, app_option, pass_given
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings

_log = logging.getLogger("crm_kernel.serve")


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 picks a free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes.")
@click.option("--strict", is_flag=True, help="Stop where a plugin or document would be left out.")
@click.option("--locked", is_flag=True, help="Stop where plugins or files differ from crm.lock.")
@app_option
@pass_given
def command(given: Given, *, host: str, port: int, workers: int, strict: bool, locked: bool) -> None:
    """Apply what has no impact on data, then serve."""
    settings = settings_of(given)
    make_database_folder(settings)

    async def prepare(kernel: Kernel) -> None:
        if locked and (found := differences(settings, kernel.plugins)):
            raise ConfigError(found)
        await bring_up(kernel, settings, strict=strict)

    log_as_server()
    listener = listen(host, port)
    serve(settings, listener, ready=_listening, prepare=prepare, strict=strict, workers=workers)


async def bring_up(kernel: Kernel, settings: Settings, *, strict: bool) -> None:
    """Apply the files that touch no data; tell of the others, or with `strict` raise `ConfigError`."""
    answer = await kernel.documents.sync_files(settings.documents, safe_only=True)
    kernel.pending = answer["pending"]
    await kernel.migrations.settle()
    waiting = [
        f"{d['kind']} {d['name']} is not applied ({d['change']})." for d in answer["pending"] if d["kind"] != "file"
    ]
    told = [*answer["problems"], *waiting]
    if strict and (told or kernel.problems):
        raise ConfigError([*kernel.problems, *told])
    for sentence in told:
        _log.warning("%s Hint: `crm check` says more.", sentence)


def log_as_server() -> None:
    """A log with times and tracebacks on stderr: here they are for whoever runs the server."""
    logging.basicConfig(level=logging.INFO, force=True, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _listening(url: str) -> None:
    click.echo(f"listening on {url}")
