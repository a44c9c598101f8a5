"""Touches and conversions: parameters as they are kept, and which touches a conversion comes from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from crm_kernel import Batch, Change

from . import domain
from .attribution import Rules, Touch, before
from .entities import Conversion, Settings, Touchpoint
from .finding import Find, among
from .members import written

NAME = "marketing"

_DERIVED = ("first_touch_at", "first_channel", "first_campaign", "last_touch_at", "last_channel", "last_campaign")


def rules(settings: Settings) -> Rules:
    """How touches count in this app."""
    return Rules(
        window=timedelta(days=settings.attribution_window_days),
        direct=frozenset(settings.direct_channels),
        half_life=timedelta(days=settings.half_life_days),
    )


def parameters(batch: Batch) -> None:
    """Tracking parameters in the form that is compared; those of the URL where they are not given; the channel."""
    for change in written(batch.of(Touchpoint)):
        before, after = change.before, change.after
        found: dict[str, str | None] = {}
        for name in (*domain.UTM, *domain.CLICK_IDS):
            value = getattr(after, name)
            if value is not None and (before is None or getattr(before, name) != value):
                found[name] = domain.tracking(name, value)
        if after.url is not None and (before is None or before.url != after.url):
            of_url = domain.of_url(after.url)
            found |= {name: value for name, value in of_url.items() if getattr(after, name) is None}
        changed = {name: value for name, value in found.items() if value != getattr(after, name)}
        if after.channel is None:
            known = {name: getattr(after, name) for name in (*domain.UTM, *domain.CLICK_IDS, "referrer")}
            changed["channel"] = domain.channel_of({**known, **changed})
        if changed:
            change.amend(**changed)


async def lead_to(batch: Batch) -> None:
    """Which touches came first and last before each conversion; again, where a touch comes later or changes."""
    # What this adds is not asked again: the touches it comes from are not stored yet.
    conversions = [change for change in written(batch.of(Conversion)) if change.plugin != NAME]
    touched = batch.of(Touchpoint)
    if not (conversions or touched):
        return
    met = [record for change in touched for record in (change.before, change.after) if record is not None]
    mine = {change.after.id for change in conversions}
    stored = [record for record in await of_people(batch.find, Conversion, met) if record.id not in mine]
    records = [*(change.after for change in conversions), *stored]
    touches = await touches_of(batch.find, records, known={c.after.id: c for c in touched})
    counted = rules(batch.settings)
    for change in conversions:
        change.amend(**_first_and_last(change.after, touches, counted))
    for record in stored:
        found = _first_and_last(record, touches, counted)
        if any(getattr(record, name) != found[name] for name in _DERIVED):
            batch.add(Change.update(Conversion, record.id, found))


async def of_people(find: Find, entity: Any, records: Iterable[Any]) -> list[Any]:
    """The touches or conversions of those people whom `records` (of either entity) are about."""
    records = list(records)
    by_contact = await among(find, entity, "contact in @param.among", {record.contact for record in records})
    by_key = await among(find, entity, "lead_key in @param.among", {record.lead_key for record in records})
    return list({record.id: record for record in (*by_contact, *by_key)}.values())


class Journeys:
    """Touches by who was touched: a contact (id), or the key of a lead."""

    def __init__(self, touches: Iterable[Any]) -> None:
        self.record: dict[str, Any] = {}
        self._of: dict[tuple[str, str], list[Touch]] = defaultdict(list)
        for touch in touches:
            self.record[touch.id] = touch
            seen = Touch(touch.id, touch.at, touch.channel or "direct", touch.became_lead)
            for who in _who(touch):
                self._of[who].append(seen)

    def before(self, conversion: Any, rules: Rules) -> list[Touch]:
        """The touches that led to a conversion, earliest first."""
        found = {touch for who in _who(conversion) for touch in self._of[who]}
        return before(found, conversion.at, rules)


def _who(record: Any) -> list[tuple[str, str]]:
    return [(name, value) for name in ("contact", "lead_key") if (value := getattr(record, name)) is not None]


async def touches_of(find: Find, conversions: Iterable[Any], known: Mapping[str, Change[Touchpoint]]) -> Journeys:
    """The touches of the people who converted: as stored, and as the changes of this batch (`known`) leave them."""
    stored = await of_people(find, Touchpoint, conversions)
    return Journeys([*(t for t in stored if t.id not in known), *(c.after for c in written(known.values()))])


def _first_and_last(conversion: Any, journeys: Journeys, rules: Rules) -> dict[str, Any]:
    led = journeys.before(conversion, rules)
    found: dict[str, Any] = dict.fromkeys(_DERIVED)
    for which, touch in (("first", led[0]), ("last", led[-1])) if led else ():
        found[f"{which}_touch_at"] = touch.at
        found[f"{which}_channel"] = touch.channel
        found[f"{which}_campaign"] = journeys.record[touch.id].campaign
    return found
