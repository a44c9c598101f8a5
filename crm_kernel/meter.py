"""How often a hook was called, how long it took, what it asked of the database (floor 1)."""

from __future__ import annotations

from collections import deque

KEPT = 512
"""Of so many last calls the times are kept: enough for the 95th percentile, and a fixed size."""


class Meter:
    """The figures of one hook of one plugin."""

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.statements = 0
        self.waits = 0
        """How often a hook waited for something else than `batch.*`."""
        self._seconds: deque[float] = deque(maxlen=KEPT)

    def add(self, seconds: float, statements: int = 0) -> None:
        """Count one call."""
        self.calls += 1
        self.statements += statements
        self._seconds.append(seconds)

    def microseconds(self, share: float) -> int:
        """The time that `share` of the kept calls did not exceed; 0 where there were none."""
        if not self._seconds:
            return 0
        ranked = sorted(self._seconds)
        return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1_000_000)

    def render(self) -> dict[str, int]:
        """`calls errors p50_us p95_us statements waits`."""
        return {
            "calls": self.calls,
            "errors": self.errors,
            "p50_us": self.microseconds(0.50),
            "p95_us": self.microseconds(0.95),
            "statements": self.statements,
            "waits": self.waits,
        }
