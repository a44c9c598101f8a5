"""The result as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEAD = ["", "floor /s", "framework /s", "ratio", "floor µs", "framework µs", "reach", "half of reach", ""]


def rate(side: dict[str, float]) -> float:
    """What is compared: requests or rows a second."""
    return side["per_second"] if "per_second" in side else side["rows_per_second"]


def number(value: float | None, form: str = ",.0f") -> str:
    return "" if value is None else format(value, form)


def cpu(side: dict[str, float] | None) -> str:
    """CPU µs a request: of the server, and of the database where it has processes of its own."""
    beside = (side or {}).get("database_cpu_us")
    return number((side or {}).get("cpu_us")) + (f" + {beside:,.0f}" if beside else "")


def line(work: dict[str, Any]) -> list[str]:
    """One work: rates, CPU, the ratio and how far it reaches."""
    floor, framework, ratio = work.get("floor"), work.get("framework"), work["ratio"]
    rates = [number(None if side is None else rate(side)) for side in (floor, framework)]
    verdict = ""
    if ratio is not None:
        verdict = "reached" if ratio >= work["reach"] else "half" if ratio >= work["reach"] / 2 else "below half"
    return [
        work["label"],
        *(*rates, number(ratio, ".2f")),
        *(cpu(floor), cpu(framework)),
        *(number(work["reach"], ".2f"), number(work["reach"] / 2, ".2f"), verdict),
    ]


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Rows of cells as lines, a rule under the first; the columns `left` begin at the left."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) if at in left else cell.rjust(width) for at, (cell, width) in enumerate(cells))
        for cells in ([*zip(row, widths, strict=True)] for row in rows)
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def show(results: dict[str, Any]) -> str:
    """A table for each engine, with what is not a ratio below it."""
    ceiling = results["ceiling"]
    bare = ["bare ASGI GET (ceiling)", number(ceiling["per_second"]), "", "", cpu(ceiling), *[""] * 4]
    lines = [f"{results['records']:,} contacts, median of {results['rounds']} rounds"]
    for engine, figures in results["engines"].items():
        rows = [[engine, *HEAD[1:]], *map(line, figures["works"].values()), bare]
        lines += ["", *aligned(rows, (0, 8)), "", *beside(figures)]
    return "\n".join(lines)


def beside(figures: dict[str, Any]) -> list[str]:
    """What is not a ratio."""
    lines = [
        f"{name}: cold start {start['cold_start_s']:.2f} s, idle memory {start['idle_mib']:.0f} MiB"
        for name, start in figures["start"].items()
    ]
    for name, cost in figures["works"].get("import", {}).items():
        if isinstance(cost, dict):
            lines.append(f"{name}: {cost['resident_mib']:.0f} MiB resident at most while importing")
    return [*lines, *figures.get("differences", [])]
