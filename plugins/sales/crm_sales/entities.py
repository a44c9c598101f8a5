"""What is sold, to whom it might be, and how far it got: products, leads, deals."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from crm_kernel import Email, Entity, Money, Phone, Ref, field
from crm_kernel.base import Company, Contact

StageType = Literal["open", "won", "lost"]
ForecastCategory = Literal["pipeline", "best_case", "commit", "closed", "omitted"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.sales]` in crm.toml."""

    best_case_from: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50
    """Probability of a stage from which its deals are forecast as best case."""
    commit_from: Annotated[int, msgspec.Meta(ge=0, le=100)] = 80
    """Probability of a stage from which its deals are forecast as commit."""


LEAD_RULES: dict[str, Any] = {
    "anyOf": [{"required": [name]} for name in ("name", "first_name", "last_name", "company_name", "email", "phone")]
}
"""A lead is somebody: a person, a company, or at least an address or a number."""


class Product(Entity, name="product", title="{name}", icon="package"):
    """What is sold, and its list price."""

    code: Annotated[str, field(unique=True, max_length=100, search=True)]
    name: Annotated[str, field(max_length=200, search=True, index=True)]
    series: Annotated[str | None, field(max_length=100, index=True)] = None
    price: Money | None = None
    active: bool = True
    description: Annotated[str | None, field(max_length=4000)] = None


class Lead(Entity, name="lead", title="{name} {company_name}", icon="user-plus", schema=LEAD_RULES):
    """Somebody who may want to buy. Qualified, it becomes a company, a contact and, where asked, a deal; it stays."""

    name: Annotated[str | None, field(max_length=200, search=True, index=True, personal=True)] = None
    first_name: Annotated[str | None, field(max_length=100, search=True, personal=True)] = None
    last_name: Annotated[str | None, field(max_length=100, search=True, personal=True)] = None
    email: Annotated[Email | None, field(max_length=254, search=True, index=True, personal=True)] = None
    phone: Annotated[Phone | None, field(search=True, index=True, personal=True)] = None
    job_title: Annotated[str | None, field(max_length=200)] = None
    company_name: Annotated[str | None, field(max_length=200, search=True, index=True)] = None
    vat_number: Annotated[str | None, field(max_length=30, index=True)] = None

    source: Annotated[str | None, field(max_length=100, index=True)] = None
    campaign: Annotated[Ref[Any] | None, field(reverse="leads", help="What it came from, a campaign or other.")] = None
    interest: Annotated[str | None, field(max_length=200, search=True)] = None
    product: Annotated[Ref[Product] | None, field(reverse="leads")] = None
    budget: Money | None = None
    notes: Annotated[str | None, field(max_length=4000, search=True)] = None

    wants_deal: Annotated[bool, field(help="Whether its conversion opens a deal too.")] = False
    converted_at: datetime | None = None
    company: Annotated[Ref[Company] | None, field(reverse="leads", index=True)] = None
    contact: Annotated[Ref[Contact] | None, field(reverse="leads", index=True)] = None
    deal: Annotated[Ref[Literal["deal"]] | None, field(reverse="leads", index=True)] = None


class Deal(Entity, name="deal", title="{name}", icon="handshake"):
    """Something that may be sold to somebody (an opportunity). What is null is filled from its stage and product."""

    name: Annotated[str, field(max_length=200, search=True, index=True)]
    external_id: Annotated[str | None, field(max_length=200, unique=True)] = None
    company: Annotated[Ref[Company] | None, field(reverse="deals", index=True)] = None
    contact: Annotated[Ref[Contact] | None, field(reverse="deals", index=True)] = None
    product: Annotated[Ref[Product] | None, field(reverse="deals", index=True)] = None
    amount: Annotated[Money | None, field(index=True)] = None
    probability: Annotated[float | None, field(ge=0, le=100, decimal=2, unit="%")] = None
    weighted_amount: Annotated[Money | None, field(formula="amount * probability / 100")] = None
    forecast_category: Annotated[ForecastCategory | None, field(index=True)] = None
    expected_close_date: Annotated[date | None, field(index=True)] = None
    opened_at: datetime | None = None
    closed_at: Annotated[datetime | None, field(index=True)] = None
    cycle_days: Annotated[int | None, field(formula="date_diff(closed_at, opened_at, 'd')")] = None
    stage_type: Annotated[StageType | None, field(index=True, help="What its stage is, whatever it is called.")] = None
    competitor: Annotated[str | None, field(max_length=200)] = None
    next_step: Annotated[str | None, field(max_length=500, search=True)] = None
    source: Annotated[str | None, field(max_length=100, index=True)] = None
    campaign: Annotated[Ref[Any] | None, field(reverse="deals")] = None
