"""What marketing works with: segments, campaigns and their members, consent, suppression, touches, conversions."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from crm_kernel import Entity, Extension, Money, Ref, Url, field
from crm_kernel.base import Contact

from .domain import Basis, Channel, ConsentChannel, Status

DIRECT_MARKETING = "direct_marketing"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.marketing]` in crm.toml."""

    attribution_window_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] = 90
    """How many days before a conversion a touch counts."""
    half_life_days: Annotated[float, msgspec.Meta(gt=0, le=3650)] = 7
    """After how many days a touch has half its weight (time decay)."""
    direct_channels: list[str] = msgspec.field(
        default_factory=lambda: ["direct", "direct_traffic", "(direct)", "(none)"]
    )
    """Channels that are no marketing: last non-direct passes them over."""


def named(lv: str, ru: str) -> dict[str, str]:
    """The labels of a field beside its English name."""
    return {"lv": lv, "ru": ru}


_PARAMETER = field(max_length=200)
_WHO = field(max_length=100, index=True, help="Who it is before there is a contact: the key of a lead or a visitor.")


class LeadSource(Entity, name="lead_source", title="{name}", icon="filter"):
    """Where leads come from: a channel, a fair, a partner."""

    name: Annotated[str, field(max_length=100, unique=True, search=True, labels=named("Nosaukums", "Название"))]
    description: Annotated[str | None, field(max_length=1000)] = None
    active: bool = True


FILTERED: dict[str, Any] = {
    "if": {"properties": {"kind": {"const": "static"}}, "required": ["kind"]},
    "then": {"properties": {"filter": False}},
    "else": {"required": ["filter"]},
}


class Segment(Entity, name="segment", title="{name}", icon="users", schema=FILTERED):
    """People chosen by a filter (evaluated when a campaign is sent) or by a list (`segment_member`)."""

    name: Annotated[str, field(max_length=200, unique=True, search=True, labels=named("Nosaukums", "Название"))]
    entity: Literal["contact"] = "contact"
    kind: Annotated[Literal["dynamic", "static"], field(labels=named("Veids", "Вид"))] = "dynamic"
    filter: Annotated[
        str | None, field(max_length=8000, help="In the filter language; checked when it is written.")
    ] = None
    description: Annotated[str | None, field(max_length=1000)] = None


class SegmentMember(Entity, name="segment_member", title="{segment.name} {contact.name}"):
    """A contact on the list of a static segment."""

    segment: Annotated[Ref[Segment], field(reverse="members", index=True)]
    contact: Annotated[Ref[Contact], field(reverse="segment_memberships", index=True)]
    pair: Annotated[str | None, field(max_length=80, unique=True)] = None
    """Kept by the plugin: nobody is on a list twice."""


class Campaign(Entity, name="campaign", title="{name}", icon="megaphone"):
    """Something sent to a segment through a channel. Its stage says how far that got."""

    name: Annotated[str, field(max_length=200, unique=True, search=True, labels=named("Nosaukums", "Название"))]
    segment: Annotated[
        Ref[Segment] | None, field(reverse="campaigns", index=True, labels=named("Segments", "Сегмент"))
    ] = None
    channel: Annotated[Channel, field(labels=named("Kanāls", "Канал"))] = "email"
    purpose: Annotated[str, field(max_length=100, help="What consent has to be for.")] = DIRECT_MARKETING
    utm_source: Annotated[str | None, _PARAMETER] = None
    utm_medium: Annotated[str | None, _PARAMETER] = None
    utm_campaign: Annotated[str | None, field(max_length=200, index=True)] = None
    utm_term: Annotated[str | None, _PARAMETER] = None
    utm_content: Annotated[str | None, _PARAMETER] = None
    utm_id: Annotated[str | None, _PARAMETER] = None
    budget: Annotated[Money | None, field(labels=named("Budžets", "Бюджет"))] = None
    starts_at: Annotated[datetime | None, field(index=True, labels=named("Sākums", "Начало"))] = None
    ends_at: Annotated[datetime | None, field(labels=named("Beigas", "Конец"))] = None
    launched_by: Annotated[Ref[Literal["user"]] | None, field(reverse="launched_campaigns")] = None
    """Kept by the plugin: whose rights choose the recipients. Empty: the system's."""
    recipients_at: datetime | None = None
    """Kept by the plugin: when the segment was evaluated and its people became members."""
    description: Annotated[str | None, field(max_length=4000)] = None


