"""What an operation asks of the database: how many statements, and the plans of its reads.

The application is asked in this process, without a network, on the database that was measured.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.client import FRESH
from crm_kernel.api.app import create_app
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from crm_kernel.storage.ports import Params, Row

WARM, RUNS = 2, 3
_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (ANALYZE, BUFFERS) "}


class Probe:
    """One kernel, asked by hand."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=create_app(kernel)), base_url="http://crm")
        self._numbers = iter(range(10**11, 10**12))

    async def ask(self, request: Mapping[str, Any]) -> httpx.Response:
        """One answer. Ends the run where it is not as it should be."""
        body = request.get("body", "").replace(FRESH.decode(), str(next(self._numbers)))
        sent = await self._client.request(
            request["method"], request["path"], headers=request["headers"], content=body.encode()
        )
        if sent.status_code != request.get("expect", 200):
            raise SystemExit(f"bench: {sent.status_code} to {request['path']}: {sent.text[:300]}")
        return sent

    async def statements(self, requests: list[dict[str, Any]]) -> int:
        """How many statements one request needs, once the same was asked before."""
        for request in requests[:WARM]:
            await self.ask(request)
        before = self._kernel.database.statements
        await self.ask(requests[WARM % len(requests)])
        return self._kernel.database.statements - before

    async def plans(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The reads of one request: statement, milliseconds of the fastest run, plan."""
        database: Any = self._kernel.database
        read, seen = database.read, list[tuple[str, Params]]()

        async def noted(sql: str, params: Params = (), /) -> list[Row]:
            seen.append((sql, params))
            return await read(sql, params)

        await self.ask(request)
        database.read = noted
        try:
            await self.ask(request)
        finally:
            del database.read
        return [await self._plan(sql, params) for sql, params in seen]

    async def _plan(self, sql: str, params: Params) -> dict[str, Any]:
        database = self._kernel.database
        spent: list[float] = []
        for _ in range(RUNS):
            start = time.perf_counter()
            await database.read(sql, params)
            spent.append((time.perf_counter() - start) * 1000)
        plan = await database.read(_EXPLAIN[self._kernel.settings.database.engine] + sql, params)
        return {"sql": sql, "ms": round(min(spent), 2), "plan": [str(row[-1]) for row in plan]}


@asynccontextmanager
async def probing(folder: Path) -> AsyncIterator[Probe]:
    """A probe of the app in a folder."""
    kernel = await Kernel.open(load_settings(folder, {}), strict=True)
    try:
        yield Probe(kernel)
    finally:
        await kernel.close()
