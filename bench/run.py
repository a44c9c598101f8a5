"""`make bench`: the same work done by the floor and by the framework on each engine, in turns, median of the rounds.

Ratios are taken turn by turn, and the middle one counts: these machines change their speed while they are measured.
Prints a table and writes `bench/results/latest.json`. These are ratios of one run on one machine: differences under
20 % are none. `--quick` is a short form for trying things out.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import data
from bench.indexes import differences
from bench.machine import machine
from bench.servers import BIN, Server, granian
from bench.sides import Filled, Floor, Framework, Side, reads
from bench.stores import ENGINES, Store, engines, stores
from bench.table import rate, show

HERE = Path(__file__).parent
WORKS = {
    "get": ("GET by id", 0.90),
    "list": ("list 50 by choice, sorted by number", 0.85),
    "list_mine": ("the same, own and my teams' records", 0.65),
    "create": ("POST create, durable", 0.65),
    "patch": ("PATCH one custom field", 0.60),
    "report": ("report by choice: count, sum", 0.85),
    "report_mine": ("the same, own and my teams' records", 0.75),
}
IMPORT_REACH = 0.35
WARM = 1.0
"""Seconds that a side is asked before its rounds count."""
TIMES = 3
"""How often, at most, what takes long is done: an import, a cold start."""
LATENCIES = ("p50_ms", "p95_ms", "p99_ms")
REPORT_CONNECTIONS = 4
"""A report keeps the database busy by itself: more askers would only measure how long they wait for each other."""


def nothing() -> float:
    """The processor time of no process."""
    return 0.0


def drive(
    server: Server, job: dict[str, Any], requests: list[dict[str, Any]], database: Callable[[], float] = nothing
) -> dict[str, float]:
    """One round against one server: req/s, latencies, CPU µs a request of the server and of the processes of its
    `database`. Stops the run at a wrong answer."""
    before = server.cpu(), database()
    client = subprocess.run(
        [str(BIN / "python"), "-m", "bench.client"],
        input=json.dumps({"host": "127.0.0.1", "port": server.port, **job, "requests": requests}),
        capture_output=True,
        text=True,
        check=True,
    )
    used, beside = server.cpu() - before[0], database() - before[1]
    seen = json.loads(client.stdout)
    if seen["wrong"]:
        raise SystemExit(f"bench: {seen['wrong']} wrong answers to {requests[0]['path']}: {seen['example']}")
    count = seen["requests"]
    costs = {"cpu_us": used / count * 1e6, "database_cpu_us": beside / count * 1e6}
    return {"per_second": count / seen["seconds"], **costs, **{name: seen[name] for name in LATENCIES}}


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The middle of each figure."""
    return {key: round(statistics.median(one[key] for one in rounds), 2) for key in rounds[0]}


def paired(rounds: dict[str, list[dict[str, float]]]) -> float | None:
    """The middle of the ratios of each round, framework / floor; None where only one side was asked."""
    if len(rounds) < 2:
        return None
    turns = zip(rounds["framework"], rounds["floor"], strict=True)
    return round(statistics.median(rate(ours) / rate(theirs) for ours, theirs in turns), 3)


def compare(sides: list[Side], servers: dict[str, Server], arguments: argparse.Namespace) -> dict[str, Any]:
    """All works, side after side, round after round, each round in the other order."""
    results: dict[str, Any] = {}
    for work, (label, reach) in WORKS.items():
        if arguments.only and work not in arguments.only:
            continue
        requests = {side.name: side.requests(work) for side in sides}
        rounds: dict[str, list[dict[str, float]]] = {side.name: [] for side in sides}
        connections = REPORT_CONNECTIONS if work.startswith("report") else arguments.connections
        job = {"connections": connections, "seconds": arguments.seconds}
        for side in sides:
            drive(servers[side.name], {**job, "seconds": WARM}, requests[side.name])
        for number in range(arguments.rounds):
            for side in sides[:: 1 if number % 2 else -1]:
                rounds[side.name].append(drive(servers[side.name], job, requests[side.name], side.store.cpu))
        sides_seen = {name: median(seen) for name, seen in rounds.items()}
        results[work] = {"label": label, "reach": reach, "ratio": paired(rounds), **sides_seen}
        print(f"  {label}", file=sys.stderr, flush=True)
    return results


def cold_starts(sides: list[Side], times: int) -> dict[str, dict[str, float]]:
    """Seconds from the command to the first answer of /health/ready, and MiB resident when idle after it."""
    found: dict[str, dict[str, float]] = {}
    for side in sides:
        seconds, resident = [], []
        for _ in range(times):
            server = side.start()
            time.sleep(1.0)
            seconds.append(server.cold_start)
            resident.append(server.resident())
            server.stop()
        found[side.name] = {
            "cold_start_s": round(statistics.median(seconds), 3),
            "idle_mib": round(statistics.median(resident), 1),
        }
    return found


