"""The result as a table for people."""

from __future__ import annotations

from typing import Any


def rate(side: dict[str, float] | None) -> float | None:
    """What is compared: requests or rows a second."""
    return None if side is None else side.get("per_second", side.get("rows_per_second"))


def number(value: float | None, form: str = ",.0f") -> str:
    return "" if value is None else format(value, form)


def line(work: dict[str, Any]) -> list[str]:
    """One work: rates, CPU, the ratio and how far it reaches."""
    floor, framework = work.get("floor"), work.get("framework")
    ratio = rate(framework) / rate(floor) if floor and framework else None
    verdict = ""
    if ratio is not None:
        verdict = "reached" if ratio >= work["reach"] else "half" if ratio >= work["reach"] / 2 else "below half"
    return [
        work["label"],
        *(number(rate(floor)), number(rate(framework)), number(ratio, ".2f")),
        *(number((floor or {}).get("cpu_us")), number((framework or {}).get("cpu_us"))),
        *(number(work["reach"], ".2f"), number(work["reach"] / 2, ".2f"), verdict),
    ]


def show(results: dict[str, Any]) -> str:
    """The whole table, then what is not a ratio."""
    head = ["work", "floor /s", "framework /s", "ratio", "floor µs", "framework µs", "reach", "half of reach", ""]
    rows = [head, *(line(work) for work in results["works"].values())]
    ceiling = results["ceiling"]
    rows.append(
        ["bare ASGI GET (ceiling)", number(ceiling["per_second"]), "", "", number(ceiling["cpu_us"]), *[""] * 4]
    )
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) if at in (0, 8) else cell.rjust(width) for at, (cell, width) in enumerate(cells))
        for cells in ([*zip(row, widths, strict=True)] for row in rows)
    ]
    lines.insert(1, "-" * len(lines[0]))
    lines += ["", f"{results['records']:,} contacts, median of {results['rounds']} rounds"]
    for name, figures in results["start"].items():
        lines.append(f"{name}: cold start {figures['cold_start_s']:.2f} s, idle memory {figures['idle_mib']:.0f} MiB")
    for name, cost in results["works"].get("import", {}).items():
        if isinstance(cost, dict):
            lines.append(f"{name}: {cost['resident_mib']:.0f} MiB resident at most while importing")
    return "\n".join([*lines, *results.get("differences", [])])
