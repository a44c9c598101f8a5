"""The suite is as large as was promised, and sends to each route that is described."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

from tests.security.cases import SECTIONS
from tests.security.conftest import Fort

ENOUGH = 120


def test_there_are_enough_cases_of_each_section() -> None:
    counted: Counter[int] = Counter()
    for file in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"tests.security.{file.stem}")
        for test in vars(module).values():
            section, cases = getattr(test, "hostile", (0, 0))
            counted[section] += cases
    assert {section for section, cases in counted.items() if cases > 0} == set(SECTIONS)
    assert counted.total() >= ENOUGH, counted


def test_each_operation_is_found(fort: Fort) -> None:
    described = {
        (method.upper(), path)
        for path, item in fort.description["paths"].items()
        for method in item
        if not method.startswith("x-")
    }
    assert {(operation.method, operation.path) for operation in fort.all} == described
    assert {(o.method, o.route) for o in fort.routes} == {(o.method, o.route) for o in fort.all}
    assert {operation.method for operation in fort.routes} == {"GET", "POST", "PUT", "PATCH", "DELETE"}
