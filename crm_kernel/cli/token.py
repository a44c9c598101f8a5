"""`crm token`: what programs sign in with."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_lines, print_table
from crm_kernel.cli.sentences import note
from crm_kernel.fields.moment import moment_text, read_moment
from crm_kernel.kernel import Kernel

_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhdwy])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(1), "w": timedelta(7), "y": timedelta(365)}


class Expiry(click.ParamType[datetime]):
    """A span from now (`90d`) or a moment, as an aware datetime."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; a usage error where it is neither."""
        if isinstance(value, datetime):
            return value
        span = _SPAN.fullmatch(value)
        if span is not None:
            return datetime.now(UTC) + int(span[1]) * _UNITS[span[2]]
        try:
            return read_moment(value)
        except ValueError:
            expected = "a span such as 12h, 90d, 1y, or a moment such as 2027-01-31T00:00:00Z"
            self.fail(f"{value!r} is no time to expire; expected {expected}.", param, ctx)


@click.group("token")
@app_option
def command() -> None:
    """Tokens: create, list, revoke."""


@command.command("create")
@click.argument("login")
@click.option("--name", required=True, help="What it is for.")
@click.option("--read-only", is_flag=True, help="It may change nothing.")
@click.option("--entity", "entities", multiple=True, help="Only for this entity; may be given several times.")
@click.option("--expires", type=Expiry(), help="When it ends: 12h, 90d, 1y, or a moment. Else never.")
@app_option
@json_option
@pass_given
def create(
    given: Given, login: str, *, name: str, read_only: bool, entities: tuple[str, ...], expires: datetime | None
) -> None:
    """Make a token and print it, this once."""

    async def work(kernel: Kernel) -> tuple[str, str]:
        return await kernel.identity.create_token(
            login, name, read_only=read_only, entities=list(entities) or None, expires_at=expires
        )

    id, text = with_kernel(given, work)
    if given.json:
        print_json({"id": id, "token": text, "name": name, "expires_at": expires and moment_text(expires)})
    else:
        note("This token is shown only now; keep it like a password.")
        click.echo(text)


@command.command("list")
@click.argument("login")
@app_option
@json_option
@pass_given
def list_tokens(given: Given, login: str) -> None:
    """The tokens of a user, without the tokens themselves."""
    tokens = with_kernel(given, lambda kernel: kernel.identity.tokens(login))
    if given.json:
        print_lines(tokens)
    else:
        columns = ["name", "read_only", "entities", "created_at", "expires_at", "last_used_at", "id"]
        print_table(tokens, columns, empty=f"{login} has no tokens.")


@command.command("revoke")
@click.argument("id")
@app_option
@pass_given
def revoke(given: Given, id: str) -> None:
    """End a token at once."""
    with_kernel(given, lambda kernel: kernel.identity.revoke(id))
    click.echo(f"Revoked {id}.")
