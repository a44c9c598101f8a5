"""`crm report`: a stored report."""

from __future__ import annotations

import sys
from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_table
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.operations.report_csv import report_csv


@click.command("report")
@click.argument("name")
@click.option("--param", "params", multiple=True, metavar="K=V", help="A parameter; may be given several times.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), help="Default: table.")
@app_option
@json_option
@as_option
@pass_given
def command(given: Given, name: str, *, params: tuple[str, ...], form: str | None) -> None:
    """Run the report NAME."""
    values = dict(_pair(text) for text in params)
    form = form or ("json" if given.json else "table")

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.reports.run(name, values, await caller_of(kernel, given))

    answer = with_kernel(given, work)
    if form == "json":
        print_json(answer)
    elif form == "csv":
        sys.stdout.write(report_csv(answer))
    else:
        _print_table(answer)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE.", param_hint="--param")
    return name, value


def _print_table(answer: dict[str, Any]) -> None:
    labels = {column["name"]: column["label"] for column in answer["columns"]}
    rows = [{labels[name]: row.get(name) for name in labels} for row in answer["rows"]]
    totals = answer.get("totals")
    if totals and len(rows) > 1:
        rows.append({label: totals.get(name) for name, label in labels.items()})
        first = next(iter(labels.values()))
        if rows[-1][first] is None:
            rows[-1][first] = "total"
    print_table(rows, list(labels.values()))
    if answer.get("truncated"):
        note("There are more rows than the report shows.")
