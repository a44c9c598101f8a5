"""`/metrics` as Prometheus reads it."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from crm_kernel.api.request_meter import BOUNDS, OTHER, RequestMeter


async def scraped(office: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await office("ann", "GET", "/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def at(found: Any, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_requests_are_counted_by_template_and_status(office: Any) -> None:
    for path in ("/api/records/contact", "/api/records/contact/1", "/api/records/company/2", "/nowhere/1", "/nowhere"):
        await office("ann", "GET", path)
    await office("ann", "BREW", "/api/plugins")
    found = await scraped(office)
    name = "crm_http_request_seconds"
    one = {"method": "GET", "route": "/api/records/{entity}/{id}", "status": "404"}
    assert at(found, f"{name}_count", **one) == 2
    assert at(found, f"{name}_bucket", **one, le="+Inf") == 2
    assert 0 < at(found, f"{name}_sum", **one) < 10
    assert at(found, f"{name}_count", method="GET", route="/api/records/{entity}", status="200") == 1
    assert at(found, f"{name}_count", method="GET", route=OTHER, status="404") == 2
    routes = {dict(labels)["route"] for (sample, labels) in found if sample.startswith(name)}
    assert "/nowhere" not in str(routes)


@pytest.mark.contract("hooks.md#metrics")
async def test_hooks_listeners_deliveries_jobs_and_memory_are_told(office: Any) -> None:
    found = await scraped(office)
    calls = at(found, "crm_hook_calls_total", plugin="base", hook="before_write")
    await office("ann", "POST", "/api/records/contact", json={"first_name": "Ilze"})
    found = await scraped(office)
    assert at(found, "crm_hook_calls_total", plugin="base", hook="before_write") == calls + 1
    assert at(found, "crm_hook_errors_total", plugin="base", hook="before_write") == 0
    assert at(found, "crm_plugin_state", plugin="base", state="active") == 1
    assert at(found, "crm_plugins_quarantined") == 0
    assert at(found, "crm_jobs", state="queued") == 0
    assert at(found, "crm_database_pool_used", pool="writers") == 0
    assert at(found, "crm_sql_statements_total") > 0
    assert at(found, "process_resident_memory_bytes") > 1_000_000


async def test_only_administrators_read_them(office: Any) -> None:
    assert (await office("bob", "GET", "/metrics")).status_code == 403


def test_a_request_falls_into_the_bucket_that_holds_it() -> None:
    meter = RequestMeter()
    for seconds in (0.0, BOUNDS[0], 0.3, 60.0):
        meter.add({"path_template": "/a"}, "GET", 200, seconds)
    meter.add({}, "BREW", 405, 0.3)
    meter.add({}, "STIR", 405, 0.3)
    unknown, known = list(meter)[::-1] if next(iter(meter)).route == "/a" else list(meter)
    assert (unknown.method, unknown.route, sum(unknown.counts)) == (OTHER, OTHER, 2)
    assert known.counts[0] == 2
    assert known.counts[BOUNDS.index(0.5)] == 1
    assert known.counts[-1] == 1
    assert known.seconds == pytest.approx(BOUNDS[0] + 60.3)