class CampaignMember(Entity, name="campaign_member", title="{campaign.name} {contact.name}"):
    """A contact in a campaign. Its stage says what became of the message."""

    campaign: Annotated[Ref[Campaign], field(reverse="members", index=True, labels=named("Kampaņa", "Кампания"))]
    contact: Annotated[
        Ref[Contact], field(reverse="campaign_memberships", index=True, labels=named("Kontakts", "Контакт"))
    ]
    pair: Annotated[str | None, field(max_length=80, unique=True)] = None
    """Kept by the plugin: nobody is in a campaign twice."""
    suppressed_reason: Annotated[str | None, field(max_length=100, index=True)] = None
    response: Annotated[str | None, field(max_length=500, search=True, labels=named("Atbilde", "Ответ"))] = None
    attempts: Annotated[int | None, field(ge=0, labels=named("Mēģinājumi", "Попытки"))] = None
    bounce: Literal["hard", "soft", "blocked"] | None = None
    responded: Annotated[
        int | None, field(formula="if(stage in ('replied', 'converted'), 1, 0)", labels=named("Atbildēja", "Ответил"))
    ] = None
    converted: Annotated[
        int | None, field(formula="if(stage = 'converted', 1, 0)", labels=named("Pirkums", "Конверсия"))
    ] = None


class Consent(Entity, name="consent", plural="Consents", title="{contact.name} {purpose} {channel} {status}"):
    """What a person said about being written to, or what he was asked. Records are added, never changed."""

    contact: Annotated[Ref[Contact], field(reverse="consents", index=True, labels=named("Kontakts", "Контакт"))]
    purpose: Annotated[str, field(max_length=100, index=True, labels=named("Mērķis", "Цель"))] = DIRECT_MARKETING
    channel: Annotated[ConsentChannel, field(labels=named("Kanāls", "Канал"))] = "any"
    status: Annotated[Status, field(index=True, labels=named("Statuss", "Статус"))]
    basis: Annotated[Basis, field(labels=named("Pamats", "Основание"))] = "consent"
    text_version: Annotated[str | None, field(max_length=100)] = None
    source: Annotated[str | None, field(max_length=200, help="The form, call or letter it came by.")] = None
    ip: Annotated[str | None, field(max_length=45, personal=True)] = None
    at: Annotated[datetime | None, field(index=True, labels=named("Laiks", "Время"))] = None
    """When it was said; now, where it is left out."""
    expires_at: datetime | None = None
    proof: Annotated[str | None, field(max_length=4000, personal=True)] = None
    latest: Annotated[bool | None, field(labels=named("Spēkā", "Последняя"))] = None
    """Kept by the plugin: whether it is the newest of its contact, purpose and channel."""


LISTED: dict[str, Any] = {"anyOf": [{"required": ["address"]}, {"required": ["address_hash"]}]}


class Suppression(Entity, name="suppression", title="{reason} {address}", icon="ban", schema=LISTED):
    """An address that nothing is sent to, whatever a segment says. Without `address` only its hash is known."""

    address: Annotated[str | None, field(max_length=254, personal=True, labels=named("Adrese", "Адрес"))] = None
    address_hash: Annotated[str | None, field(pattern="^[0-9a-f]{64}$", unique=True)] = None
    """SHA-256 of the address in lower case; kept by the plugin where the address is given."""
    reason: Annotated[
        Literal["unsubscribed", "hard_bounce", "complaint", "manual", "erased", "do_not_mail"],
        field(index=True, labels=named("Iemesls", "Причина")),
    ]
    note: Annotated[str | None, field(max_length=1000)] = None


