"""How many requests came to each route, what became of them and how long they took (floor 9).

Counted by the template of the route (`/api/records/{entity}/{id}`), never by what a client sends, so the number of
series is bounded. One request costs less than a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the counted durations, in seconds."""
OTHER = "other"
"""The route, or the method, of what no route answers."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Requests(NamedTuple):
    """The requests of one method to one route that were answered with one status."""

    method: str
    route: str
    status: int
    counts: tuple[int, ...]
    """How many took up to each of `BOUNDS`, and at last how many took longer; not summed up."""
    seconds: float


class _Series:
    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0


class RequestMeter:
    """The requests of one application."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, int], _Series] = {}

    def add(self, scope: Mapping[str, Any], method: str, status: int, seconds: float) -> None:
        """Count one request; `scope` knows its route once that is found."""
        key = (method, scope.get("path_template", OTHER), status)
        series = self._series.get(key)
        if series is None:
            series = self._series.setdefault((method if method in _METHODS else OTHER, *key[1:]), _Series())
        series.counts[bisect_left(BOUNDS, seconds)] += 1
        series.seconds += seconds

    def __iter__(self) -> Iterator[Requests]:
        for key, series in sorted(self._series.items()):
            yield Requests(*key, tuple(series.counts), series.seconds)
