"""Documents and parameters of reports as they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.operations.report import report_parameters, unsaved_report


def test_unsaved_reports() -> None:
    measures = [{"count": "*", "as": "n"}]
    assert unsaved_report({"entity": "sale", "measures": measures}).entity == "sale"
    for body in (
        {"entity": "sale"},
        {"entity": "sale", "measures": []},
        {"entity": "sale", "measures": measures, "x": 1},
    ):
        with pytest.raises(Error) as caught:
            unsaved_report(body)
        assert caught.value.code == "invalid"
        assert caught.value.faults
    with pytest.raises(Error, match="Expected a report, got kind 'view'"):
        unsaved_report({"kind": "view", "entity": "sale", "measures": measures})


PARAMS: dict[str, Any] = {
    "text": {"type": "string", "maxLength": 3},
    "count": {"type": "integer", "minimum": 1, "default": 7},
    "score": {"type": "number"},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "many": {"type": "array", "items": {"type": "integer"}},
}


@pytest.mark.contract("documents.md#report-params")
@pytest.mark.parametrize(
    ("sent", "values"),
    [
        ({}, {"count": 7}),
        ({"count": "8"}, {"count": 8}),
        ({"count": 8, "score": "1.5", "flag": "TRUE"}, {"count": 8, "score": 1.5, "flag": True}),
        ({"text": "", "day": "2026-03-01", "flag": False}, {"count": 7, "day": "2026-03-01", "flag": False}),
        ({"many": "1, 2"}, {"count": 7, "many": [1, 2]}),
        ({"many": ""}, {"count": 7, "many": []}),
        ({"many": [3]}, {"count": 7, "many": [3]}),
    ],
)
def test_parameters(sent: dict[str, Any], values: dict[str, Any]) -> None:
    report = unsaved_report({"entity": "sale", "measures": [{"count": "*", "as": "n"}], "params": PARAMS})
    assert report_parameters(report, sent) == values


@pytest.mark.parametrize(
    ("sent", "code", "detail"),
    [
        ({"txet": "x"}, "unknown_parameter", "The report has no parameter 'txet'. did you mean 'text'?"),
        ({"text": "long"}, "bad_value", "Parameter 'text': "),
        ({"count": "x"}, "bad_value", "Parameter 'count': "),
        ({"count": "[1]"}, "bad_value", "Parameter 'count': "),
        ({"count": 0}, "bad_value", "Parameter 'count': "),
        ({"flag": "yes"}, "bad_value", "Parameter 'flag': "),
        ({"day": "2026-02-30"}, "bad_value", "Parameter 'day': "),
        ({"many": "1,x"}, "bad_value", "Parameter 'many': "),
    ],
)
def test_parameters_that_do_not_fit(sent: dict[str, Any], code: str, detail: str) -> None:
    report = unsaved_report({"entity": "sale", "measures": [{"count": "*", "as": "n"}], "params": PARAMS})
    with pytest.raises(Error) as caught:
        report_parameters(report, sent)
    assert caught.value.code == code
    assert caught.value.detail.startswith(detail)