WHOSE: dict[str, Any] = {"anyOf": [{"required": ["contact"]}, {"required": ["lead_key"]}]}


class Touchpoint(Entity, name="touchpoint", title="{channel} {at}", icon="mouse-pointer", schema=WHOSE):
    """A moment at which a person met the company. `contact` or `lead_key` says who it was."""

    contact: Annotated[Ref[Contact] | None, field(reverse="touchpoints", index=True)] = None
    lead_key: Annotated[str | None, _WHO] = None
    at: Annotated[datetime, field(index=True, labels=named("Laiks", "Время"))]
    channel: Annotated[str | None, field(max_length=200, index=True, labels=named("Kanāls", "Канал"))] = None
    """`organic_search`, `email` …; where it is left out, what the parameters, else the referrer, say."""
    campaign: Annotated[Ref[Campaign] | None, field(reverse="touchpoints", index=True)] = None
    became_lead: Annotated[bool, field(help="The touch that made a lead of the person.")] = False
    url: Annotated[Url | None, field(max_length=2000)] = None
    referrer: Annotated[Url | None, field(max_length=2000)] = None
    utm_source: Annotated[str | None, field(max_length=500)] = None
    utm_medium: Annotated[str | None, field(max_length=500)] = None
    utm_campaign: Annotated[str | None, field(max_length=500)] = None
    utm_term: Annotated[str | None, field(max_length=500)] = None
    utm_content: Annotated[str | None, field(max_length=500)] = None
    utm_id: Annotated[str | None, field(max_length=500)] = None
    gclid: Annotated[str | None, field(max_length=500)] = None
    fbclid: Annotated[str | None, field(max_length=500)] = None
    msclkid: Annotated[str | None, field(max_length=500)] = None


class Conversion(Entity, name="conversion", title="{kind} {at}", icon="target", schema=WHOSE):
    """What marketing is for: a sale, a subscription. `contact` or `lead_key` says whose, `about` which record it is."""

    contact: Annotated[Ref[Contact] | None, field(reverse="conversions", index=True)] = None
    lead_key: Annotated[str | None, _WHO] = None
    at: Annotated[datetime, field(index=True, labels=named("Laiks", "Время"))]
    kind: Annotated[str, field(max_length=100, labels=named("Veids", "Вид"))] = "sale"
    amount: Annotated[Money | None, field(labels=named("Summa", "Сумма"))] = None
    about: Annotated[Ref[Any] | None, field(reverse="conversions", index=True)] = None
    external_id: Annotated[str | None, field(max_length=200, unique=True)] = None
    first_touch_at: datetime | None = None
    """Kept by the plugin, as the next five: the first and the last touch within the window before `at`."""
    first_channel: Annotated[
        str | None, field(max_length=200, index=True, labels=named("Pirmais kanāls", "Первый канал"))
    ] = None
    first_campaign: Annotated[Ref[Campaign] | None, field(reverse="first_of")] = None
    last_touch_at: datetime | None = None
    last_channel: Annotated[
        str | None, field(max_length=200, index=True, labels=named("Pēdējais kanāls", "Последний канал"))
    ] = None
    last_campaign: Annotated[Ref[Campaign] | None, field(reverse="last_of")] = None


class ContactInMarketing(Extension, entity=Contact):
    """Where a person came from, and what came of it."""

    lead_source: Annotated[
        Ref[LeadSource] | None, field(reverse="contacts", index=True, labels=named("Avots", "Источник"))
    ] = None
    lead_on: Annotated[date | None, field(index=True, labels=named("Interesents kopš", "Лид с"))] = None
    """The day he became a lead."""
    converted_at: Annotated[
        datetime | None,
        field(
            rollup={"of": "conversions", "measure": "min", "field": "at"},
            labels=named("Pirmā konversija", "Первая конверсия"),
        ),
    ] = None
    converted: Annotated[
        int | None, field(formula="if(converted_at is null, 0, 1)", labels=named("Konversija", "Конверсия"))
    ] = None
    """1 for who converted, else 0: the sum over many is how many did, the average their rate."""
