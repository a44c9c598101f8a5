"""What a dealership sells: vehicles, stock, test drives, part exchanges, leads. The workshop is in `workshop.py`.

Names follow ADF 1.0 and the STAR standards in snake_case; values are in `star.py`. A reference carries no key suffix.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from crm_kernel import Address, Email, Entity, Money, Phone, Ref, field
from crm_kernel.base import Company, Contact, User

from . import star


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.automotive]` in crm.toml."""

    test_drive_minutes: Annotated[int, msgspec.Meta(ge=5, le=720)] = 45
    """How long a test drive takes that was booked without an end."""
    service_days_ahead: Annotated[int, msgspec.Meta(ge=0, le=180)] = 30
    """How many days before a service is due its owner is called."""
    service_distance_ahead: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 1000
    """The same on the odometer, in the unit of the vehicle's."""


def lv(label: str) -> dict[str, str]:
    """The Latvian label of a field beside its English name."""
    return {"lv": label}


ModelYear = Annotated[int, field(ge=1886, le=2100, labels=lv("Modeļa gads"))]
Make = Annotated[str, field(max_length=60, index=True, search=True, labels=lv("Marka"))]
ModelName = Annotated[str, field(max_length=100, search=True, labels=lv("Modelis"))]
Trim = Annotated[str, field(max_length=100, labels=lv("Aprīkojums"))]
Body = Annotated[str, field(max_length=60, labels=lv("Virsbūve"))]
Colour = Annotated[str, field(max_length=60, labels=lv("Krāsa"))]
Odometer = Annotated[int, field(ge=0, le=9_999_999, labels=lv("Odometrs"))]


class Vehicle(Entity, name="vehicle", title="{make} {model} {model_year} {plate}", icon="car"):
    """One vehicle, whoever owns it: sold here, taken in part payment, or come for service."""

    vin: Annotated[str | None, field(type="vin", unique=True, search=True, labels=lv("VIN"))] = None
    vin_note: Annotated[str | None, field(max_length=300, labels=lv("Piezīme par VIN"))] = None
    """What is odd with the VIN: too short, or a check digit that does not hold where none is asked for."""
    make: Make
    model: ModelName
    model_year: ModelYear | None = None
    trim: Trim | None = None
    body: Body | None = None
    exterior_colour: Colour | None = None
    interior_colour: Annotated[str | None, field(max_length=60, labels=lv("Salona krāsa"))] = None
    fuel: Annotated[str | None, field(max_length=40, labels=lv("Degviela"))] = None
    transmission: Annotated[str | None, field(max_length=60, labels=lv("Ātrumkārba"))] = None
    doors: Annotated[int | None, field(ge=0, le=20, labels=lv("Durvis"))] = None
    plate: Annotated[str | None, field(max_length=20, index=True, search=True, labels=lv("Reģistrācijas numurs"))] = (
        None
    )
    odometer: Odometer | None = None
    odometer_unit: Annotated[star.OdometerUnit, field(labels=lv("Mērvienība"))] = "km"
    keeper: Annotated[Ref[Contact] | None, field(reverse="vehicles", index=True, labels=lv("Turētājs"))] = None
    keeper_company: Annotated[
        Ref[Company] | None, field(reverse="vehicles", index=True, labels=lv("Turētājs (uzņēmums)"))
    ] = None
    first_registration: Annotated[date | None, field(labels=lv("Pirmā reģistrācija"))] = None
    next_service_due: Annotated[date | None, field(index=True, labels=lv("Nākamā apkope"))] = None
    next_service_odometer: Annotated[
        int | None, field(ge=0, le=9_999_999, index=True, labels=lv("Nākamā apkope pie odometra"))
    ] = None
    service_distance: Annotated[
        int | None,
        field(formula="next_service_odometer - odometer", index=True, labels=lv("Līdz apkopei")),
    ] = None
    """What is left on the odometer until the next service."""
    service_called_at: Annotated[datetime | None, field(index=True, labels=lv("Aicināts uz apkopi"))] = None
    """When its keeper was called for the next service; empty again once that is another one."""
    notes: Annotated[str | None, field(max_length=4000, search=True, labels=lv("Piezīmes"))] = None


