"""`crm user`: people who may sign in."""

from __future__ import annotations

import sys
from typing import Any

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_lines, print_table
from crm_kernel.cli.records import every_record
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel


@click.group("user")
@app_option
def command() -> None:
    """People: add, list, disable, password, reset-password."""


@command.command("add")
@click.argument("login")
@click.option("--name", help="The full name; else the login.")
@click.option("--email", help="An e-mail address.")
@click.option("--role", "roles", multiple=True, help="A role; may be given several times. `admin` may do everything.")
@click.option("--team", help="The main team, by name or id.")
@click.option("--password-stdin", is_flag=True, help="Read a password from standard input.")
@app_option
@json_option
@pass_given
def add(
    given: Given,
    login: str,
    *,
    name: str | None,
    email: str | None,
    roles: tuple[str, ...],
    team: str | None,
    password_stdin: bool,
) -> None:
    """Add a user. Without a password he works with tokens only."""
    password = read_password() if password_stdin else None

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.identity.add_user(
            login, name=name, email=email, roles=list(roles), team=team, password=password
        )

    user = with_kernel(given, work)
    _say(given, user, f"Added {user['login']} ({', '.join(user['roles']) or 'no role'}).")


@command.command("list")
@app_option
@json_option
@pass_given
def list_users(given: Given) -> None:
    """All users."""
    users = with_kernel(given, lambda kernel: every_record(kernel, "user", "login"))
    if given.json:
        print_lines(users)
    else:
        print_table(
            users, ["login", "name", "email", "roles", "active", "last_seen_at", "id"], empty="There are no users."
        )


@command.command("disable")
@click.argument("login")
@app_option
@json_option
@pass_given
def disable(given: Given, login: str) -> None:
    """Refuse a user from now on, with all his tokens; his sessions end."""
    user = with_kernel(given, lambda kernel: kernel.identity.disable(login))
    _say(given, user, f"Disabled {login}.")


@command.command("password")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@app_option
@pass_given
def password(given: Given, login: str, *, password_stdin: bool) -> None:
    """Set a user's password; his sessions end."""
    if password_stdin:
        text = read_password()
    elif sys.stdin.isatty():
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise click.UsageError("There is no terminal to ask for the password; pass it with --password-stdin.")
    with_kernel(given, lambda kernel: kernel.identity.set_password(login, text))
    click.echo(f"The password of {login} is set.")


@command.command("reset-password")
@click.argument("login")
@app_option
@json_option
@pass_given
def reset_password(given: Given, login: str) -> None:
    """Print a token with which a user sets a password of his own, once, within a day."""
    text = with_kernel(given, lambda kernel: kernel.identity.reset_password(login))
    if given.json:
        print_json({"login": login, "reset": text})
    else:
        note("This token is shown only now. POST /api/session takes it as `reset`, with the new `password`.")
        click.echo(text)


def read_password() -> str:
    """The first line of standard input."""
    return sys.stdin.readline().rstrip("\r\n")


def _say(given: Given, record: dict[str, Any], sentence: str) -> None:
    if given.json:
        print_json(record)
    else:
        click.echo(sentence)
