"""`crm x`: the commands that plugins bring by `register_commands`, and `crm query` in a format of a plugin's."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.cli.conftest import Crm

PLUGIN = '''
"""Sums."""
from crm_kernel import Argument, Change, Command, Entity, Error, Exporter, Plugin, hookimpl

plugin = Plugin(name="sums", title="Sums", kernel=">=0.1")


class Sum(Entity, name="sum", title="{name}"):
    name: str
    amount: int = 0


async def keep(crm, name, values, twice, since):
    total = sum(values) * (2 if twice else 1)
    [made] = await crm.write([Change.create(Sum, name=name, amount=total)])
    return [{"name": made.name, "value": made.amount, "since": str(since)}]


async def odd(crm, how):
    if how == "fail":
        raise ValueError("secret")
    if how == "refuse":
        raise Error("not_found", "There is no such sum.")
    return {"text": "Two lines\\nof it", "none": None, "json": {"a": 1}, "nonsense": object()}[how]


async def lines(records):
    async for record in records:
        if record["amount"] == 13:
            raise ValueError("secret")
        yield f"{record.name}={record.amount}\\n".encode()


@hookimpl
def register_entities(): return [Sum]

@hookimpl
def register_exporters():
    return [Exporter(name="lines", title="Lines", entity="sum", suffix=".txt", media_type="text/plain", write=lines)]

@hookimpl
def register_commands():
    return [
        Command(name="keep", handle=keep, help="Keep a sum.", arguments=[
            Argument(name="name", required=True, help="What it is called"),
            Argument(name="values", type="integer", many=True, help="What is added"),
            Argument(name="twice", type="flag"),
            Argument(name="since", type="date", default="2026-01-01"),
        ]),
        Command(name="odd", handle=odd, help="Odd answers.", arguments=[Argument(name="how", default="none")]),
    ]
'''


@pytest.fixture
def sums(crm: Crm, tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    assert crm("new", folder).status == 0
    (folder / "crm.toml").write_text("[plugins]\npath = 'plugins'\n", "utf-8")
    package = folder / "plugins" / "sums" / "crm_sums"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(PLUGIN), "utf-8")
    assert crm("apply", "--yes", app=folder).status == 0
    return folder


@pytest.mark.contract("hooks.md#commands")
def test_a_command_of_a_plugin(crm: Crm, sums: Path) -> None:
    listed = crm("x", "--json", app=sums)
    assert listed.lines[0] == {"plugin": "sums", "command": "keep", "what": "Keep a sum."}
    kept = crm("x", "sums", "keep", "a", "--values", 2, "--values", "3", "--twice", "--json", "--app", sums)
    assert (kept.status, kept.lines) == (0, [{"name": "a", "value": 10, "since": "2026-01-01"}])
    table = crm("x", "sums", "keep", "b", app=sums)
    assert [line.split() for line in table.out.splitlines()] == [["name", "value", "since"], ["b", "0", "2026-01-01"]]
    told = crm("x", "sums", "keep", "--help", app=sums)
    assert "--values" in told.out
    assert "Keep a sum." in told.out
    assert crm("x", "sums", "odd", "--how", "text", app=sums).out == "Two lines\nof it\n"
    assert crm("x", "sums", "odd", "--how", "json", app=sums).json == {"a": 1}
    assert crm("x", "sums", "odd", app=sums).out == ""


def test_it_acts_as_who_is_named(crm: Crm, sums: Path) -> None:
    crm("user", "add", "bob", "--role", "admin", app=sums)
    assert crm("x", "sums", "keep", "c", "--as", "bob", app=sums).status == 0
    [made] = crm("query", "sum", "--fields", "created_by.login", "--json", app=sums).lines
    assert made["created_by.login"] == "bob"
    assert crm("x", "sums", "keep", "d", "--as", "nobody", app=sums).status == 1


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        (("nix",), 2, "No such command 'nix'"),
        (("sums", "nix"), 2, "No such command 'nix'"),
        (("sums", "keep"), 2, "Missing argument"),
        (("sums", "keep", "a", "--values", "x"), 2, "not a valid integer"),
        (("sums", "keep", "a", "--since", "x"), 2, "does not match the format"),
        (("sums", "odd", "--how", "refuse"), 1, "There is no such sum."),
        (("sums", "odd", "--how", "fail"), 1, "The plugin 'sums' failed in odd: ValueError: secret."),
        (("sums", "odd", "--how", "nonsense"), 1, "The plugin 'sums' failed in odd: TypeError"),
    ],
)
def test_what_does_not_succeed_is_told(crm: Crm, sums: Path, line: tuple[str, ...], status: int, told: str) -> None:
    ran = crm("x", *line, app=sums)
    assert ran.status == status
    assert told in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.contract("hooks.md#exporters")
def test_records_are_written_in_a_format_of_a_plugin(crm: Crm, sums: Path) -> None:
    for name, value in (("a", 1), ("b", 2), ("c", 13)):
        assert crm("x", "sums", "keep", name, "--values", value, app=sums).status == 0
    crm("user", "add", "bob", app=sums)
    query = ("query", "sum", "--format", "lines", "--sort", "name")
    assert crm(*query, "--limit", "2", app=sums).out == "a=1\nb=2\n"
    failed = crm(*query, "--filter", "amount = 13", app=sums)
    assert (failed.status, failed.out) == (1, "")
    assert "The exporter 'lines' of the plugin 'sums' failed." in failed.err
    assert crm(*query, "--as", "bob", app=sums).status == 1
    other = crm("query", "contact", "--format", "lines", app=sums)
    assert other.status == 2
    assert "The format 'lines' is for sum, not for contact." in other.err
    assert "expected csv or jsonl or lines" in crm("query", "sum", "--format", "xml", app=sums).err
