"""Commands that are imported when they are called: one module each (floor 10)."""

from __future__ import annotations

from importlib import import_module

import click

MODULES = {
    "new": "new",
    "demo": "demo",
    "serve": "serve",
    "check": "check",
    "plan": "plan",
    "apply": "apply",
    "purge": "purge",
    "export": "export",
    "document": "document",
    "user": "user",
    "team": "team",
    "token": "token",
    "access-audit": "access_audit",
    "import": "import_file",
    "undo-import": "undo_import",
    "query": "query",
    "report": "report",
    "explain": "explain",
    "plugins": "plugins",
    "plugin": "plugin",
    "jobs": "jobs",
    "history": "history",
    "events": "events",
    "dead": "dead",
    "replay": "replay",
    "deliver": "deliver",
    "backup": "backup",
    "restore": "restore",
    "copy": "copy",
    "doctor": "doctor",
    "x": "plugin_commands",
}
"""Command -> the module of this folder whose `command` it is, in the order of the help."""

INTERNAL = {"run-job": "run_job"}
"""Commands that the server calls; the help does not name them."""


class LazyGroup(click.Group):
    """A group whose commands stand in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - part of click's interface
        """All names."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, None where there is none."""
        module = MODULES.get(cmd_name) or INTERNAL.get(cmd_name)
        return None if module is None else import_module(f"crm_kernel.cli.{module}").command
