"""Databases of measurements are dropped, whatever ends them; what their sessions cost is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.stores import PostgresDatabase, stores

COUNT = "SELECT count(*) FROM pg_database WHERE datname = $1"


def test_databases_are_gone_afterwards(tmp_path: Path, new_database: Callable[[Path], str]) -> None:
    server = PostgresDatabase(new_database(tmp_path))
    made: list[str] = []

    def broken_off() -> None:
        with stores("postgresql", {"one": tmp_path}) as places:
            made.append(places["one"].url.rpartition("/")[2])
            assert server.rows(COUNT, made[0]) == [(1,)]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert server.rows(COUNT, made[0]) == [(0,)]


def test_without_sessions_there_is_no_cost(tmp_path: Path, new_database: Callable[[Path], str]) -> None:
    assert PostgresDatabase(new_database(tmp_path)).cpu() == 0.0
