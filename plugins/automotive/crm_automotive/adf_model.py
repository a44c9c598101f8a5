"""What an ADF message says: prospects, their people and vehicles, each value as it was written."""

from __future__ import annotations

from typing import Literal

import msgspec

Interest = Literal["buy", "lease", "sell", "trade-in", "test-drive"]
WANTED = ("buy", "lease", "test-drive")
"""Interests in a vehicle that the dealer has."""


class Extension(msgspec.Struct, omit_defaults=True):
    """What a sender added: where (`customer/contact/gender`, `vehicle/@lot`), its text, what is below it."""

    path: str
    text: str | None = None
    attributes: dict[str, str] = {}
    children: list[Extension] = []


class Id(msgspec.Struct, omit_defaults=True):
    """An id, and who gave it."""

    value: str
    source: str | None = None
    sequence: str | None = None


class Amount(msgspec.Struct, omit_defaults=True):
    """A price, or a sum of a finance wish: as it was written, with its attributes."""

    value: str
    type: str | None = None
    currency: str | None = None
    attributes: dict[str, str] = {}


class Option(msgspec.Struct, omit_defaults=True):
    """An option that was asked for."""

    name: str | None = None
    code: str | None = None
    stock: str | None = None
    weighting: str | None = None
    price: Amount | None = None


class Colours(msgspec.Struct, omit_defaults=True):
    """A combination of colours, and its rank."""

    interior: str | None = None
    exterior: str | None = None
    preference: str | None = None


class Vehicle(msgspec.Struct, omit_defaults=True):
    """A vehicle that the customer wants, or has."""

    interest: Interest
    status: str | None = None
    ids: list[Id] = []
    year: str | None = None
    make: str | None = None
    model: str | None = None
    vin: str | None = None
    stock: str | None = None
    trim: str | None = None
    doors: str | None = None
    body: str | None = None
    transmission: str | None = None
    odometer: str | None = None
    odometer_units: str | None = None
    odometer_status: str | None = None
    condition: str | None = None
    colours: list[Colours] = []
    images: list[str] = []
    prices: list[Amount] = []
    price_comments: str | None = None
    options: list[Option] = []
    finance_method: str | None = None
    finance: list[Amount] = []
    balance: Amount | None = None
    comments: str | None = None


class Phone(msgspec.Struct, omit_defaults=True):
    """A telephone number as it was written."""

    value: str
    type: str | None = None
    time: str | None = None
    preferred: bool = False


class Person(msgspec.Struct, omit_defaults=True):
    """Whom one reaches: the parts of a name, addresses, numbers."""

    names: dict[str, str] = {}
    is_business: bool = False
    emails: list[str] = []
    prefers_email: bool = False
    phones: list[Phone] = []
    address: dict[str, str] = {}

    @property
    def name(self) -> str | None:
        """The whole name."""
        parts = (self.names.get(part) for part in ("first", "middle", "last", "suffix"))
        return self.names.get("full") or " ".join(part for part in parts if part) or None


class Party(msgspec.Struct, omit_defaults=True):
    """The dealer (vendor), or who sends the lead (provider)."""

    name: str | None = None
    service: str | None = None
    ids: list[Id] = []
    url: str | None = None
    contact: Person = msgspec.field(default_factory=Person)


class Prospect(msgspec.Struct, omit_defaults=True):
    """One prospect; `path` is where it is in the message."""

    path: str
    is_resend: bool = False
    ids: list[Id] = []
    requested: str | None = None
    vehicles: list[Vehicle] = []
    customer: Person = msgspec.field(default_factory=Person)
    timeframe: dict[str, str] = {}
    comments: str | None = None
    vendor: Party = msgspec.field(default_factory=Party)
    provider: Party = msgspec.field(default_factory=Party)
    extensions: list[Extension] = []

    @property
    def wanted(self) -> Vehicle | None:
        """The vehicle of interest: the first to buy, lease or drive, wherever a trade-in stands."""
        return next((vehicle for vehicle in self.vehicles if vehicle.interest in WANTED), None)

    @property
    def trade_ins(self) -> list[Vehicle]:
        """The vehicles that the customer gives in part payment."""
        return [vehicle for vehicle in self.vehicles if vehicle.interest == "trade-in"]
