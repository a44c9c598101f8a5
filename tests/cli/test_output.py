from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crm_kernel.cli.output import cell, print_json, print_lines, print_table, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (Decimal("2.50"), "2.50"),
        ({"amount": Decimal("2.50"), "currency": "EUR"}, "EUR 2.50"),
        (["a", 1, None], "a, 1, "),
        ({"city": "Rīga"}, '{"city":"Rīga"}'),
        (msgspec.Raw(b'["a","b"]'), "a, b"),
    ],
)
def test_values_in_words(value: Any, text: str) -> None:
    assert words(value) == text


def test_data_cannot_steer_a_terminal() -> None:
    assert cell("\x1b[31mred\nblue") == "\\x1b[31mred\\nblue"


def test_json_on_one_line_and_lists_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": Decimal("1.50")})
    print_lines([{"n": 1}, {"n": 2}])
    assert capsys.readouterr().out == '{"a":1.50}\n{"n":1}\n{"n":2}\n'


def test_a_table_is_as_wide_as_its_content(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"name": "x" * 300, "n": 5}, {"name": "[bold]y[/bold]", "n": 1000}], ["name", "n"])
    out = capsys.readouterr().out
    assert "x" * 300 in out
    assert "[bold]y[/bold]" in out
    lines = out.splitlines()
    assert lines[1].endswith("   5")
    assert lines[2].endswith("1000")


def test_a_terminal_gets_a_rule_below_the_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    print_table([{"name": "x" * 300}], ["name"])
    out = capsys.readouterr().out
    assert "─" in out
    assert max(map(len, out.splitlines())) <= 80


def test_nothing_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], ["name"])
    assert capsys.readouterr() == ("", "nothing found\n")