class VehicleUnit(
    Entity, name="vehicle_unit", label="Stock unit", title="{stock_number} {vehicle.make} {vehicle.model}", icon="tag"
):
    """A vehicle in stock. Its stage is the STAR inventory status."""

    stock_number: Annotated[str | None, field(unique=True, autonumber="S-{00000}", labels=lv("Krājuma Nr."))] = None
    vehicle: Annotated[Ref[Vehicle], field(reverse="units", labels=lv("Automašīna"))]
    condition: Annotated[star.UnitCondition, field(labels=lv("Stāvoklis"))] = "used"
    price: Annotated[Money | None, field(index=True, labels=lv("Cena"))] = None
    cost: Annotated[Money | None, field(sensitive=True, labels=lv("Pašizmaksa"))] = None
    location: Annotated[str | None, field(max_length=100, labels=lv("Novietne"))] = None
    expected_on: Annotated[date | None, field(labels=lv("Gaidāma"))] = None
    received_on: Annotated[date | None, field(index=True, labels=lv("Saņemta"))] = None
    buyer: Annotated[Ref[Contact] | None, field(reverse="bought_units", labels=lv("Pircējs"))] = None
    buyer_company: Annotated[Ref[Company] | None, field(reverse="bought_units", labels=lv("Pircējs (uzņēmums)"))] = None
    sold_on: Annotated[date | None, field(index=True, labels=lv("Pārdota"))] = None
    sold_price: Annotated[Money | None, field(labels=lv("Pārdošanas cena"))] = None
    days_in_stock: Annotated[
        int | None, field(formula="date_diff(sold_on, received_on, 'd')", labels=lv("Dienas krājumā"))
    ] = None
    """From its coming to its sale; of what is not sold yet the report `stock-ageing` tells the month it came."""
    recall: Annotated[str | None, field(max_length=300, labels=lv("Atsaukums"))] = None
    """The campaign that holds it (RECALL_HOLD)."""


class LeadPhone(msgspec.Struct, omit_defaults=True):
    """A telephone number of a lead: in E.164 where it is one, else as it was written."""

    number: Annotated[str, msgspec.Meta(max_length=100)]
    type: str | None = None
    time: str | None = None
    preferred: bool = False


class AutoLead(Entity, name="auto_lead", label="Lead", title="{number} {name}", icon="inbox"):
    """Somebody who may want a vehicle and whom nobody has talked to yet; ADF leads come in as these.

    The person and the vehicle are as the sender told; what became of them is in `contact`, `unit` and the stage.
    """

    number: Annotated[str | None, field(unique=True, autonumber="A-{000000}", labels=lv("Numurs"))] = None
    requested_at: Annotated[datetime | None, field(index=True, labels=lv("Pieprasīts"))] = None
    source: Annotated[str | None, field(max_length=100, index=True, labels=lv("Avots"))] = None
    service: Annotated[str | None, field(max_length=200, labels=lv("Pakalpojums"))] = None
    source_type: Annotated[star.LeadSourceType | None, field(labels=lv("Avota veids"))] = None
    external_key: Annotated[str | None, field(unique=True, max_length=300, labels=lv("Sūtītāja numurs"))] = None
    """The sender's own id, `source:id`: the same one again is the same lead."""
    fingerprint: Annotated[str | None, field(index=True, max_length=64)] = None
    """Person and vehicle in short, by which a lead without id is known when it is sent again."""

    name: Annotated[str | None, field(max_length=200, search=True, index=True, labels=lv("Vārds, uzvārds"))] = None
    first_name: Annotated[str | None, field(max_length=100, labels=lv("Vārds"))] = None
    last_name: Annotated[str | None, field(max_length=100, labels=lv("Uzvārds"))] = None
    is_business: Annotated[bool, field(labels=lv("Uzņēmums"))] = False
    email: Annotated[Email | None, field(max_length=254, index=True, search=True, personal=True)] = None
    phone: Annotated[Phone | None, field(index=True, search=True, personal=True, labels=lv("Tālrunis"))] = None
    phones: Annotated[list[LeadPhone] | None, field(personal=True, labels=lv("Tālruņi"))] = None
    preferred_contact: Annotated[Literal["email", "phone"] | None, field(labels=lv("Vēlamā saziņa"))] = None
    address: Annotated[Address | None, field(personal=True, labels=lv("Adrese"))] = None
    contact: Annotated[Ref[Contact] | None, field(reverse="auto_leads", index=True, labels=lv("Kontakts"))] = None

    interest: Annotated[star.LeadInterest | None, field(labels=lv("Interese"))] = None
    vehicle_status: Annotated[Literal["new", "used"] | None, field(labels=lv("Jauna vai lietota"))] = None
    model_year: ModelYear | None = None
    make: Make | None = None
    model: ModelName | None = None
    trim: Trim | None = None
    body: Body | None = None
    vin: Annotated[str | None, field(max_length=40, index=True)] = None
    vin_note: Annotated[str | None, field(max_length=300, labels=lv("Piezīme par VIN"))] = None
    stock_number: Annotated[str | None, field(max_length=60, index=True, labels=lv("Krājuma Nr."))] = None
    odometer: Odometer | None = None
    odometer_unit: Annotated[star.OdometerUnit | None, field(labels=lv("Mērvienība"))] = None
    price: Annotated[Money | None, field(labels=lv("Cena"))] = None
    unit: Annotated[Ref[VehicleUnit] | None, field(reverse="leads", index=True, labels=lv("Automašīna krājumā"))] = None

    timeframe: Annotated[str | None, field(max_length=500, labels=lv("Termiņš"))] = None
    earliest_on: Annotated[date | None, field(labels=lv("Ne agrāk kā"))] = None
    latest_on: Annotated[date | None, field(labels=lv("Ne vēlāk kā"))] = None
    finance_method: Annotated[str | None, field(max_length=60, labels=lv("Finansējums"))] = None
    down_payment: Annotated[Money | None, field(labels=lv("Pirmā iemaksa"))] = None
    monthly_payment: Annotated[Money | None, field(labels=lv("Mēneša maksājums"))] = None
    comments: Annotated[str | None, field(max_length=20_000, search=True, labels=lv("Komentārs"))] = None
    vendor: Annotated[str | None, field(max_length=200, labels=lv("Tirgotājs"))] = None
    message: Annotated[dict[str, Any] | None, field(personal=True, labels=lv("Ziņa"))] = None
    """The whole prospect as it was read: all vehicles, prices, options, vendor and provider."""
    extensions: Annotated[list[dict[str, Any]] | None, field(personal=True, labels=lv("Papildinājumi"))] = None
    """What ADF has no place for, and values that fit no field: `{"path", "text"?, "attributes"?, "children"?}`."""


