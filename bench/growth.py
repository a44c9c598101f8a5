"""`make bench-growth`: the same requests at 10,000, 100,000 and 1,000,000 contacts on each engine.

One client over HTTP, warm; the sizes take turns, three rounds each, the median of their figures. Prints a table beside
the limits and writes `bench/results/growth.json`, with the plans of the reads that miss theirs. `--quick` asks less
often.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import growth_app as app
from bench.growth_probe import probing
from bench.growth_table import limits, missed, show
from bench.machine import machine
from bench.run import drive, median
from bench.servers import BIN, Server
from bench.sides import NEW_CONTACT, reads
from bench.stores import ENGINES, Store, engines, stores

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "growth.json"
ROUNDS = 3
LONGEST = 4.0
"""Seconds of one round: what is slow is asked less often."""
SAMPLE = 200
CONTACTS = "/api/records/contact"
BY_SCORE = CONTACTS + "?" + urlencode({"filter": "segment = 'hot'", "sort": "-score"})
Requests = list[dict[str, Any]]


def works() -> dict[str, Callable[[Place], Requests]]:
    """Each operation by its name in the table, and what makes its requests at one size."""
    found: dict[str, Callable[[Place], Requests]] = {
        "GET by id": lambda at: reads([f"{CONTACTS}/{key}" for key in at.ids], at.headers("3.5 %")),
        "list": lambda at: reads([CONTACTS], at.headers(app.DESK)),
        "indexed list": lambda at: reads([BY_SCORE], at.headers(app.DESK)),
        "create": create,
        "move": move,
    }
    for name in app.PERSONAS:
        found[f"{name}: default sort"] = lambda at, who=name: reads([CONTACTS], at.headers(who))
    for name in app.PERSONAS:
        found[f"{name}: filter, custom sort"] = lambda at, who=name: reads([BY_SCORE], at.headers(who))
    return found


def create(at: Place) -> Requests:
    """A new contact of somebody with row rules."""
    body = json.dumps(NEW_CONTACT)
    return [{"method": "POST", "path": CONTACTS, "headers": at.headers("3.5 %"), "body": body, "expect": 201}]


def move(at: Place) -> Requests:
    """Each contact to the next stage and back, so that an even number of requests leaves all where they were."""
    headers = {"content-type": "application/json", **at.headers("3.5 %")}
    return [
        {"method": "POST", "path": f"{CONTACTS}/{key}/move", "headers": headers, "body": json.dumps({"to": stage})}
        for key in at.ids
        for stage in ("talking", "fresh")
    ]


class Place:
    """An app of one size."""

    def __init__(self, folder: Path, store: Store, size: int) -> None:
        self.folder = folder
        self.store = store
        self.size = size
        start = time.perf_counter()
        self._tokens = asyncio.run(app.make(folder, store, size))
        store.settle()
        self.fill_s = time.perf_counter() - start
        owned = "SELECT id FROM e_contact WHERE owner = (SELECT id FROM e_user WHERE login = '{}') LIMIT {}"
        self.ids = [str(row[0]) for row in store.rows(owned.format(app.login("3.5 %"), SAMPLE))]

    def headers(self, who: str) -> dict[str, str]:
        """Who asks."""
        return {"authorization": f"Bearer {self._tokens[who]}"}

    def serve(self) -> Server:
        """Its server."""
        command = [str(BIN / "crm"), "--app", str(self.folder), "serve", "--host", "127.0.0.1", "--port", "0"]
        return Server(command, "/health/ready", self.folder / "serve.log")


def timed(places: list[Place], servers: dict[int, Server], count: int) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by operation and size."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, make in works().items():
        requests = {place.size: make(place) for place in places}
        rounds: dict[int, list[dict[str, float]]] = {place.size: [] for place in places}
        job = {"connections": 1, "seconds": LONGEST, "count": 2 * -(-count // (2 * ROUNDS))}
        for place in places:
            drive(servers[place.size], {**job, "seconds": 1.0, "count": 20}, requests[place.size])
        for number in range(ROUNDS):
            for place in places[:: 1 if number % 2 else -1]:
                one = drive(servers[place.size], job, requests[place.size], place.store.cpu)
                rounds[place.size].append(one)
        found[name] = {str(size): median(seen) for size, seen in rounds.items()}
        print(f"  {name}", file=sys.stderr, flush=True)
    return found


async def probed(place: Place) -> dict[str, dict[str, Any]]:
    """Statements of each operation; of those that only read also the statements' plans and their milliseconds."""
    found: dict[str, dict[str, Any]] = {}
    async with probing(place.folder) as probe:
        for name, make in works().items():
            requests = make(place)
            found[name] = {"statements": await probe.statements(requests)}
            if requests[0]["method"] == "GET":
                plans = found[name]["plans"] = await probe.plans(requests[0])
                found[name]["sql_ms"] = round(sum(plan["ms"] for plan in plans), 2)
    return found


def measure(engine: str, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures of one engine; apps are made in `folder`."""
    with ExitStack() as opened:
        files = {str(size): folder / str(size) / "data" / "crm.db" for size in arguments.sizes}
        found = opened.enter_context(stores(engine, files))
        places = [Place(folder / str(size), found[str(size)], size) for size in arguments.sizes]
        servers = {place.size: place.serve() for place in places}
        try:
            figures = timed(places, servers, arguments.requests)
            started = {str(size): round(server.cold_start, 2) for size, server in servers.items()}
        finally:
            for server in servers.values():
                server.stop()
        result: dict[str, Any] = {"fill_s": {str(place.size): round(place.fill_s, 1) for place in places}}
        result |= {"cold_start_s": started, "figures": figures, "limits": limits(figures)}
        told = {str(place.size): asyncio.run(probed(place)) for place in places}
        for key in ("statements", "sql_ms"):
            result[key] = {name: {size: one[name].get(key) for size, one in told.items()} for name in figures}
        largest = told[str(places[-1].size)]
        plans = {name: largest[name]["plans"] for name in missed(result["limits"]) if "plans" in largest[name]}
        return {**result, "plans": plans}


def options(words: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench-growth", description=__doc__)
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--requests", type=int, help="of each operation at each size (default 1000)")
    parser.add_argument("--quick", action="store_true", help="200 requests")
    arguments = parser.parse_args(words)
    arguments.sizes.sort()
    arguments.requests = arguments.requests or (200 if arguments.quick else 1000)
    return arguments


def main(words: list[str] | None = None, cache: Path = HERE / ".cache" / "growth", results: Path = RESULTS) -> None:
    """Fills, measures, prints, writes."""
    arguments = options(words)
    chosen = engines(arguments.engine)
    found: dict[str, Any] = {"machine": machine(chosen), "requests": arguments.requests, "engines": {}}
    for engine in chosen:
        print(engine, file=sys.stderr, flush=True)
        found["engines"][engine] = measure(engine, cache, arguments)
    print(show(found))
    if arguments.engine == "both" or results != RESULTS:
        results.parent.mkdir(exist_ok=True)
        results.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped and databases dropped
    main()
