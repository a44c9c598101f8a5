"""Buyer requirements against listings, as pure functions: what a listing must have, then weighted wishes.

Records are mappings of canonical values; amounts are `Decimal`, so a price is never rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from .domain import square_metres

Record = Mapping[str, Any]

STRETCH = 20
"""Points that a price at the very edge of the tolerance costs; within the range it costs none."""

Wishable = Literal[
    "above_grade_finished_area", "bathrooms_total_decimal", "bathrooms_total_integer", "bedrooms_total", "entry_level",
    "furnished", "garage_spaces", "garage_yn", "heating", "living_area", "lot_size_area", "new_construction_yn",
    "pool_private_yn", "postal_code", "property_condition", "rooms_total", "stories", "view", "waterfront_yn",
    "year_built",
]  # fmt: skip
"""Fields of a listing that a wish may be about."""

MEASURED = frozenset(get_args(Wishable)) | {
    "property_type", "property_sub_type", "list_price", "city", "city_region", "living_area_units",
}  # fmt: skip
"""Fields of a listing that a match depends on."""


class Finding(NamedTuple):
    """One reason: the rule (`price`, `wish:garage_yn`), whether it holds, how, in words, and what a wish weighs."""

    rule: str
    held: bool
    detail: str
    weight: int | None = None


class Match(NamedTuple):
    """`fits` when every must-have holds; `score` 0..100, 0 where it does not fit; `reasons` for both."""

    fits: bool
    score: int
    reasons: list[Finding]


def fits(requirement: Record, listing: Record) -> bool:
    """Whether every must-have holds; stops at the first that does not, as most pairs fail."""
    findings = (rule(requirement, listing) for rule in _MUSTS)
    return all(finding is None or finding.held for finding in findings)


def match(requirement: Record, listing: Record) -> Match:
    """Measures a listing against what a buyer looks for.

    The score is the share of the weights of wishes that are met (all of it where there are none), less up to
    `STRETCH` points for a price outside the range but within the tolerance.
    """
    musts = [finding for rule in _MUSTS if (finding := rule(requirement, listing)) is not None]
    wishes = [_wish(wish, listing) for wish in requirement["wishes"] or ()]
    fitting = all(finding.held for finding in musts)
    total = sum(wish.weight or 0 for wish in wishes)
    met = sum(wish.weight or 0 for wish in wishes if wish.held)
    share = 100 * met / total if total else 100.0
    missed = _missed(requirement, listing)
    stretch = STRETCH * missed.tolerances if missed is not None and fitting else 0
    score = max(round(share - stretch), 0) if fitting else 0
    return Match(fitting, score, musts + wishes)


def best(requirement: Record, listings: Iterable[Record], limit: int) -> list[tuple[Record, Match]]:
    """The `limit` best of the listings that fit, best first; equal ones keep their order."""
    found = [(listing, match(requirement, listing)) for listing in listings if fits(requirement, listing)]
    return sorted(found, key=lambda pair: -pair[1].score)[:limit]


def _one_of(rule: str, wanted: str, member: str) -> Callable[[Record, Record], Finding | None]:
    """A must-have: the listing's `member` is one of the requirement's `wanted`."""

    def check(requirement: Record, listing: Record) -> Finding | None:
        choices, value = requirement[wanted], listing[member]
        if not choices:
            return None
        if value is None:
            return Finding(rule, False, f"{rule} unknown")
        held = _same_text(value, choices)
        return Finding(rule, held, f"{rule} {value}" + ("" if held else f", wanted {' or '.join(choices)}"))

    return check


def _price(requirement: Record, listing: Record) -> Finding | None:
    limits = [limit for limit in (requirement["min_price"], requirement["max_price"]) if limit is not None]
    price = listing["list_price"]
    if not limits:
        return None
    if price is None:
        return Finding("price", False, "price unknown")
    if other := next((limit["currency"] for limit in limits if limit["currency"] != price["currency"]), None):
        return Finding("price", False, f"price in {price['currency']}, range in {other}")
    words = f"price {price['currency']} {price['amount']:f}"
    missed = _missed(requirement, listing)
    if missed is None:
        return Finding("price", True, f"{words} in range")
    tolerance = f"tolerance {requirement['price_tolerance'] or 0} %"
    return Finding("price", missed.tolerances <= 1, f"{words} {missed.side} {missed.limit:f} ({tolerance})")


class _Missed(NamedTuple):
    side: str
    limit: Decimal
    tolerances: float


def _missed(requirement: Record, listing: Record) -> _Missed | None:
    """Which end of its range the price misses, and by how many times the tolerance; None within the range."""
    price = listing["list_price"]
    if price is None:
        return None
    for member, side, sign in (("max_price", "above", 1), ("min_price", "below", -1)):
        limit = requirement[member]
        if limit is not None and (over := (price["amount"] - limit["amount"]) * sign) > 0:
            allowed = limit["amount"] * Decimal(requirement["price_tolerance"] or 0) / 100
            return _Missed(side, limit["amount"], float(over / allowed) if allowed else float("inf"))
    return None


def _bedrooms(requirement: Record, listing: Record) -> Finding | None:
    return _at_least("bedrooms", requirement["min_bedrooms"], listing["bedrooms_total"])


def _area(requirement: Record, listing: Record) -> Finding | None:
    area = square_metres(listing["living_area"], listing["living_area_units"])
    return _at_least("area", requirement["min_living_area"], area, " m²")


def _at_least(rule: str, wanted: float | None, value: float | None, unit: str = "") -> Finding | None:
    if wanted is None:
        return None
    if value is None:
        return Finding(rule, False, f"{rule} unknown")
    held = value >= wanted
    return Finding(rule, held, f"{rule} {value:.6g}{unit}" + ("" if held else f", wanted {wanted:.6g} or more"))


_MUSTS: tuple[Callable[[Record, Record], Finding | None], ...] = (
    _one_of("property type", "property_types", "property_type"),
    _one_of("property sub-type", "property_sub_types", "property_sub_type"),
    _price,
    _one_of("city", "cities", "city"),
    _one_of("district", "districts", "city_region"),
    _bedrooms,
    _area,
)


def _wish(wish: Record, listing: Record) -> Finding:
    """Whether a wish is met; one about a value nobody knows is not."""
    name, weight = wish["field"], wish.get("weight", 1)
    value = listing.get(name)
    held = value is not None and _meets(wish, value)
    shown = "unknown" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
    return Finding(f"wish:{name}", held, f"{name.replace('_', ' ')} {shown}, {_wanted(wish)}", weight)


def _meets(wish: Record, value: Any) -> bool:
    equals, low, high = wish.get("equals"), wish.get("at_least"), wish.get("at_most")
    if equals is not None and not (equals in value if isinstance(value, list) else value == equals):
        return False
    if low is None and high is None:
        return equals is not None
    if isinstance(value, bool | str | list):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _wanted(wish: Record) -> str:
    parts = [
        f"{word} {wish[name]}".strip()
        for name, word in (("equals", ""), ("at_least", "at least"), ("at_most", "at most"))
        if wish.get(name) is not None
    ]
    return "wished " + " and ".join(parts) if parts else "no wish given"


def _same_text(value: str, choices: Iterable[str]) -> bool:
    """Whether a text is one of several, whatever the case: districts are typed by people."""
    return value.casefold() in {choice.casefold() for choice in choices}
