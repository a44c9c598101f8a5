"""Reading text into syntax nodes, and every way to refuse it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.filters import syntax
from crm_kernel.filters.parser import parse, parse_path

OPERATORS = "an operator (=, !=, <, <=, >, >=, in, between, is null, contains, starts with, ends with or matches)"
VALUE = "a value ('text', number, true, false or @variable)"


def plain(node: Any) -> Any:
    """A tree without columns."""
    match node:
        case syntax.And():
            return ("and", *map(plain, node.items))
        case syntax.Or():
            return ("or", *map(plain, node.items))
        case syntax.Not():
            return ("not", plain(node.item))
        case syntax.Quantified():
            return ("none" if node.negated else "any", node.path.dotted, plain(node.inner))
        case syntax.Comparison():
            left = node.left.dotted if isinstance(node.left, syntax.Path) else "*"
            return (left, node.operator, *map(plain, node.operands))
        case syntax.Literal():
            return node.value
        case syntax.Path():
            return ("path", node.dotted)
        case syntax.Variable():
            return f"@{node.name}" + (f".{node.parameter}" if node.parameter else "") + ("[]" if node.listed else "")
        case _:
            return f"@{node.name}{node.amount:+}{node.unit}" if node.unit else f"@{node.name}"


@pytest.mark.contract("filters.md#comparison-operators")
@pytest.mark.contract("filters.md#path-to-path")
@pytest.mark.contract("filters.md#in-list")
@pytest.mark.contract("filters.md#number-literal")
@pytest.mark.contract("filters.md#boolean-literal")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 'x'", ("a", "=", "x")),
        ("a != -1", ("a", "!=", Decimal(-1))),
        ("a < 1.50", ("a", "<", Decimal("1.50"))),
        ("a <= - 2", ("a", "<=", Decimal(-2))),
        ("a > TRUE", ("a", ">", True)),
        ("a>=False", ("a", ">=", False)),
        ("a.b.c = d.e", ("a.b.c", "=", ("path", "d.e"))),
        ("a in ('x', 1, true)", ("a", "in", "x", Decimal(1), True)),
        ("a NOT IN ('x')", ("a", "not in", "x")),
        ("a in @my_teams", ("a", "in", "@my_teams[]")),
        ("a in (@me, @my_team)", ("a", "in", "@me", "@my_team")),
        ("a not in @param.those", ("a", "not in", "@param.those[]")),
        ("a between 1 and 2", ("a", "between", Decimal(1), Decimal(2))),
        ("a Is Null", ("a", "is null")),
        ("a is not null", ("a", "is not null")),
        ("a contains 'x'", ("a", "contains", "x")),
        ("a starts with 'x'", ("a", "starts with", "x")),
        ("a ends with 'x'", ("a", "ends with", "x")),
        ("a matches 'x y'", ("a", "matches", "x y")),
        ("* matches 'x'", ("*", "matches", "x")),
        ("a = @param.x", ("a", "=", "@param.x")),
        ("a.in.null = 1", ("a.in.null", "=", Decimal(1))),
        ("ä.Öl = 1", ("ä.Öl", "=", Decimal(1))),
        ("any(a.b, c = 1)", ("any", "a.b", ("c", "=", Decimal(1)))),
        ("none(a, c = 1 or d = 2)", ("none", "a", ("or", ("c", "=", Decimal(1)), ("d", "=", Decimal(2))))),
    ],
)
def test_forms(text: str, expected: Any) -> None:
    assert plain(parse(text)) == expected


@pytest.mark.contract("filters.md#precedence")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a is null or b is null and c is null", "(or a (and b c))"),
        ("(a is null or b is null) and c is null", "(and (or a b) c)"),
        ("not a is null and b is null", "(and (not a) b)"),
        ("not (a is null and b is null)", "(not (and a b))"),
        ("not not a is null", "(not (not a))"),
        ("a is null or b is null or c is null", "(or a b c)"),
        ("(((a is null)))", "a"),
    ],
)
def test_precedence(text: str, expected: str) -> None:
    def shown(node: Any) -> str:
        tree = plain(node)
        return tree[0] if tree[0] in "abc" else f"({tree[0]} {' '.join(shown(i) for i in items(node))})"

    def items(node: Any) -> Any:
        return (node.item,) if isinstance(node, syntax.Not) else node.items

    assert shown(parse(text)) == expected


@pytest.mark.parametrize("name", ["now", "today", "week_start", "month_start", "quarter_start", "year_start"])
@pytest.mark.contract("filters.md#moment-variables")
def test_moment_variables(name: str) -> None:
    assert plain(parse(f"a = @{name}")) == ("a", "=", f"@{name}")
    for unit in "hdwmy":
        assert plain(parse(f"a = @{name}-30{unit}")) == ("a", "=", f"@{name}-30{unit}")
        assert plain(parse(f"a = @{name} + 1{unit}")) == ("a", "=", f"@{name}+1{unit}")


def test_nodes_know_where_they_stand() -> None:
    node = parse(" a = 1 and  b.c in ('x', @me)")
    assert isinstance(node, syntax.And)
    assert [(n.at, n.end) for n in (node, *node.items)] == [(2, 30), (2, 7), (13, 30)]
    second = node.items[1]
    assert isinstance(second, syntax.Comparison)
    assert isinstance(second.left, syntax.Path)
    assert (second.left.columns, second.operator_at) == ((13, 15), 17)
    assert [(o.at, o.end) for o in second.operands] == [(21, 24), (26, 29)]


@pytest.mark.contract("filters.md#error-column")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected end at 1: expected a field name"),
        ("   ", "unexpected end at 4: expected a field name"),
        ("'x' = a", "unexpected text 'x' at 1: expected a field name"),
        ("1 = a", "unexpected number 1 at 1: expected a field name"),
        ("and = 1", "unexpected 'and' at 1: expected a field name"),
        ("a", f"unexpected end at 2: expected {OPERATORS}"),
        ("a b", f"unexpected 'b' at 3: expected {OPERATORS}"),
        ("a is 1", "unexpected number 1 at 6: expected 'null'"),
        ("a not 1", "unexpected number 1 at 7: expected 'in'"),
        ("a starts 'x'", "unexpected text 'x' at 10: expected 'with'"),
        ("a ends", "unexpected end at 7: expected 'with'"),
        ("a =", f"unexpected end at 4: expected {VALUE}"),
        ("a = )", f"unexpected ')' at 5: expected {VALUE}"),
        ("a = - x", f"unexpected '-' at 5: expected {VALUE}"),
        ("a = and", f"unexpected 'and' at 5: expected {VALUE}"),
        (
            "a = null",
            f"unexpected 'null' at 5: expected {VALUE}; for empty fields write 'is null' or 'is not null'",
        ),
        ("a == 1", f"unexpected '=' at 4: expected {VALUE}"),
        ("a contains b", f"unexpected 'b' at 12: expected {VALUE}"),
        ("a between 1", "unexpected end at 12: expected 'and'"),
        ("a between 1 or 2", "unexpected 'or' at 13: expected 'and'"),
        ("a between 1 and b", f"unexpected 'b' at 17: expected {VALUE}"),
        ("a in 1", "unexpected number 1 at 6: expected a list in parentheses, or a @variable that is a list"),
        ("a in @today", "unexpected '@today' at 6: expected a list in parentheses, or a @variable that is a list"),
        ("a in ()", f"unexpected ')' at 7: expected {VALUE}"),
        ("a in (1", "unexpected end at 8: expected ')'"),
        ("a in (1 2)", "unexpected number 2 at 9: expected ')'"),
        ("(a = 1", "unexpected end at 7: expected ')'"),
        ("a = 1)", "unexpected ')' at 6: expected 'and', 'or' or the end"),
        ("a = 1 b = 2", "unexpected 'b' at 7: expected 'and', 'or' or the end"),
        ("a. = 1", "unexpected '=' at 4: expected a name after '.'"),
        ("a = 1abc", f"unexpected '1abc' at 5: expected {VALUE}"),
        ("* = 1", "unexpected '=' at 3: expected 'matches' after *"),
        ("any a", "unexpected 'a' at 5: expected '('"),
        ("any(1, a = 1)", "unexpected number 1 at 5: expected the name of records that refer back, or of a list"),
        ("any(a b = 1)", "unexpected 'b' at 7: expected ','"),
        ("none(a, b = 1", "unexpected end at 14: expected ')'"),
        ("a = @today + 3", "unexpected number 3 at 14: expected a number with h, d, w, m or y, like 30d"),
        ("a = @today - 3s", "unexpected '3s' at 14: expected a number with h, d, w, m or y, like 30d"),
        ("a = @today - 3dd", "unexpected '3dd' at 14: expected a number with h, d, w, m or y, like 30d"),
        ("a = @today - 1234567d", "unexpected '1234567d' at 14: expected less than 1,000,000d"),
        ("a = @mee", "unknown variable '@mee' at 5: did you mean '@me'?"),
        ("a = @me.x", "unknown variable '@me.x' at 5: did you mean '@me'?"),
        (
            "a = @",
            "unknown variable '@' at 5: expected one of '@me', '@my_team', '@my_teams', '@now', '@today', "
            "'@week_start', '@month_start', '@quarter_start', '@year_start', '@param.NAME'",
        ),
        ("a = @param", "unknown variable '@param' at 5: did you mean '@param.NAME'?"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(Error) as caught:
        parse(text)
    assert caught.value.code == "bad_filter"
    assert caught.value.status == 400
    assert caught.value.detail == message
    assert f" at {caught.value.extra['column']}" in message


@pytest.mark.contract("filters.md#limit-depth")
@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("not ", ""), ("any(a, ", ")")])
def test_depth(opening: str, closing: str) -> None:
    assert parse(opening * 32 + "a = 1" + closing * 32)
    with pytest.raises(Error, match=r"nested deeper than 32 at \d+") as caught:
        parse(opening * 33 + "a = 1" + closing * 33)
    assert caught.value.extra["column"] == 32 * len(opening) + 1


@pytest.mark.contract("filters.md#limit-comparisons")
def test_comparisons() -> None:
    assert parse(" or ".join(["a = 1"] * 200))
    with pytest.raises(Error, match="more than 200 comparisons at 1801"):
        parse(" or ".join(["a = 1"] * 201))


@pytest.mark.contract("filters.md#limit-list")
def test_list_values() -> None:
    assert parse(f"a in ({','.join('1' * 1000)})")
    with pytest.raises(Error, match="more than 1,000 values in a list at 2007"):
        parse(f"a in ({','.join('1' * 1001)})")


def test_digits() -> None:
    assert parse(f"a = {'1' * 100}")
    with pytest.raises(Error, match="a number of more than 100 digits at 6"):
        parse(f"a = -{'1' * 101}")


def test_paths_on_their_own() -> None:
    assert parse_path("a.b").names == ("a", "b")
    for text in ("a b", "a.", "1", "a = 1", ""):
        with pytest.raises(Error, match="unexpected"):
            parse_path(text)
