"""`crm plugin`: making plugins, and which of them an app runs (floor 10)."""

from __future__ import annotations

import click

from crm_kernel.cli.plugin_life import disable, enable, uninstall


@click.group("plugin")
def command() -> None:
    """One plugin: enable, disable, uninstall."""


command.add_command(enable)
command.add_command(disable)
command.add_command(uninstall)
