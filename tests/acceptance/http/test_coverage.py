"""Each route that `/openapi.json` tells of is tested with good, bad, unauthenticated and denied input."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.acceptance.http.conftest import World


def tried() -> set[tuple[str, str]]:
    """(route, kind) of each `Case(ROUTE, "kind", …)` beside this file."""
    found: set[tuple[str, str]] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        names = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            if isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Case":
                route, kind = node.args[:2]
                assert isinstance(kind, ast.Constant)
                found.add((names[ast.unparse(route)], str(kind.value)))
    return found


def needed(world: World) -> set[tuple[str, str]]:
    """(route, kind) of all that is described; what answers anyone has nobody to keep out."""
    pairs: set[tuple[str, str]] = set()
    for path, item in world.description["paths"].items():
        for method, operation in item.items():
            if not method.startswith("x-"):
                route = f"{method.upper()} {item.get('x-crm-route', path)}"
                kinds = (
                    {"good", "bad"} if operation.get("security") == [] else {"good", "bad", "unauthenticated", "denied"}
                )
                pairs |= {(route, kind) for kind in kinds}
    return pairs


@pytest.mark.contract("http-api.md#openapi")
def test_every_route_is_tested_with_every_kind_of_input(world: World) -> None:
    missing = sorted(needed(world) - tried())
    assert not missing, "no case for " + ", ".join(f"{route} {kind}" for route, kind in missing)


def test_no_case_of_a_route_that_is_not_there(world: World) -> None:
    assert {route for route, _ in tried()} <= {route for route, _ in needed(world)}
