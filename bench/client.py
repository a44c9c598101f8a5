"""A small HTTP/1.1 load generator: keep-alive connections, one process of its own, no library between.

`python -m bench.client` reads a job as JSON from stdin and prints what it saw as JSON:
`{"host", "port", "connections", "seconds", "count"?, "pause"?, "requests": [{"method", "path", "headers", "body",
"expect"}]}` -> `{"requests", "seconds", "wrong", "example", "p50_ms", "p95_ms", "p99_ms", "longest_ms"}`. The requests
are sent round and round until the time is up or `count` are answered, `pause` seconds after each answer; twelve `@`
signs in a body become a number never used before.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

FRESH = b"@" * 12


class Answers:
    """Counts what came back."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.wrong = 0
        self.example = ""

    def add(self, status: int, expected: int, body: bytes, seconds: float) -> None:
        self.times.append(seconds)
        if status != expected:
            self.wrong += 1
            self.example = self.example or f"{status} instead of {expected}: {body[:300].decode('utf-8', 'replace')}"


def encode(request: dict[str, Any], host: str) -> tuple[bytes, int]:
    """The bytes of one request and the status that is expected."""
    body = request.get("body", "").encode()
    headers = {"host": host, "content-length": str(len(body)), **request.get("headers", {})}
    lines = [f"{request['method']} {request['path']} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body, request.get("expect", 200)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer (with a length, in chunks, or without a body)."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        return status, await reader.readexactly(int(lower[at + 17 : lower.index(b"\r\n", at + 2)]))
    body = b""
    while b"\r\ntransfer-encoding: chunked" in lower:
        size = int(await reader.readuntil(b"\r\n"), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            break
    return status, body


async def connection(job: dict[str, Any], requests: Iterator[tuple[bytes, int]], until: float, seen: Answers) -> None:
    """Sends one request after the other on one connection until the job is done."""
    reader, writer = await asyncio.open_connection(job["host"], job["port"])
    count, pause = job.get("count", float("inf")), job.get("pause", 0.0)
    while (start := time.perf_counter()) < until and len(seen.times) < count:
        request, expected = next(requests)
        writer.write(request)
        status, body = await read_answer(reader)
        seen.add(status, expected, body, time.perf_counter() - start)
        if pause:
            await asyncio.sleep(pause)
    writer.close()
    await writer.wait_closed()


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Sends the job's requests over its connections and says what came back."""
    encoded = [encode(request, f"{job['host']}:{job['port']}") for request in job["requests"]]
    fresh = itertools.count(time.time_ns() // 1_000_000 % 10**9 * 1000)

    def stream() -> Iterator[tuple[bytes, int]]:
        for request, expected in itertools.cycle(encoded):
            yield (request.replace(FRESH, b"%012d" % next(fresh)) if FRESH in request else request), expected

    requests, seen, start = stream(), Answers(), time.perf_counter()
    until = start + job["seconds"]
    await asyncio.gather(*(connection(job, requests, until, seen) for _ in range(job["connections"])))
    seconds, times = time.perf_counter() - start, sorted(seen.times)
    return {
        "requests": len(times),
        "seconds": seconds,
        "wrong": seen.wrong,
        "example": seen.example,
        **{f"p{part}_ms": times[len(times) * part // 100] * 1000 for part in (50, 95, 99)},
        "longest_ms": times[-1] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
