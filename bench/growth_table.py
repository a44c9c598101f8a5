"""What growth is held to, and the table of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.table import aligned, number

GROWTH = 1.5
"""Times what GET, an indexed list, create and move may take with ten or a hundred times as many records."""
GROWTH_RULES = 2.0
"""The same for lists under row rules."""
RULES_COST = 2.0
"""Times what a list may take with row rules, of what the same takes without, with the most records."""
PERSONA_P95_MS = 20.0
"""What a list under row rules may take, at any size."""

NOTHING = ("nothing: default sort", "nothing: filter, custom sort")
NOTHING_MS = 1.0
"""What a list may take in SQL for who sees nothing."""

SHORT_PAGES = {"0.5 %: filter, custom sort": ("10000",)}
"""Sizes at which a list has not 50 records to give (6 here): to answer with 50 is more work, and no growth."""

WITHOUT_RULES = {"default sort": "list", "filter, custom sort": "indexed list"}
"""What a list under rules is compared with."""

Figures = dict[str, dict[str, dict[str, float]]]


def limits(figures: Figures) -> dict[str, dict[str, Any]]:
    """By operation: how many times the p50 of the smallest size the worst p50 is, what it may be, and p95 likewise.

    `cpu_growth`, that of the CPU time a request, tells real growth from a noisy machine. `rules_cost`: how many times
    what it takes without rules, at the largest size.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, sizes in figures.items():
        has_rules = ":" in name
        short = SHORT_PAGES.get(name, ())
        alike = [one for size, one in sizes.items() if size not in short] or list(sizes.values())
        grown = _growth([one["p50_ms"] for one in alike])
        cpu = _growth([one["cpu_us"] + one["database_cpu_us"] for one in alike])
        p95 = max(one["p95_ms"] for one in sizes.values())
        may_grow = GROWTH_RULES if has_rules else GROWTH
        plain = figures.get(WITHOUT_RULES.get(name.rpartition(": ")[2], "")) if has_rules else None
        largest = list(sizes)[-1]
        cost = sizes[largest]["p50_ms"] / plain[largest]["p50_ms"] if plain else None
        met = grown <= may_grow and not (has_rules and p95 >= PERSONA_P95_MS) and not (cost and cost >= RULES_COST)
        found[name] = {
            "growth": round(grown, 2),
            "cpu_growth": round(cpu, 2),
            "may_grow": may_grow,
            "p95_ms": p95,
            "rules_cost": None if cost is None else round(cost, 2),
            "met": met,
        }
        found[name]["p95_may_be"] = PERSONA_P95_MS if has_rules else None
    return found


def _growth(values: Sequence[float]) -> float:
    """How many times the first value the greatest is."""
    return max(values) / values[0] if values[0] else 1.0


def missed(limits: dict[str, dict[str, Any]]) -> list[str]:
    """The operations that do not keep to their limits."""
    return [name for name, one in limits.items() if not one["met"]]


def show(found: dict[str, Any]) -> str:
    """A table for each engine: p50 / p95 at each size, growth, statements."""
    lines = [
        f"{found['requests']} requests of each, one client; p50 / p95 in ms; SQL ms: of the reads, at the largest size"
    ]
    for engine, result in found["engines"].items():
        sizes = list(next(iter(result["figures"].values())))
        measures = ["growth", "limit", "CPU growth", "rules cost", "p95 limit", "SQL ms", "statements", ""]
        head = [engine, *(f"{int(size):,}" for size in sizes), *measures]
        rows = [head, *(_row(result, name, sizes) for name in result["figures"])]
        lines += ["", *aligned(rows, (0, len(head) - 1))]
        nothing = max((ms for name in NOTHING for ms in result["sql_ms"].get(name, {}).values()), default=0.0)
        lines.append(f"who sees nothing: {nothing:.2f} ms in SQL, limit {NOTHING_MS:.0f}")
        for label, key in (("filled in s", "fill_s"), ("cold start in s", "cold_start_s")):
            lines.append(f"{label}: " + ", ".join(f"{int(size):,}: {result[key][size]}" for size in sizes))
    return "\n".join(lines)


def _row(result: dict[str, Any], name: str, sizes: list[str]) -> list[str]:
    measured, limit = result["figures"][name], result["limits"][name]
    in_sql = result["sql_ms"][name][sizes[-1]]
    statements = list(dict.fromkeys(result["statements"][name].values()))
    return [
        name,
        *(f"{measured[size]['p50_ms']:.2f} / {measured[size]['p95_ms']:.2f}" for size in sizes),
        *(f"{limit['growth']:.2f}x", f"{limit['may_grow']}x", f"{limit['cpu_growth']:.2f}x"),
        number(limit["rules_cost"], ".2f"),
        number(limit["p95_may_be"]),
        number(in_sql, ".2f"),
        "-".join(map(str, statements)),
        "met" if limit["met"] else "MISSED",
    ]
