"""Which touches get how much of the credit for a conversion: pure functions.

Credits are shares of an amount in minor units; they add up to it exactly (largest remainder).
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

Model = Literal["first_touch", "last_touch", "last_non_direct", "linear", "time_decay", "position_based", "w_shaped"]
MODELS: tuple[Model, ...] = get_args(Model)


class Touch(NamedTuple):
    """A moment at which a person met the company, through a channel. `lead` marks the touch that made him a lead."""

    id: str
    at: datetime
    channel: str
    lead: bool = False


class Rules(NamedTuple):
    """How touches count: how far back, which channels are no marketing, after how many days half the weight is left."""

    window: timedelta | None = None
    direct: Collection[str] = ()
    half_life: timedelta = timedelta(days=7)


def before(touches: Iterable[Touch], conversion: datetime, rules: Rules) -> list[Touch]:
    """The touches that led to a conversion, earliest first: up to its moment, none older than the window."""
    since = None if rules.window is None else conversion - rules.window
    led = (touch for touch in touches if touch.at <= conversion and (since is None or touch.at >= since))
    return sorted(led, key=lambda touch: (touch.at, touch.id))


def split(amount: int, weights: Sequence[Fraction]) -> list[int]:
    """Parts of an amount by weights (none negative, some positive): they add up to it exactly.

    Each part is rounded down; what is left goes to the largest remainders, the earlier first. A negative amount (a
    refund) is split as its opposite.
    """
    total = sum(weights)
    if amount < 0:
        return [-part for part in split(-amount, weights)]
    shares = [amount * weight / total for weight in weights]
    parts = [share.numerator // share.denominator for share in shares]
    by_remainder = sorted(range(len(parts)), key=lambda place: parts[place] - shares[place])
    for place in by_remainder[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def weigh(model: Model, touches: Sequence[Touch], conversion: datetime, rules: Rules) -> list[Fraction]:
    """The weight of each touch, in the order of `touches` (earliest first, at least one); together 1."""
    return _WEIGHTS[model](touches, conversion, rules)


def credit(
    model: Model, touches: Iterable[Touch], conversion: datetime, amount: int, rules: Rules
) -> list[tuple[Touch, Fraction, int]]:
    """Each touch that led to a conversion with its share of it, and its part of the amount (minor units).

    [] where nothing led to it.
    """
    led = before(touches, conversion, rules)
    if not led:
        return []
    weights = weigh(model, led, conversion, rules)
    return list(zip(led, weights, split(amount, weights), strict=True))


def total(credits: Iterable[tuple[Hashable, Fraction, int]]) -> dict[Hashable, tuple[Fraction, int]]:
    """Shares and parts added up by key."""
    found: dict[Hashable, tuple[Fraction, int]] = {}
    for key, share, part in credits:
        shares, parts = found.get(key, (Fraction(0), 0))
        found[key] = (shares + share, parts + part)
    return found


def _only(place: int, touches: Sequence[Touch]) -> list[Fraction]:
    return [Fraction(int(index == place)) for index in range(len(touches))]


def _first(touches: Sequence[Touch], _conversion: datetime, _rules: Rules) -> list[Fraction]:
    return _only(0, touches)


def _last(touches: Sequence[Touch], _conversion: datetime, _rules: Rules) -> list[Fraction]:
    return _only(len(touches) - 1, touches)


def last_non_direct(touches: Sequence[Touch], direct: Collection[str]) -> int:
    """The place of the last touch that is no direct one; where all are direct, of the last."""
    found = [place for place, touch in enumerate(touches) if touch.channel not in direct]
    return found[-1] if found else len(touches) - 1


def _last_non_direct(touches: Sequence[Touch], _conversion: datetime, rules: Rules) -> list[Fraction]:
    return _only(last_non_direct(touches, rules.direct), touches)


def _linear(touches: Sequence[Touch], _conversion: datetime, _rules: Rules) -> list[Fraction]:
    return [Fraction(1, len(touches))] * len(touches)


def _time_decay(touches: Sequence[Touch], _conversion: datetime, rules: Rules) -> list[Fraction]:
    """Half as much for each half-life before the last touch. Counted from there, not from the conversion: the
    proportions are the same, and a long way back does not end in zeros."""
    newest = touches[-1].at
    weights = [Fraction(0.5 ** ((newest - touch.at) / rules.half_life)) for touch in touches]
    return [weight / sum(weights) for weight in weights]


def _position_based(touches: Sequence[Touch], _conversion: datetime, _rules: Rules) -> list[Fraction]:
    """40 % for the first and the last touch, 20 % for those between; two have 50 % each."""
    return _marked({0, len(touches) - 1}, len(touches), Fraction(40, 100))


def _w_shaped(touches: Sequence[Touch], _conversion: datetime, _rules: Rules) -> list[Fraction]:
    """30 % for the first touch, the one that made a lead and the last, 10 % for the others.

    Without such a touch, or where it is the first or last, there are two marks of 30 %, and what is left is shared
    as always: by the others, and with no others by the marks.
    """
    lead = next((place for place, touch in enumerate(touches) if touch.lead), 0)
    return _marked({0, lead, len(touches) - 1}, len(touches), Fraction(30, 100))


def _marked(marks: set[int], count: int, each: Fraction) -> list[Fraction]:
    """A share for each marked touch; the others have the rest in equal parts. Without others the marks have all."""
    others = count - len(marks)
    if not others:
        return [Fraction(1, count)] * count
    rest = (1 - each * len(marks)) / others
    return [each if place in marks else rest for place in range(count)]


_WEIGHTS: Mapping[Model, Callable[[Sequence[Touch], datetime, Rules], list[Fraction]]] = {
    "first_touch": _first,
    "last_touch": _last,
    "last_non_direct": _last_non_direct,
    "linear": _linear,
    "time_decay": _time_decay,
    "position_based": _position_based,
    "w_shaped": _w_shaped,
}
