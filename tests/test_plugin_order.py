"""The order of plugins comes from their manifests only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.errors import ConfigError
from crm_kernel.manifest import Plugin
from crm_kernel.plugin_order import plugin_order


def manifest(name: str, **members: Any) -> Plugin:
    return Plugin(name=name, title=name, kernel=">=0.1", **members)


def order(*manifests: Plugin) -> list[str]:
    return plugin_order(manifests, first="base")[0]


def test_names_decide_where_nothing_is_said() -> None:
    assert order(manifest("c"), manifest("a"), manifest("b")) == ["a", "b", "c"]


def test_the_built_in_one_goes_first() -> None:
    assert order(manifest("a"), manifest("base")) == ["base", "a"]


@pytest.mark.contract("hooks.md#order")
def test_requires_before_and_after_decide() -> None:
    found = order(manifest("a", requires=["z"]), manifest("b", before=["z"]), manifest("z"), manifest("c", after=["a"]))
    assert found == ["b", "z", "a", "c"]


def test_who_is_not_there_is_passed_over() -> None:
    assert order(manifest("a", after=["x"], before=["y"]), manifest("b")) == ["a", "b"]


@pytest.mark.contract("hooks.md#order")
def test_the_order_says_why() -> None:
    plugins = [manifest("base"), manifest("a", requires=["c"], after=["c"]), manifest("b", before=["c"]), manifest("c")]
    _, because = plugin_order(plugins, first="base")
    assert because == {
        "base": [],
        "b": ["after base: it is built in"],
        "c": ["after base: it is built in", "after b: b says before c"],
        "a": ["after base: it is built in", "after c: a says requires c"],
    }


@pytest.mark.contract("hooks.md#clash-stops")
def test_a_cycle_names_all_who_are_in_it() -> None:
    with pytest.raises(ConfigError) as refused:
        order(
            manifest("a", after=["b"]),
            manifest("b", requires=["c"]),
            manifest("c", after=["a"]),
            manifest("d", after=["a"]),
        )
    [problem] = refused.value.problems
    assert problem.startswith("The plugins 'a' and 'b' and 'c' wait for each other: ")
    for said in ("a says after b", "b says requires c", "c says after a"):
        assert said in problem
    assert "'d'" not in problem


def test_before_and_after_of_two_that_disagree() -> None:
    with pytest.raises(ConfigError, match="'a' and 'b' wait for each other"):
        order(manifest("a", before=["b"], after=["b"]), manifest("b"))


@given(
    st.permutations(["a", "b", "c", "d", "e"]),
    st.dictionaries(st.sampled_from("abcde"), st.sets(st.sampled_from("abcde"))),
)
def test_the_order_does_not_depend_on_how_plugins_are_found(names: list[str], later: dict[str, set[str]]) -> None:
    # Only edges from a later to an earlier letter, so that there is no cycle.
    plugins = {n: manifest(n, after=sorted(o for o in later.get(n, set()) if o < n)) for n in "abcde"}
    found = order(*(plugins[n] for n in names))
    assert found == order(*plugins.values())
    assert all(found.index(o) < found.index(n) for n, p in plugins.items() for o in p.after)
