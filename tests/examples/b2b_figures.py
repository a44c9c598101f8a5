"""The figures of four B2B files by plain arithmetic over their rows, and files of that form with all their traps."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

Row = Mapping[str, str]
SPELT = {"GTXPro": "GTX Pro"}


class Figures:
    """Files read once; each figure is a dict of what a row of a report says."""

    def __init__(self, folder: Path) -> None:
        self.deals = rows(folder / "sales_pipeline.csv")
        self.prices = {p["product"]: Decimal(p["sales_price"]) for p in rows(folder / "products.csv")}
        self.boss = {t["sales_agent"]: t["manager"] for t in rows(folder / "sales_teams.csv")}
        self.office = {t["manager"]: t["regional_office"] for t in rows(folder / "sales_teams.csv")}
        self.won = [d for d in self.deals if d["deal_stage"] == "Won"]

    def by(self, key: Callable[[Row], Any], of: Callable[[list[Row]], Any], deals: Iterable[Row]) -> dict[Any, Any]:
        found: dict[Any, list[Row]] = {}
        for deal in deals:
            found.setdefault(key(deal), []).append(deal)
        return {name: of(group) for name, group in found.items()}

    def product(self, deal: Row) -> str:
        return SPELT.get(deal["product"], deal["product"])

    def amount(self, deal: Row) -> Decimal:
        """What an open deal may bring is the list price of its product."""
        return Decimal(deal["close_value"]) if deal["close_value"] else self.prices[self.product(deal)]

    def revenue(self, deals: Iterable[Row]) -> Decimal:
        return sum((Decimal(d["close_value"]) for d in deals), Decimal(0))

    def results(self, deals: list[Row]) -> dict[str, Any]:
        """Open, won, lost, win rate, revenue, days, average cycle, velocity: exact, then rounded once."""
        won = [d for d in deals if d["deal_stage"] == "Won"]
        lost = sum(d["deal_stage"] == "Lost" for d in deals)
        open_ = len(deals) - len(won) - lost
        days = sum(cycle(d) for d in won)
        revenue = self.revenue(won)
        rate = Fraction(len(won), len(won) + lost) if won or lost else None
        velocity = open_ * rate * Fraction(revenue) / days if rate is not None and days and won else None
        return {
            "open": open_,
            "won": len(won),
            "lost": lost,
            "win_rate": None if rate is None else float(rate),
            "revenue": revenue if won else None,
            "days": days if won else None,
            "average_cycle_days": float(Fraction(days, len(won))) if won else None,
            "velocity": None if velocity is None else cents(velocity),
        }


def rows(file: Path) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def cycle(deal: Row) -> int:
    return (date.fromisoformat(deal["close_date"]) - date.fromisoformat(deal["engage_date"])).days


def cents(number: Fraction) -> Decimal:
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


# ---- other files of the same form -----------------------------------------------------------------------------------
PRODUCTS = {"GTX Pro": "4821.55", "MG, Special": "55", "Ōmega 500": "26768.99"}
ACCOUNTS = ["Betatech", "Ābele, SIA", 'The "Codehow"', "Zumgoity"]
TEAMS = {"Ann Lee": ("Dustin B.", "West"), "Bo Ōk": ("Dustin B.", "West"), "Cy X": ("Cara L.", "East")}


def write_files(folder: Path, deals: int = 200) -> None:
    """Four files: a forward parent, a product spelt in two ways, deals without account or date, cents, all letters."""
    draw = random.Random(41)
    _write(folder / "products.csv", ["product", "series", "sales_price"], [[p, "S", v] for p, v in PRODUCTS.items()])
    parents = ["Zumgoity", "", "Betatech", ""]
    _write(
        folder / "accounts.csv",
        ["account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"],
        [[a, "technolgy", "1996", "1100.04", "2822", "Kenya", p] for a, p in zip(ACCOUNTS, parents, strict=True)],
    )
    _write(
        folder / "sales_teams.csv", ["sales_agent", "manager", "regional_office"], [[a, *t] for a, t in TEAMS.items()]
    )
    lines = []
    for number in range(deals):
        stage = draw.choice(["Won", "Won", "Lost", "Engaging", "Prospecting"])
        engaged = date(2017, 1, 1) + timedelta(days=draw.randrange(300))
        closed = engaged + timedelta(days=draw.randrange(120))
        value = {"Won": f"{draw.randrange(1, 500_000) / 100:.2f}", "Lost": "0"}.get(stage, "")
        lines.append(
            [
                f"{number:08X}",
                draw.choice(list(TEAMS)),
                draw.choice(["GTXPro", *PRODUCTS]),
                draw.choice(["", *ACCOUNTS]),
                stage,
                "" if stage == "Prospecting" else engaged.isoformat(),
                closed.isoformat() if value else "",
                value,
            ]
        )
    columns = ["opportunity_id", "sales_agent", "product", "account", "deal_stage"]
    _write(folder / "sales_pipeline.csv", [*columns, "engage_date", "close_date", "close_value"], lines)


def _write(file: Path, header: list[str], lines: list[list[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *lines])
