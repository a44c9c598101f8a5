"""Attribution over what is stored: which channels and campaigns get how much of the credit."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from crm_kernel import Crm

from .attribution import Model, credit
from .entities import Conversion
from .finding import AT_ONCE
from .journeys import rules, touches_of

By = Literal["channel", "campaign"]

UNKNOWN = None
"""The key of conversions that no touch led to."""


class Credit(NamedTuple):
    """What one channel, or campaign (id), gets in one currency; without amounts `currency` is None.

    `conversions` is a sum of shares (2.5), rounded to six places; `amount` is exact.
    """

    key: str | None
    currency: str | None
    conversions: Decimal
    amount: Decimal | None


async def attribute(
    crm: Crm,
    model: Model,
    *,
    by: By = "channel",
    since: datetime | None = None,
    until: datetime | None = None,
    as_user: str | None = None,
) -> list[Credit]:
    """The credit of each channel or campaign for the conversions from `since` until before `until`, the largest first.

    Credits of an amount add up to it exactly; what no touch led to stands under `None`. With `as_user` only what he
    may read counts.
    """
    shares: Counter[tuple[str | None, str | None]] = Counter()
    amounts: dict[tuple[str | None, str | None], Decimal] = {}
    async for conversions in _conversions(crm, since, until, as_user):
        for key, currency, share, amount in await _credits(crm, conversions, model, by, as_user):
            shares[key, currency] += share  # pyright: ignore[reportArgumentType] - a Fraction counts as well
            if amount is not None:
                amounts[key, currency] = amounts.get((key, currency), Decimal(0)) + amount
    found = [
        Credit(key, currency, _decimal(Fraction(share)), amounts.get((key, currency)))
        for (key, currency), share in shares.items()
    ]
    return sorted(found, key=lambda c: (-c.conversions, c.key or "", c.currency or ""))


async def _conversions(
    crm: Crm, since: datetime | None, until: datetime | None, as_user: str | None
) -> AsyncIterator[list[Any]]:
    bounds = {"since": ("at >= @param.since", since), "until": ("at < @param.until", until)}
    asked = {name: (text, moment) for name, (text, moment) in bounds.items() if moment is not None}
    where = " and ".join(text for text, _ in asked.values()) or None
    params = {name: moment for name, (_, moment) in asked.items()}
    async for page in crm.batches(Conversion, where, size=AT_ONCE, as_user=as_user, **params):
        yield list(page)


async def _credits(
    crm: Crm, conversions: Sequence[Any], model: Model, by: By, as_user: str | None
) -> list[tuple[str | None, str | None, Fraction, Decimal | None]]:
    source = crm if as_user is None else crm.as_user(as_user)
    journeys, counted = await touches_of(source.find, conversions, {}), rules(crm.settings)
    found: list[tuple[str | None, str | None, Fraction, Decimal | None]] = []
    for conversion in conversions:
        money = conversion.amount
        currency, unit = (None, Decimal(1)) if money is None else (money.currency, _unit(money.amount))
        units = 0 if money is None else int(money.amount / unit)
        credits = credit(model, journeys.before(conversion, counted), conversion.at, units, counted)
        for touch, share, part in (one for one in credits if one[1]):
            key = touch.channel if by == "channel" else journeys.record[touch.id].campaign
            found.append((key, currency, share, None if money is None else part * unit))
        if not credits:
            found.append((UNKNOWN, currency, Fraction(1), None if money is None else money.amount))
    return found


def _unit(amount: Decimal) -> Decimal:
    """The smallest amount of its currency: a stored amount has all decimals of it."""
    return Decimal(1).scaleb(min(0, int(amount.as_tuple().exponent)))


def _decimal(share: Fraction) -> Decimal:
    return Decimal(round(share * 1_000_000)).scaleb(-6)