class TradeIn(Entity, name="trade_in", label="Trade-in", title="{make} {model} {model_year}", icon="repeat"):
    """A vehicle that a customer gives in part payment, and its appraisal. Its stage says how far that is."""

    contact: Annotated[Ref[Contact] | None, field(reverse="trade_ins", index=True, labels=lv("Klients"))] = None
    lead: Annotated[Ref[AutoLead] | None, field(reverse="trade_ins", index=True, labels=lv("Pieprasījums"))] = None
    external_key: Annotated[str | None, field(unique=True, max_length=320)] = None
    vehicle: Annotated[Ref[Vehicle] | None, field(reverse="trade_ins", labels=lv("Automašīna"))] = None
    vin: Annotated[str | None, field(max_length=40, index=True, search=True)] = None
    vin_note: Annotated[str | None, field(max_length=300, labels=lv("Piezīme par VIN"))] = None
    make: Make | None = None
    model: ModelName | None = None
    model_year: ModelYear | None = None
    trim: Trim | None = None
    odometer: Odometer | None = None
    odometer_unit: Annotated[star.OdometerUnit | None, field(labels=lv("Mērvienība"))] = None
    condition: Annotated[str | None, field(max_length=200, labels=lv("Stāvoklis"))] = None
    comments: Annotated[str | None, field(max_length=4000, labels=lv("Komentārs"))] = None
    appraised_value: Annotated[Money | None, field(labels=lv("Novērtējums"))] = None
    allowance: Annotated[Money | None, field(labels=lv("Ieskaita summa"))] = None
    """What the dealer gives for it."""
    payoff: Annotated[Money | None, field(labels=lv("Neatmaksātais kredīts"))] = None
    """What the customer still owes on it."""
    lienholder: Annotated[str | None, field(max_length=200, labels=lv("Kreditors"))] = None
    equity: Annotated[
        Money | None, field(formula="if(payoff is null, allowance, allowance - payoff)", labels=lv("Pašu kapitāls"))
    ] = None
    """What is left of the allowance; where it is negative, it is added to the financed amount."""
    valid_until: Annotated[date | None, field(labels=lv("Spēkā līdz"))] = None


class TestDrive(Entity, name="test_drive", title="{unit.stock_number} {starts_at}", icon="steering-wheel"):
    """A customer drives a unit (STAR appointment of type TEST_DRIVE). Its stage is the appointment status."""

    __test__ = False

    unit: Annotated[Ref[VehicleUnit], field(reverse="test_drives", labels=lv("Automašīna"))]
    contact: Annotated[Ref[Contact], field(reverse="test_drives", labels=lv("Klients"))]
    salesperson: Annotated[Ref[User] | None, field(reverse="test_drives", labels=lv("Pārdevējs"))] = None
    lead: Annotated[Ref[AutoLead] | None, field(reverse="test_drives", labels=lv("Pieprasījums"))] = None
    starts_at: Annotated[datetime, field(index=True, labels=lv("Sākums"))]
    ends_at: Annotated[datetime | None, field(index=True, labels=lv("Beigas"))] = None
    licence_checked: Annotated[bool, field(labels=lv("Vadītāja apliecība pārbaudīta"))] = False
    agreement_signed: Annotated[bool, field(labels=lv("Līgums parakstīts"))] = False
    plate: Annotated[str | None, field(max_length=20, labels=lv("Numura zīme"))] = None
    odometer_out: Annotated[int | None, field(ge=0, labels=lv("Odometrs izbraucot"))] = None
    odometer_in: Annotated[int | None, field(ge=0, labels=lv("Odometrs atgriežoties"))] = None
    route: Annotated[str | None, field(max_length=500, labels=lv("Maršruts"))] = None
    interest: Annotated[int | None, field(ge=1, le=5, labels=lv("Interese"))] = None
    comment: Annotated[str | None, field(max_length=2000, search=True, labels=lv("Atsauksme"))] = None
    sale: Annotated[Ref[VehicleUnit] | None, field(reverse="led_by", labels=lv("Pārdevums"))] = None
    """The unit this customer bought afterwards."""
