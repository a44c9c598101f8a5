"""What the trade knows, as pure functions: nothing here imports the kernel."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

Category = Literal["pipeline", "best_case", "commit", "closed", "omitted"]

OPEN = ("commit", "best_case", "pipeline")
"""The categories that an open deal is forecast in, the surest first."""

ZERO = Decimal(0)


def folded(text: str) -> str:
    """A name as it is compared, without marks, case and punctuation: "SIA «Ābele»" is "sia abele"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())


def vat(text: str) -> str:
    """A VAT number as it is compared: letters and digits, in capitals. "lv 4000-300" is "LV4000300"."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum()).upper()


def category(stage_type: str, probability: float | None, *, best_case_from: int, commit_from: int) -> Category:
    """How a deal is forecast in a stage of this type and probability (0..100)."""
    if stage_type != "open":
        return "closed" if stage_type == "won" else "omitted"
    if (probability or 0) >= commit_from:
        return "commit"
    return "best_case" if (probability or 0) >= best_case_from else "pipeline"


def outlook(won: Iterable[Mapping[str, Any]], open_: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the reports of revenue and forecast as one table: month, currency, won, the categories, and what is to
    be expected, which is what is won and the weighted amounts of what is open. Sorted by month and currency."""
    table: dict[tuple[str, str], dict[str, Any]] = {}

    def row(found: Mapping[str, Any]) -> dict[str, Any]:
        key = str(found["month"]), found["currency"] or ""
        empty = {"month": key[0][:7], "currency": found["currency"], "won": ZERO, **dict.fromkeys(OPEN, ZERO)}
        return table.setdefault(key, {**empty, "expected": ZERO})

    for found in won:
        line = row(found)
        line["won"] += found["revenue"] or ZERO
        line["expected"] += found["revenue"] or ZERO
    for found in open_:
        line = row(found)
        line[found["forecast_category"]] += found["amount"] or ZERO
        line["expected"] += found["weighted"] or ZERO
    return [table[key] for key in sorted(table)]


class Party(NamedTuple):
    """A company or a contact, as far as it takes to tell whether two are the same.

    `within` is the company of a contact: people of one name are the same within one company only.
    """

    id: str
    name: str | None = None
    vat: str | None = None
    email: str | None = None
    phone: str | None = None
    within: str | None = None


def keys_of_company(company: Party) -> list[str]:
    """By what a company is known, the surest first."""
    found = [f"vat:{vat(company.vat)}"] if company.vat and vat(company.vat) else []
    return found + ([f"company:{folded(company.name)}"] if company.name and folded(company.name) else [])


def keys_of_contact(contact: Party) -> list[str]:
    """By what a contact is known, the surest first."""
    found = [f"email:{contact.email.casefold()}"] if contact.email else []
    found += [f"phone:{contact.phone}"] if contact.phone else []
    if contact.name and contact.within and folded(contact.name):
        found.append(f"person:{contact.within}:{folded(contact.name)}")
    return found


def same_company(wanted: Party, known: Iterable[Party]) -> Party | None:
    """The first of `known` that is the wanted company: by VAT number, else by name.

    Two VAT numbers are two companies, whatever their names.
    """
    found = list(known)
    mine = vat(wanted.vat or "")
    by_vat = (c for c in found if mine and vat(c.vat or "") == mine)
    name = folded(wanted.name or "")
    by_name = (c for c in found if name and folded(c.name or "") == name and not (mine and vat(c.vat or "")))
    return next(by_vat, None) or next(by_name, None)


def same_contact(wanted: Party, known: Iterable[Party]) -> Party | None:
    """The first of `known` that is the wanted person: by e-mail address, else telephone, else name in one company."""
    found = list(known)
    for key in keys_of_contact(wanted):
        match = next((c for c in found if key in keys_of_contact(c)), None)
        if match is not None:
            return match
    return None
