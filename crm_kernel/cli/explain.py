"""`crm explain`: why somebody may do something, or may not (floor 10)."""

from __future__ import annotations

from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_table
from crm_kernel.kernel import Kernel


@click.group("explain")
@app_option
def command() -> None:
    """Why something is as it is: access."""


@command.command("access")
@click.argument("entity")
@click.argument("record", required=False, metavar="[ID]")
@click.option("--user", metavar="U", help="Whom it is about, by login or id; else the one who acts (--as).")
@click.option("--role", "roles", multiple=True, metavar="R", help="Instead: whoever would have this role; repeatable.")
@click.option("--action", required=True, metavar="A", help="read, create, update, delete, move, export …")
@click.option("--field", metavar="F", help="A field of the record.")
@app_option
@json_option
@as_option
@pass_given
def access(
    given: Given,
    entity: str,
    record: str | None,
    *,
    user: str | None,
    roles: tuple[str, ...],
    action: str,
    field: str | None,
) -> None:
    """Say whether somebody may do an action on records of ENTITY, or on the record ID, and by which rules."""
    asked = {"user": user, "roles": list(roles) or None, "action": action, "entity": entity, "id": record}
    question = {name: value for name, value in {**asked, "field": field}.items() if value is not None}

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.explain.access(question, await caller_of(kernel, given))

    answer = with_kernel(given, work)
    if given.json:
        print_json(answer)
        return
    click.echo("allowed" if answer["allowed"] else f"not allowed: {answer['reason']}")
    rows = [_row(rule) for rule in answer["rules"]]
    print_table(rows, ["source", "effect", "action", "row", "field", "expression"], empty="no rule says anything of it")
    for source in answer["would_grant"]:
        click.echo(f"would be granted by {_named(source)}")


def _row(rule: dict[str, Any]) -> dict[str, Any]:
    failed = [f"{part['expression']} ({part['values']})" for part in rule["parts"] if not part["held"]]
    return {**rule, "source": _named(rule["source"]), "expression": "; ".join(failed) or rule["expression"]}


def _named(source: dict[str, Any]) -> str:
    return f"{source['kind']} {source['name']} {source['pointer']}".strip()
