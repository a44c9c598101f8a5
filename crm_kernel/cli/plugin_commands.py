"""`crm x PLUGIN COMMAND …`: the commands that plugins bring (floor 10)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from crm_kernel.cli.app import caller_of, settings_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_lines, print_table
from crm_kernel.cli.sentences import note
from crm_kernel.doors import Argument, Command
from crm_kernel.errors import ConfigError, Error, Fault
from crm_kernel.kernel import Kernel
from crm_kernel.operations.answers import encode
from crm_kernel.plugin_declarations import COMMANDS
from crm_kernel.plugins import PluginHost

_TYPES: dict[str, Any] = {
    "text": click.STRING,
    "integer": click.INT,
    "number": click.FLOAT,
    "date": click.DateTime(["%Y-%m-%d"]),
    "flag": click.BOOL,
    "file": click.Path(path_type=Path),
}

log = logging.getLogger("crm_kernel.cli")


class _Plugins(click.Group):
    """The plugins of the app that have commands; looked for once one is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`--app` may stand behind the command, whose plugin is found by it."""
        for place, word in enumerate(args):
            if word == "--app" and place + 1 < len(args):
                ctx.ensure_object(Given).app = Path(args[place + 1])
            elif word.startswith("--app="):
                ctx.ensure_object(Given).app = Path(word.removeprefix("--app="))
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The plugins that have commands, in their order; none where there is no app, as for the help of `crm`."""
        try:
            return list(dict.fromkeys(plugin for plugin, _ in self._declared(ctx)))
        except ConfigError:
            return []

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The commands of one plugin, None where it has none."""
        commands = [command for plugin, command in self._declared(ctx) if plugin == cmd_name]
        if not commands:
            return None
        group = click.Group(cmd_name, help=f"Commands of the plugin {cmd_name}.")
        for command in commands:
            group.add_command(_command(cmd_name, command))
        return group

    def _declared(self, ctx: click.Context) -> list[tuple[str, Command]]:
        host = PluginHost(settings_of(ctx.ensure_object(Given)))
        for sentence in host.faulty():
            note(sentence)
        return host.declared(COMMANDS)


@click.group("x", cls=_Plugins, invoke_without_command=True)
@app_option
@json_option
@as_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """The commands of plugins: crm x PLUGIN COMMAND. Alone it lists them."""
    if ctx.invoked_subcommand is None:
        declared = PluginHost(settings_of(ctx.ensure_object(Given))).declared(COMMANDS)
        rows = [{"plugin": plugin, "command": one.name, "what": one.help} for plugin, one in declared]
        _show(rows, as_json=ctx.ensure_object(Given).json)


def _command(plugin: str, declared: Command) -> click.Command:
    """The click command of a declared one."""

    @app_option
    @json_option
    @as_option
    @pass_given
    def call(given: Given, **arguments: Any) -> None:
        async def work(kernel: Kernel) -> Any:
            crm = kernel.crm_for(plugin, await caller_of(kernel, given))
            given_values = {name: _value(value) for name, value in arguments.items()}

            async def answered() -> Any:
                answer = await declared.handle(crm, **given_values)
                encode(answer)
                return answer

            name, seconds = f"command {declared.name}", declared.timeout
            try:
                # Not strict: it keeps nobody waiting in a process of its own.
                answer = await kernel.calls.run(plugin, name, answered(), strict=False, seconds=seconds, expected=Error)
            except Error:
                raise
            except Exception as error:
                log.debug("plugin %s failed", plugin, exc_info=True)
                detail = f"The plugin {plugin!r} failed in {declared.name}: {type(error).__name__}: {error}."
                fault = Fault(pointer="", code="plugin_fault", detail=detail)
                raise Error("invalid", detail, faults=[fault]) from error
            return answer

        _show(with_kernel(given, work), as_json=given.json)

    made = click.command(declared.name, help=declared.help)(call)
    made.params = [*(_parameter(argument) for argument in declared.arguments), *made.params]
    return made


def _parameter(argument: Argument) -> click.Parameter:
    kind, many = _TYPES[argument.type], argument.many
    if argument.type == "flag":
        return click.Option([f"--{argument.name}"], is_flag=True, help=argument.help)
    if argument.required:
        return click.Argument([argument.name], type=kind, nargs=-1 if many else 1, required=True)
    shown: dict[str, Any] = {"default": argument.default, "show_default": True, "help": argument.help}
    return click.Option([f"--{argument.name}"], type=kind, multiple=many, **shown)


def _value(value: Any) -> Any:
    if hasattr(value, "date") and callable(value.date):
        return value.date()
    return [_value(item) for item in cast("tuple[Any, ...]", value)] if isinstance(value, tuple) else value


def _show(answer: Any, *, as_json: bool) -> None:
    """What a command gave: JSON for programs, a text or a table for people."""
    rows = answer if isinstance(answer, list) and all(isinstance(row, dict) for row in answer) else None
    if as_json:
        print_lines(rows) if rows is not None else print_json(answer)
    elif rows is not None:
        names = list(dict.fromkeys(name for row in cast("Sequence[dict[str, Any]]", rows) for name in row))
        print_table(rows, names)
    elif isinstance(answer, str):
        sys.stdout.write(answer.rstrip("\n") + "\n")
    elif answer is not None:
        print_json(answer)
