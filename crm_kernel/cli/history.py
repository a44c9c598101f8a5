"""`crm history`: was the history of records changed beside the write door; values erased from it (floor 10)."""

from __future__ import annotations

import sys

import click
import msgspec

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.operations.tamper import Bad, Verification


@click.group("history")
@app_option
def command() -> None:
    """The history of records: verify, erase."""


@command.command("verify")
@click.option("--head", metavar="HASH", help="A head that was noted earlier: the chain must still lead through it.")
@app_option
@json_option
@pass_given
def verify(given: Given, head: str | None) -> int:
    """Hold the history against its seals; 1 where an entry was changed, added or taken away."""

    async def work(kernel: Kernel) -> Verification:
        await kernel.tamper.seal()
        return await kernel.tamper.verify(head=head)

    found = with_kernel(given, work)
    if given.json:
        print_json(msgspec.to_builtins(found))
    else:
        erased = f", the values of {found.erased:,} erased" if found.erased else ""
        click.echo(f"{found.entries:,} entries, {found.sealed:,} under {found.seals:,} seals{erased}.")
        click.echo(f"head {found.head or '-'}")
    if found.bad is not None:
        note(_sentence(found.bad))
    return 0 if found.ok else 1


@command.command("erase")
@click.argument("entity")
@click.argument("record")
@click.option("--field", help="Only what changed this field.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@app_option
@json_option
@as_option
@pass_given
def erase(given: Given, entity: str, record: str, *, field: str | None, yes: bool) -> int:
    """Erase the values that history keeps of a RECORD; who changed it, when and how, stays, and the seals hold."""
    if not yes and not _agreed(entity, record):
        note("Nothing was erased. Hint: --yes erases without asking.")
        return 1

    async def work(kernel: Kernel) -> int:
        return await kernel.tamper.erase(entity, record, await caller_of(kernel, given), field=field)

    erased = with_kernel(given, work)
    if given.json:
        print_json({"erased": erased})
    else:
        click.echo(f"The values of {erased:,} entries are erased. Backups still have them.")
    return 0


def _agreed(entity: str, record: str) -> bool:
    return sys.stdin.isatty() and click.confirm(f"Erase the values in the history of {entity} {record} for good?")


def _sentence(bad: Bad) -> str:
    which = "" if bad.record is None else f"{bad.entity} {bad.record}"
    version = "" if bad.version is None else f", version {bad.version}"
    place = "" if bad.seq is None else f" (entry {bad.seq})"
    return f"{which}{version}{place}: {bad.what}".removeprefix(": ").strip()
