"""The entities that every app has, and that every plugin and document may refer to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from crm_kernel import Address, Email, Entity, Money, Phone, Ref, Url, field

_LINE = field(max_length=200)


class TeamMembership(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A further team of a user, from and until a day (both included; open where left out)."""

    team: Ref[Literal["team"]]
    since: date | None = None
    until: date | None = None


class User(Entity, name="user", title="{name}", icon="user"):
    """Someone who can sign in. The system field `team` is the main team. Passwords and tokens are no fields."""

    login: Annotated[str, field(unique=True, min_length=1, max_length=100, search=True)]
    name: Annotated[str, field(max_length=200, search=True, index=True)]
    email: Annotated[Email | None, field(max_length=254, index=True)] = None
    roles: Annotated[list[str], field(unique_items=True)] = msgspec.field(default_factory=list[str])
    teams: Annotated[list[TeamMembership] | None, field(help="Further teams.")] = None
    locale: Annotated[str | None, field(max_length=35)] = None
    timezone: Annotated[str | None, field(max_length=64)] = None
    active: bool = True
    last_seen_at: datetime | None = None


class Team(Entity, name="team", title="{name}", icon="users"):
    """People who share records. Who is in a team sees what the teams below it have."""

    name: Annotated[str, field(max_length=200, search=True, index=True)]
    parent: Annotated[Ref[Literal["team"]] | None, field(reverse="children", index=True)] = None
    lead: Annotated[Ref[User] | None, field(reverse="leads")] = None


class Company(Entity, name="company", plural="Companies", title="{name}", icon="building"):
    """An organisation one deals with."""

    name: Annotated[str, field(max_length=200, search=True, index=True)]
    legal_name: Annotated[str | None, field(max_length=200, search=True)] = None
    email: Annotated[Email | None, field(max_length=254, search=True, index=True)] = None
    phone: Annotated[Phone | None, field(search=True, index=True)] = None
    website: Annotated[Url | None, field(max_length=2000)] = None
    vat_number: Annotated[str | None, field(max_length=30, index=True)] = None
    registration_number: Annotated[str | None, field(max_length=50, index=True)] = None
    industry: Annotated[str | None, field(max_length=100)] = None
    employees: Annotated[int | None, field(ge=0)] = None
    annual_revenue: Money | None = None
    address: Address | None = None
    parent: Annotated[Ref[Literal["company"]] | None, field(reverse="subsidiaries", index=True)] = None
    kinds: Annotated[list[Literal["customer", "supplier", "partner", "other"]] | None, field(unique_items=True)] = None
    labels: Annotated[list[str] | None, field(unique_items=True)] = None
    source: Annotated[str | None, field(max_length=100)] = None
    external_id: Annotated[str | None, field(max_length=200, unique=True)] = None


class Contact(Entity, name="contact", title="{name}", icon="contact"):
    """A person one deals with. The name is given, or formed from first and last name."""

    name: Annotated[str | None, field(max_length=200, search=True, index=True, personal=True)] = None
    first_name: Annotated[str | None, field(max_length=100, search=True, personal=True)] = None
    last_name: Annotated[str | None, field(max_length=100, search=True, personal=True)] = None
    email: Annotated[Email | None, field(max_length=254, search=True, index=True, personal=True)] = None
    emails: Annotated[list[Email] | None, field(help="Further addresses.", personal=True)] = None
    phone: Annotated[Phone | None, field(search=True, index=True, personal=True)] = None
    phones: Annotated[list[Phone] | None, field(help="Further numbers.", personal=True)] = None
    job_title: Annotated[str | None, _LINE] = None
    company: Annotated[Ref[Company] | None, field(reverse="contacts", index=True)] = None
    address: Annotated[Address | None, field(personal=True)] = None
    birthday: Annotated[date | None, field(personal=True)] = None
    language: Annotated[str | None, field(max_length=35)] = None
    labels: Annotated[list[str] | None, field(unique_items=True)] = None
    source: Annotated[str | None, field(max_length=100)] = None
    external_id: Annotated[str | None, field(max_length=200, unique=True)] = None
    do_not_contact: bool = False


ACTIVITY_RULES: dict[str, Any] = {
    "allOf": [
        {
            "if": {"properties": {"type": {"const": "meeting"}}, "required": ["type"]},
            "then": {"required": ["starts_at"]},
        },
        {
            "if": {"properties": {"type": {"enum": ["task", "note"]}}, "required": ["type"]},
            "then": {"properties": {"direction": False}},
        },
    ],
    "dependentRequired": {"ends_at": ["starts_at"]},
}
"""What each type of activity needs. Plugins and documents add types by rules of their own."""


class Activity(Entity, name="activity", plural="Activities", title="{subject}", icon="activity", schema=ACTIVITY_RULES):
    """Something done with or for somebody: a call, a meeting, an e-mail, a note, a task, or a type that was added."""

    type: Annotated[
        str,
        field(
            min_length=1,
            max_length=50,
            index=True,
            choices={"call": {}, "meeting": {}, "email": {}, "note": {}, "task": {}},
        ),
    ]
    subject: Annotated[str | None, field(max_length=300, search=True)] = None
    body: Annotated[str | None, field(max_length=100_000, search=True)] = None
    about: Annotated[Ref[Any] | None, field(reverse="activities", index=True)] = None
    participants: Annotated[list[Ref[Any]] | None, field(unique_items=True)] = None
    starts_at: Annotated[datetime | None, field(index=True)] = None
    ends_at: datetime | None = None
    due_at: Annotated[datetime | None, field(index=True)] = None
    done_at: datetime | None = None
    direction: Literal["incoming", "outgoing"] | None = None
    outcome: Annotated[str | None, _LINE] = None
    duration: Annotated[int | None, field(ge=0, unit="s")] = None
    location: Annotated[str | None, _LINE] = None


class File(Entity, name="file", title="{name}", icon="file"):
    """A file that was uploaded. Its bytes are kept under a key of the kernel's own."""

    name: Annotated[str, field(max_length=255, search=True)]
    size: Annotated[int | None, field(ge=0, unit="B")] = None
    content_type: Annotated[str | None, field(max_length=255)] = None
    sha256: Annotated[str | None, field(pattern="^[0-9a-f]{64}$", index=True)] = None
    about: Annotated[Ref[Any] | None, field(reverse="files", index=True)] = None


ENTITIES = (User, Team, Company, Contact, Activity, File)
