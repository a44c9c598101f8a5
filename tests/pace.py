"""How fast this machine is at the moment: machines that share a processor are at times half as fast."""

from __future__ import annotations

import time

PACE = 0.0105
"""Seconds of processor time that `work` takes where the limits of tests are meant as they stand."""


def work() -> float:
    """The processor time of something that is always the same."""
    started, kept = time.process_time(), dict[str, bool]()
    for number in range(60_000):
        kept[str(number % 1000)] = isinstance(number, int)
    return time.process_time() - started


def slower() -> float:
    """How many times longer than usual things take now, 1 at least."""
    return max(1.0, work() / PACE)
