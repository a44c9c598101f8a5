"""`crm plugin`: making plugins, and looking whether they keep to the contract (floor 10)."""

from __future__ import annotations

import click

from crm_kernel.cli.plugin_check import check
from crm_kernel.cli.plugin_new import new


@click.group("plugin")
def command() -> None:
    """One plugin: new, check."""


command.add_command(new)
command.add_command(check)
