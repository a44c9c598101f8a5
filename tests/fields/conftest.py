"""Where the collections of real data are, for the tests that run over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def shared_file() -> Callable[[str], Path]:
    """Finds a file of `shared/data` beside the repository; the test is skipped where it is not there."""

    def find(name: str) -> Path:
        path = Path(__file__).resolve().parents[3] / "shared" / "data" / name
        if not path.exists():
            pytest.skip("the shared collections of data are not here")
        return path

    return find
