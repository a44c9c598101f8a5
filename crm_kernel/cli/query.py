"""`crm query`: records out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_lines, print_table
from crm_kernel.cli.records import pages
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.model import EntityModel
from crm_kernel.operations.csv_text import csv_line
from crm_kernel.operations.export import export, format_of
from crm_kernel.operations.list_query import DEFAULT_LIMIT, ListQuery

_MOST_COLUMNS = 8


@click.command("query")
@click.argument("entity")
@click.option("--filter", "filter_text", metavar="X", help="A filter, such as \"price > 100000 and stage = 'Active'\".")
@click.option("--sort", metavar="S", help="Up to four fields with commas, - for descending. Default: -created_at.")
@click.option("--fields", metavar="F", help="Fields and paths with commas, such as name,company.name.")
@click.option("--limit", type=click.IntRange(min=1), default=DEFAULT_LIMIT, show_default=True, help="Records at most.")
@click.option("--format", "form", help="table (the default), csv, jsonl, or the format of a plugin.")
@click.option("--lossless", is_flag=True, help="CSV exactly as stored, even what a spreadsheet would run.")
@app_option
@json_option
@as_option
@pass_given
def command(
    given: Given,
    entity: str,
    *,
    filter_text: str | None,
    sort: str | None,
    fields: str | None,
    limit: int,
    form: str | None,
    lossless: bool,
) -> None:
    """Show records of ENTITY."""
    named = {"filter": filter_text, "sort": sort, "fields": fields}
    query = ListQuery.from_params({name: text for name, text in named.items() if text is not None})
    form = form or ("jsonl" if given.json else "table")

    async def work(kernel: Kernel) -> None:
        caller = await caller_of(kernel, given)
        if form not in ("table", "csv", "jsonl"):
            written = format_of(kernel, form)
            async for part in await export(kernel.reader, entity, caller, query, form=written, limit=limit):
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            return
        found: list[dict[str, Any]] = []
        header: list[str] | None = None
        async for items in pages(kernel, entity, caller, query, limit):
            if form == "jsonl":
                print_lines(items)
            elif form == "csv":
                header = header or _header(query, items, kernel.registry.entities[entity])
                _print_csv(header, items, first=not found, lossless=lossless)
                found = found or items
            else:
                found += items
        if form == "table":
            _print_table(found, query, kernel.registry.entities[entity])

    with_kernel(given, work)


def _header(query: ListQuery, items: Sequence[dict[str, Any]], model: EntityModel) -> list[str]:
    """The columns: the fields that were asked for, else what the records hold."""
    if query.fields is not None:
        return list(query.fields)
    return list(items[0]) if items else list(model.fields)


def _print_csv(header: list[str], items: Sequence[dict[str, Any]], *, first: bool, lossless: bool) -> None:
    lines = [csv_line(header)] if first else []
    lines += [csv_line([item.get(name) for name in header], lossless=lossless) for item in items]
    sys.stdout.write("".join(lines))


def _print_table(items: list[dict[str, Any]], query: ListQuery, model: EntityModel) -> None:
    """The asked fields; else those of the entity's own that hold anything, as many as a terminal can show."""
    if query.fields is not None:
        print_table(items, list(query.fields))
        return
    own = [f.name for f in model.own_fields]
    filled = [n for n in [*own, "stage"] if any(item.get(n) not in (None, [], {}) for item in items)]
    print_table(items, [*filled[:_MOST_COLUMNS], "id"])
    if len(filled) > _MOST_COLUMNS:
        note(f"{len(filled) - _MOST_COLUMNS} further fields are not shown; --fields chooses.")
