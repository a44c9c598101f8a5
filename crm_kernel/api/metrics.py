"""`/metrics`: how this process fares, in the text format of Prometheus, for administrators (floor 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from litestar import get
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.api.request_meter import BOUNDS, RequestMeter
from crm_kernel.errors import Error
from crm_kernel.operations.lag import lags
from crm_kernel.storage import health

Samples = Iterable[tuple[Sequence[str], float]]
"""Values of labels, and the value that belongs to them."""


@get("/metrics")
async def metrics(request: ApiRequest) -> Answer:
    """Requests, hooks, listeners, deliveries, jobs, quarantines, connections and memory of this process, now."""
    request.parameters()
    if not request.caller.unrestricted:
        raise Error("forbidden", "Metrics are for administrators.")
    kernel = request.kernel
    requests: RequestMeter = request.kept["requests"]
    database = kernel.database
    families = [
        _requests(requests),
        *_hooks(kernel.plugins.states()),
        *_listeners(await lags(database, kernel.registry, kernel.clock)),
        _gauge("jobs", "Jobs that have not ended.", ("state",), (((s,), n) for s, n in await health.jobs(database))),
        *_pools(database.usage()),
        _counter("sql_statements", "Statements run.", (), [((), database.statements)]),
    ]
    registry = CollectorRegistry()
    registry.register(_Families(families))
    ProcessCollector(registry=registry)
    return Answer(generate_latest(registry), media=CONTENT_TYPE_PLAIN_0_0_4.encode())


class _Families(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """What was found."""
        yield from self._families


def _gauge(name: str, about: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(f"crm_{name}", about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _counter(name: str, about: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = CounterMetricFamily(f"crm_{name}", about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _requests(meter: RequestMeter) -> Metric:
    about = "Requests by method, template of the route and status."
    family = HistogramMetricFamily("crm_http_request_seconds", about, labels=("method", "route", "status"))
    bounds = [*map(str, BOUNDS), "+Inf"]
    for found in meter:
        buckets = list(zip(bounds, accumulate(found.counts), strict=True))
        family.add_metric((found.method, found.route, str(found.status)), buckets, found.seconds)
    return family


def _hooks(plugins: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Figures of the hooks and of the other calls (listeners, checks) of each plugin, and the plugins' states."""
    calls = [
        ((plugin["name"], call.get("hook") or call["call"]), call)
        for plugin in plugins
        for call in (*plugin["hooks"], *plugin["calls"])
    ]
    labels = ("plugin", "hook")
    yield _counter("hook_calls", "Calls of a plugin's hook.", labels, ((k, c["calls"]) for k, c in calls))
    yield _counter("hook_errors", "Calls that failed.", labels, ((k, c["errors"]) for k, c in calls))
    yield _counter("hook_statements", "SQL statements run in calls.", labels, ((k, c["statements"]) for k, c in calls))
    yield _counter("hook_waits", "Waits for something else than batch.*.", labels, ((k, c["waits"]) for k, c in calls))
    yield _gauge(
        "hook_seconds",
        "Duration of the last 512 calls.",
        (*labels, "quantile"),
        (
            ((*key, quantile), call[name] / 1_000_000)
            for key, call in calls
            for quantile, name in (("0.5", "p50_us"), ("0.95", "p95_us"))
        ),
    )
    states = (((plugin["name"], plugin["state"]), 1) for plugin in plugins)
    yield _gauge("plugin_state", "1 for the state that a plugin is in.", ("plugin", "state"), states)
    quarantined = sum(plugin["state"] == "quarantined" for plugin in plugins)
    yield _gauge("plugins_quarantined", "Plugins in quarantine.", (), [((), quarantined)])


def _listeners(found: Mapping[str, Any]) -> Iterator[Metric]:
    labels = ("plugin", "listener")
    lagging = [((lag.plugin, name), lag) for name, lag in found.items()]
    events = ((key, lag.events) for key, lag in lagging)
    yield _gauge("listener_behind_events", "Events that wait for a listener, counted up to 1000.", labels, events)
    seconds = ((key, lag.seconds) for key, lag in lagging)
    yield _gauge("listener_behind_seconds", "Since when the oldest of them does.", labels, seconds)
    states = (((*key, state), getattr(lag, state)) for key, lag in lagging for state in ("retry", "dead", "cut"))
    yield _gauge("deliveries", "Deliveries to be tried again, given up, cut.", (*labels, "state"), states)


def _pools(usage: Mapping[str, Any]) -> Iterator[Metric]:
    pools = list(usage.items())
    yield _gauge("database_pool_size", "Connections at most.", ("pool",), (((n,), u.size) for n, u in pools))
    yield _gauge("database_pool_used", "Connections in use.", ("pool",), (((n,), u.used) for n, u in pools))
    yield _gauge("database_pool_waiting", "Who waits for one.", ("pool",), (((n,), u.waiting) for n, u in pools))


ROUTES = (metrics,)