def ceiling(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """A bare ASGI GET on the same server."""
    server = granian("bench.floor.bare:app", folder / "bare.log")
    job = {"connections": arguments.connections, "seconds": arguments.seconds}
    try:
        drive(server, {**job, "seconds": WARM}, reads(["/"]))
        return median([drive(server, job, reads(["/"])) for _ in range(arguments.rounds)])
    finally:
        server.stop()


def imports(fills: list[dict[str, Filled]]) -> dict[str, Any]:
    """The import's line of the result: the middle of what each side's imports cost."""
    rounds = {name: [dict(filled[name]) for filled in fills] for name in fills[0]}
    sides = {name: median(costs) for name, costs in rounds.items()}
    return {"label": "import CSV, rows/s", "reach": IMPORT_REACH, "ratio": paired(rounds), **sides}


def options(words: list[str] | None) -> argparse.Namespace:
    """The command line; `--quick` sets what is not given."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10,000 contacts, one short round")
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--records", type=int, help="contacts on each side (default 100000)")
    parser.add_argument("--seconds", type=float, help="length of a round (default 1.5)")
    parser.add_argument("--rounds", type=int, help="rounds of each work (default 9)")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--side", choices=["floor", "framework"], help="only this side: no ratios, nothing is written")
    parser.add_argument("--only", metavar="WORK", choices=WORKS, action="append", help=f"some of {', '.join(WORKS)}")
    parser.add_argument("--reuse", action="store_true", help="files of the run before (SQLite only); no import line")
    arguments = parser.parse_args(words)
    if arguments.reuse and arguments.engine != "sqlite":
        parser.error("--reuse needs --engine sqlite: databases of PostgreSQL are dropped at the end of a run.")
    usual = {"records": 10_000, "seconds": 1.0, "rounds": 1} if arguments.quick else {}
    for name, value in ({"records": 100_000, "seconds": 1.5, "rounds": 9} | usual).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    return arguments


def sides_at(folder: Path, places: dict[str, Store], arguments: argparse.Namespace) -> list[Side]:
    """The sides that were asked for, on databases of one engine."""
    made: list[Side] = [Floor(folder, places["floor"]), Framework(folder, places["framework"])]
    return [side for side in made if arguments.side in (None, side.name)]


def fill(folder: Path, sides: list[Side], arguments: argparse.Namespace) -> dict[str, Filled]:
    """Import the contacts into each side, made anew."""
    return {side.name: side.fill(folder / "contacts.csv", arguments.records) for side in sides}


def measure(
    folder: Path, places: dict[str, Store], arguments: argparse.Namespace, earlier: list[dict[str, Filled]]
) -> dict[str, Any]:
    """All figures of one engine; `earlier` imports count with the one whose records the other works are done on."""
    sides = sides_at(folder, places, arguments)
    results: dict[str, Any] = {}
    fills = [] if arguments.reuse else [*earlier, fill(folder, sides, arguments)]
    for side in sides:
        side.store.settle()
    if arguments.side is None:
        results["differences"] = differences(places["floor"], places["framework"])
    results["start"] = cold_starts(sides, min(TIMES, arguments.rounds))
    servers = {side.name: side.start() for side in sides}
    try:
        results["works"] = compare(sides, servers, arguments)
    finally:
        for server in servers.values():
            server.stop()
    if fills:
        results["works"]["import"] = imports(fills)
    return results


def main(words: list[str] | None = None) -> None:
    """Fills, starts, measures, prints, writes."""
    arguments = options(words)
    folder = HERE / ".cache" / str(arguments.records)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "contacts.csv").exists():
        data.write_csv(folder / "contacts.csv", arguments.records)
    chosen = engines(arguments.engine)
    results: dict[str, Any] = {"machine": machine(chosen), "records": arguments.records, "rounds": arguments.rounds}
    results["ceiling"] = ceiling(folder, arguments)
    results["engines"] = {}
    for engine in chosen:
        print(engine, file=sys.stderr, flush=True)
        files = {"floor": folder / "floor.db", "framework": folder / "app" / "data" / "crm.db"}
        earlier: list[dict[str, Filled]] = []
        for _ in range(0 if arguments.reuse or arguments.only else min(TIMES, arguments.rounds) - 1):
            with stores(engine, files) as places:
                earlier.append(fill(folder, sides_at(folder, places, arguments), arguments))
        with stores(engine, files) as places:
            results["engines"][engine] = measure(folder, places, arguments, earlier)
    print(show(results))
    if arguments.engine == "both" and arguments.side is None and arguments.only is None:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "latest.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped and databases dropped
    main()
