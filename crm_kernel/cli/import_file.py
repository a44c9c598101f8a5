"""`crm import`: a file in."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.mapping_files import parse_mapping
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.import_changes import Duplicates

PAUSE = 0.005
"""Seconds the import leaves the database to others after each of its transactions."""

_SHOWN = 20


@click.command("import")
@click.argument("entity")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "mapping_file", type=click.Path(path_type=Path), help="How columns become fields, TOML or JSON.")
@click.option("--format", "format", help="How FILE is read: csv, or a format of a plugin; by default by its suffix.")
@click.option("--dry-run", is_flag=True, help="Write nothing, show the same counts.")
@click.option(
    "--on-duplicate",
    type=click.Choice(["error", "skip", "update", "create"]),
    default="error",
    show_default=True,
    help="What a row does whose key is there already.",
)
@click.option("--errors", "errors_file", type=click.Path(path_type=Path), help="Where refused rows are written.")
@app_option
@json_option
@as_option
@pass_given
def command(
    given: Given,
    entity: str,
    file: Path,
    *,
    mapping_file: Path | None,
    format: str | None,
    dry_run: bool,
    on_duplicate: str,
    errors_file: Path | None,
) -> int:
    """Import FILE, CSV or of a plugin's format, as records of ENTITY. Given again, it goes on where it was cut."""
    mapping = None if mapping_file is None else read_mapping(mapping_file)
    if mapping is not None and not mapping.key and on_duplicate in ("skip", "update"):
        note("The mapping has no key, so no row is a duplicate of another.")

    async def work(kernel: Kernel) -> dict[str, Any]:
        # Rows hold no cycles: looking for them 70 times less often takes an eighth off the time of an import.
        gc.freeze()
        gc.set_threshold(50_000)
        with _Bar() as bar:
            return await kernel.imports.run(
                entity,
                file,
                mapping,
                caller=await caller_of(kernel, given, "import"),
                format=format,
                on_duplicate=cast("Duplicates", on_duplicate),
                dry_run=dry_run,
                errors_path=errors_file,
                progress=bar.show,
            )

    job = with_kernel(given, work, pause_after_commit=PAUSE)
    if given.json:
        print_json(job)
    else:
        _tell(job, entity, dry_run=dry_run, errors_file=errors_file)
    return 1 if job["counts"]["refused"] else 0


def read_mapping(file: Path) -> ImportMapping:
    """The mapping in a file. Raises `ConfigError`, `usage` where it cannot be read at all."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", usage=True) from error
    mapping, problems = parse_mapping(raw, file.name)
    if mapping is None:
        raise ConfigError([problem.sentence() for problem in problems])
    return mapping


def _tell(job: dict[str, Any], entity: str, *, dry_run: bool, errors_file: Path | None) -> None:
    counts = ", ".join(f"{count:,} {what}" for what, count in job["counts"].items() if count)
    would = " (dry run: nothing was written)" if dry_run else ""
    click.echo(f"{job['rows']:,} rows of {entity}: {counts or 'nothing to do'}{would}.")
    refused = job["counts"]["refused"]
    if not refused:
        return
    for error in job["errors"][:_SHOWN]:
        note(f"row {error['row']}, {error['pointer'] or 'the row'}: {error['detail']}")
    if errors_file is not None:
        note(f"All {refused:,} refused rows are in {errors_file}.")
    elif len(job["errors"]) > _SHOWN:
        note("There are more; --errors FILE writes all refused rows.")


class _Bar:
    """A progress bar on stderr where that is a terminal; else nothing."""

    def __init__(self) -> None:
        columns = (TextColumn("import"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._progress.add_task("import", total=None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, done: int, rows: int) -> None:
        """So many rows of the file are done."""
        self._progress.update(self._task, completed=done, total=rows)
