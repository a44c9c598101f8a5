"""Databases of a benchmark on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.stores import store_of, stores


def test_databases_are_gone_afterwards(tmp_path: Path, new_database: Callable[[Path], str]) -> None:
    server = store_of(new_database(tmp_path))
    with stores("postgresql", {"one": tmp_path}) as made:
        name = made["one"].url.rpartition("/")[2]
        assert server.rows("SELECT count(*) FROM pg_database WHERE datname = $1", name) == [(1,)]
    assert server.rows("SELECT count(*) FROM pg_database WHERE datname = $1", name) == [(0,)]
