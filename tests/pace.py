"""How fast this machine is at the moment: those that share a processor are at times half as fast."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

PACE = 0.014
"""Seconds of processor time that `_work` takes where the limits of tests are meant as they stand."""
_TREE = {"parts": {f"f{n}": {"a": {"enum": ["x", "y"]}, "b": {"type": "object", "n": n}} for n in range(1000)}}
_TEXT = json.dumps(_TREE)


def _parts(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum([_parts(part) for part in inner])


def _work() -> float:
    """The processor time of something that is always the same, and like what is timed: walks through large values."""
    started = time.process_time()
    for _ in range(2):
        _parts(json.loads(_TEXT))
        json.dumps(_TREE, sort_keys=True)
    return time.process_time() - started


class Timed:
    """How long something took at the usual pace."""

    seconds = 0.0


@contextmanager
def timed() -> Generator[Timed]:
    """Time something, in seconds of processor time on a machine of the usual pace."""
    found = Timed()
    before, started = _work(), time.process_time()
    yield found
    taken = time.process_time() - started
    found.seconds = taken / max(1.0, before / PACE, _work() / PACE)
