"""`crm team`: people who share records."""

from __future__ import annotations

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_lines, print_table
from crm_kernel.cli.records import every_record


@click.group("team")
@app_option
def command() -> None:
    """Teams: add, list."""


@command.command("add")
@click.argument("name")
@click.option("--parent", help="The team above it, by name or id.")
@click.option("--lead", metavar="LOGIN", help="Who leads it.")
@app_option
@json_option
@pass_given
def add(given: Given, name: str, *, parent: str | None, lead: str | None) -> None:
    """Add a team."""
    team = with_kernel(given, lambda kernel: kernel.identity.add_team(name, parent=parent, lead=lead))
    if given.json:
        print_json(team)
    else:
        click.echo(f"Added the team {team['name']}.")


@command.command("list")
@app_option
@json_option
@pass_given
def list_teams(given: Given) -> None:
    """All teams."""
    teams = with_kernel(given, lambda kernel: every_record(kernel, "team", "name"))
    if given.json:
        print_lines(teams)
    else:
        print_table(teams, ["name", "parent", "lead", "id"], empty="There are no teams.")
