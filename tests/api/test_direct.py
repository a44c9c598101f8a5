"""The record routes without the router: which requests they take, and which they leave to it."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.api import records
from crm_kernel.api.direct import DirectRoutes

_SAME = "/api/records/contact"


def find(path: str, method: str = "GET", root: str = "", host: bytes = b"crm.example") -> tuple[Any, Any]:
    scope = {"path": path, "method": method, "root_path": root}
    found = DirectRoutes(records.ROUTES).find(scope, {b"host": host})
    return found, scope.get("path_params")


@pytest.mark.parametrize(
    ("method", "path", "handler", "parameters"),
    [
        ("GET", _SAME, records.list_records, {"entity": "contact"}),
        ("POST", _SAME, records.create_record, {"entity": "contact"}),
        ("GET", f"{_SAME}/7", records.get_record, {"entity": "contact", "id": "7"}),
        ("PATCH", f"{_SAME}/7", records.update_record, {"entity": "contact", "id": "7"}),
        ("DELETE", f"{_SAME}/7", records.delete_record, {"entity": "contact", "id": "7"}),
    ],
)
def test_these_are_found(method: str, path: str, handler: Any, parameters: dict[str, str]) -> None:
    assert find(path, method) == (handler.fn, parameters)


@pytest.mark.parametrize("path", ["/api/records", "/api/records/", f"{_SAME}/", f"{_SAME}//7", "/api/records//7"])
def test_slashes_that_the_router_would_forgive_are_left_to_it(path: str) -> None:
    assert find(path)[0] is None


@pytest.mark.parametrize("path", [f"{_SAME}/batch", f"{_SAME}/7/history", "/api/schema/contact", "/health/ready"])
def test_other_routes_are_left_to_the_router(path: str) -> None:
    assert find(path)[0] is None


def test_what_the_router_refuses_or_rewrites_is_left_to_it() -> None:
    assert find(_SAME, "PUT")[0] is None
    assert find(_SAME, root="/crm")[0] is None
    assert find(_SAME, host=b"a b")[0] is None
