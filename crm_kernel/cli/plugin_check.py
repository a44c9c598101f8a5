"""`crm plugin check PATH`: whether a plugin keeps to the contract (floor 10)."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from crm_kernel.cli.options import Given, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.errors import ConfigError
from crm_kernel.plugin_rules import check_plugin


@click.command("check")
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@json_option
@pass_given
def check(given: Given, path: Path) -> int:
    """Look whether the plugin in the folder PATH keeps to the contract: each breach with file, line and hint."""
    if not path.is_dir():
        raise ConfigError(f"There is no folder {path}.", usage=True)
    breaches = check_plugin(path)
    if given.json:
        print_json({"faults": [msgspec.to_builtins(breach) for breach in breaches]})
    else:
        for breach in breaches:
            click.echo(breach.sentence())
        click.echo(f"{len(breaches)} faults." if breaches else "No faults.")
    return 1 if breaches else 0
