"""How the hostile suite is written: tables of cases by sections of what is promised, and what they are sent to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])

SECTIONS = {
    1: "rows and fields",
    2: "the same whatever is hidden",
    3: "names and values in SQL",
    4: "sessions, tokens, headers",
    5: "what users write for machines",
    6: "outgoing connections",
    7: "files",
    8: "rights and secrets",
}


def hostile(section: int, table: Mapping[str, Any]) -> Callable[[F], F]:
    """Runs a test for each case of a table; the test has an argument `case`. `section` is one of `SECTIONS`."""

    def of(test: F) -> F:
        vars(test)["hostile"] = (section, len(table))
        ids = [f"{section} {name}" for name in table]
        return pytest.mark.parametrize("case", list(table.values()), ids=ids)(test)

    return of


class Operation(NamedTuple):
    """One operation of `/openapi.json`. `body` is the media type of what it takes, "" where it takes nothing."""

    method: str
    path: str
    route: str
    open: bool
    queries: tuple[str, ...]
    body: str

    @property
    def changes(self) -> bool:
        """Whether its method may change something."""
        return self.method != "GET"

    @property
    def name(self) -> str:
        """What a test calls it."""
        return f"{self.method} {self.path}"


def operations(description: Mapping[str, Any]) -> list[Operation]:
    """All operations of a description."""
    return [
        Operation(
            method.upper(),
            path,
            item.get("x-crm-route", path),
            operation.get("security") == [],
            tuple(p["name"] for p in operation["parameters"] if p["in"] == "query"),
            next(iter(operation.get("requestBody", {}).get("content", {})), ""),
        )
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if not method.startswith("x-")
    ]


def one_of_each(found: list[Operation]) -> list[Operation]:
    """One operation for each route and method: that of contacts where they have it."""
    first: dict[tuple[str, str], Operation] = {}
    for operation in sorted(found, key=lambda o: "/contact" not in o.path):
        first.setdefault((operation.method, operation.route), operation)
    return list(first.values())
