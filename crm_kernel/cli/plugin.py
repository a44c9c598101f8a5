"""`crm plugin`: making plugins, looking whether they keep to the contract, and which of them an app runs (floor 10)."""

from __future__ import annotations

import click

from crm_kernel.cli.plugin_check import check
from crm_kernel.cli.plugin_life import disable, enable, uninstall
from crm_kernel.cli.plugin_new import new


@click.group("plugin")
def command() -> None:
    """One plugin: new, check, enable, disable, uninstall."""


for _command in (new, check, enable, disable, uninstall):
    command.add_command(_command)
