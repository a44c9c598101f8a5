"""Options that several commands have, wherever on the command line they stand (floor 10)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Given:
    """What was said of the app, the form of the output and the person to act as."""

    app: Path | None = None
    json: bool = False
    login: str | None = None

    @property
    def folder(self) -> Path:
        """The app folder: `--app`, else `CRM_APP`, else the current folder."""
        return self.app or Path(os.environ.get("CRM_APP") or ".")


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        given = context.ensure_object(Given)
        if value not in (None, False):
            setattr(given, name, value)

    return callback


def app_option(command: F) -> F:
    """`--app DIR`."""
    return click.option(
        "--app",
        type=click.Path(path_type=Path),
        metavar="DIR",
        expose_value=False,
        callback=_keep("app"),
        help="The app folder; else CRM_APP, else the current folder.",
    )(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option(
        "--json", is_flag=True, expose_value=False, callback=_keep("json"), help="JSON as the HTTP API answers it."
    )(command)


def as_option(command: F) -> F:
    """`--as LOGIN`."""
    return click.option(
        "--as",
        "login",
        metavar="LOGIN",
        expose_value=False,
        callback=_keep("login"),
        help="Act as this user, with his rights; else as the system.",
    )(command)


pass_given = click.make_pass_decorator(Given, ensure=True)
