"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.stores import PostgresDatabase, server_url

_SETTINGS = ("server_version", "shared_buffers", "work_mem", "synchronous_commit", "fsync", "random_page_cost")


def machine(engines: Iterable[str]) -> dict[str, Any]:
    """Processor, memory, versions; of PostgreSQL also the settings that figures depend on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    facts = {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": round(os.getloadavg()[0], 1),
    }
    url = server_url() if "postgresql" in engines else None
    return facts if url is None else {**facts, "postgresql": _settings(url)}


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1].strip() if found else platform.machine()


def _settings(url: str) -> dict[str, str]:
    sql = "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY($1)"
    return dict(sorted(PostgresDatabase(url).rows(sql, list(_SETTINGS))))
