"""What happened in the dealership, week by week: stock, leads, test drives, the workshop.

Time is counted in weeks before now. Within a week things happen in the order of `PHASES`, four hours apart, so a unit
is available before it is driven, and driven before it is sold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .draws import WORDS, ZONE, Draws, Record, euros
from .people import Dealer, new_price, vehicle

Change = dict[str, Any]
When = tuple[int, str]
"""A week and a phase of it."""

UNITS, LEADS, DRIVES, JOBS, TYRES, WEEKS = 70, 90, 110, 80, 25, 26
BATCH = 500
WEEK, STEP = timedelta(weeks=1), timedelta(hours=4)

PHASES = (
    "people", "customers", "ordered", "IN_TRANSIT", "RECEIVED", "PREPARATION", "AVAILABLE", "held", "lead", "working",
    "booked", "CONFIRMED", "ARRIVED", "IN_PROGRESS", "FULFILLED", "answered", "PRE_SOLD", "SOLD", "qualified", "job",
    "VEHICLE_RECEIVED", "lines", "EVALUATION", "PROPOSAL_BUILD", "AWAITING_CUSTOMER_AUTHORIZATION", "authorized",
    "WORK_IN_PROGRESS", "QUALITY_ASSURANCE", "COMPLETED", "INVOICE", "CHECKOUT", "VEHICLE_DELIVERED", "CLOSED", "rest",
)  # fmt: skip
JOB_STAGES = (
    "VEHICLE_RECEIVED", "EVALUATION", "PROPOSAL_BUILD", "AWAITING_CUSTOMER_AUTHORIZATION", "WORK_IN_PROGRESS",
    "QUALITY_ASSURANCE", "COMPLETED", "INVOICE", "CHECKOUT", "VEHICLE_DELIVERED", "CLOSED",
)  # fmt: skip
ON_THE_WAY = ("IN_TRANSIT", "RECEIVED", "PREPARATION", "AVAILABLE")


class Batch(NamedTuple):
    """Changes of one entity that were made at one moment."""

    at: datetime
    entity: str
    changes: list[Change]


class Unit(NamedTuple):
    """A unit, its vehicle, and the weeks when it came on the lot and was sold (-1: not yet)."""

    record: Record
    vehicle: Record
    came: int
    left: int


class Story:
    """One run of the generator. Each `_tell_*` method adds changes to the weeks in which they were made."""

    def __init__(self, draws: Draws, dealer: Dealer) -> None:
        self._draws = draws
        self._dealer = dealer
        self._weeks: dict[tuple[int, str, str], list[Change]] = defaultdict(list)
        self._taken: set[tuple[str, datetime]] = set()
        self._tell_people()
        self._units = [self._tell_unit() for _ in range(UNITS)]
        for unit in self._units:
            if unit.left >= 0:
                self._tell_sale(unit)
        self._tell_drives()
        for _ in range(LEADS):
            self._tell_lead()
        for _ in range(JOBS):
            self._tell_job()
        self._tell_rest()

    def batches(self) -> Iterator[Batch]:
        """All of it, oldest first."""
        order = sorted(self._weeks, key=lambda key: (-key[0], PHASES.index(key[1])))
        for week, phase, entity in order:
            changes = self._weeks[week, phase, entity]
            for start in range(0, len(changes), BATCH):
                yield Batch(self._moment(week, phase), entity, changes[start : start + BATCH])

    def _moment(self, week: int, phase: str) -> datetime:
        return self._draws.now - week * WEEK - (len(PHASES) - 1 - PHASES.index(phase)) * STEP

    def _create(self, when: When, entity: str, values: Record) -> None:
        self._weeks[*when, entity].append({"create": {"values": values}})

    def _move(self, when: When, entity: str, record: Record, to: str, **values: Any) -> None:
        reason = {"reason": values.pop("reason")} if "reason" in values else {}
        self._weeks[*when, entity].append({"move": {"id": record["id"], "to": to, "values": values, **reason}})

    def _tell_people(self) -> None:
        dealer = self._dealer
        for entity, records in (("team", dealer.teams), ("user", dealer.users), ("company", dealer.companies)):
            for record in records:
                self._create((WEEKS, "people"), entity, record)
        for entity, records in (("contact", dealer.customers), ("vehicle", dealer.cars)):
            for record in records:
                self._create((WEEKS, "customers"), entity, record)

    def _tell_unit(self) -> Unit:
        """How a unit came: new ones from the maker, used ones straight to the lot."""
        draws = self._draws
        new = draws.chance(45)
        came = draws.randint(1, WEEKS - 2)
        left = draws.randint(0, came - 4) if came > 6 and draws.chance(55) else -1
        age = 0 if new else draws.randint(2, 8)
        car = vehicle(draws, draws.today.year - age)
        price = new_price(car) * 0.88**age
        unit = {
            "id": draws.id(),
            "vehicle": car["id"],
            "condition": "new" if new else draws.choice(["used", "used", "certified", "demo"]),
            "price": euros(price * draws.uniform(0.95, 1.15), step=100),
            "cost": euros(price * 0.9, step=10),
            "location": draws.choice(["Rīga", "Rīga", "Tallinn", "Kaunas"]),
            "owner": draws.choice(self._dealer.sales)["id"],
        }
        self._create((came + 1, "customers"), "vehicle", car)
        self._create((came + 1, "ordered"), "vehicle_unit", unit | ({} if new else {"stage": "RECEIVED",
                     "received_on": self._moment(came + 1, "ordered").date().isoformat()}))  # fmt: skip
        for stage in ON_THE_WAY if new else ON_THE_WAY[2:]:
            week = came + 1 if stage in ON_THE_WAY[:2] else came
            self._move((week, stage), "vehicle_unit", unit, stage)
        if left < 0 and draws.chance(20):
            held = draws.choice(["RECALL_HOLD", "ON_HOLD", "SERVICE_HOLD"])
            recall = {"recall": "R-2025-07"} if held == "RECALL_HOLD" else {}
            self._move((0, "rest"), "vehicle_unit", unit, held, **recall)
        return Unit(unit, car, came, left)

    def _tell_sale(self, unit: Unit) -> None:
        """A buyer drove it the week before, and bought it."""
        draws, buyer = self._draws, self._draws.choice(self._dealer.customers)
        self._tell_drive(unit, buyer, unit.left + 1, "FULFILLED", interest=5)
        price = euros(unit.record["price"]["amount"] * draws.uniform(0.94, 1.0), step=50)
        self._move((unit.left, "PRE_SOLD"), "vehicle_unit", unit.record, "PRE_SOLD", buyer=buyer["id"])
        self._move((unit.left, "SOLD"), "vehicle_unit", unit.record, "SOLD", sold_price=price)

    def _tell_drives(self) -> None:
        draws = self._draws
        here = [unit for unit in self._units if unit.left < 0]
        for _ in range(DRIVES):
            customer = draws.choice(self._dealer.customers)
            if draws.chance(15):
                self._tell_drive(draws.choice(here), customer, 0, draws.choice(["REQUESTED", "CONFIRMED"]))
                continue
            unit = draws.choice([unit for unit in self._units if unit.came > max(unit.left, 0) + 2])
            week = draws.randint(max(unit.left, 0) + 2, unit.came)
            end = draws.weighted({"FULFILLED": 76, "CANCELLED": 12, "NO_SHOW": 8, "DECLINED": 4})
            self._tell_drive(unit, customer, week, end)

    def _tell_drive(self, unit: Unit, customer: Record, week: int, end: str, **told: Any) -> None:
        """Booked in a week, driven in the week after, before its `CONFIRMED`."""
        draws = self._draws
        seller = draws.choice(self._dealer.sales)["id"]
        starts = self._slot(unit, seller, week, ahead=end in ("REQUESTED", "CONFIRMED"))
        drive = {
            "id": draws.id(),
            "unit": unit.record["id"],
            "contact": customer["id"],
            "salesperson": seller,
            "owner": seller,
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(minutes=45)).isoformat(),
            "route": "Krasta iela – Salu tilts – Jūrmalas šoseja",
        }
        self._create((week, "booked"), "test_drive", drive)
        if end in ("DECLINED", "CANCELLED"):
            reason = {"reason": "customer"} if end == "CANCELLED" else {}
            self._move((week, "answered"), "test_drive", drive, end, **reason)
        if end in ("CONFIRMED", "NO_SHOW", "FULFILLED"):
            self._move((week, "CONFIRMED"), "test_drive", drive, "CONFIRMED")
        if end == "NO_SHOW":
            self._move((week - 1, "answered"), "test_drive", drive, end)
        if end == "FULFILLED":
            out = draws.randrange(20, 60_000)
            self._move((week - 1, "ARRIVED"), "test_drive", drive, "ARRIVED")
            ready = {"licence_checked": True, "agreement_signed": True, "plate": f"TR-{draws.randint(1, 40)}"}
            self._move((week - 1, "IN_PROGRESS"), "test_drive", drive, "IN_PROGRESS", odometer_out=out, **ready)
            comment = draws.choice(WORDS[customer["language"]]["comments"])
            felt = {"odometer_in": out + draws.randint(6, 40), "interest": draws.randint(1, 5), "comment": comment}
            self._move((week - 1, "FULFILLED"), "test_drive", drive, "FULFILLED", **(felt | told))

    def _slot(self, unit: Unit, seller: str, week: int, *, ahead: bool) -> datetime:
        """A free hour between nine and six of the unit and of the salesperson, after a booking."""
        first = self._moment(week, "CONFIRMED") + timedelta(hours=1)
        last = self._moment(week - 2 if ahead else week - 1, "ARRIVED") - timedelta(hours=1)
        while True:
            day = first + self._draws.random() * (last - first)
            starts = datetime(day.year, day.month, day.day, 9 + self._draws.randrange(9), tzinfo=ZONE)
            places = {(unit.record["id"], starts), (seller, starts)}
            if first <= starts <= last and not places & self._taken:
                self._taken |= places
                return starts

    def _tell_lead(self) -> None:
        draws = self._draws
        unit, customer = draws.choice(self._units), draws.choice(self._dealer.customers)
        week = draws.randint(0, WEEKS - 3)
        source = draws.choice(WORDS["dealer"]["sources"])
        lead = {
            "id": draws.id(),
            "requested_at": self._moment(week, "lead").isoformat(),
            "source": source,
            "source_type": {"ieteikums": "REFERRAL", "Autosalons 2025": "EVENT_SHOW"}.get(source, "PARTNER_PROGRAM"),
            "name": f"{customer['first_name']} {customer['last_name']}",
            "email": customer["email"],
            "phone": customer["phone"],
            "interest": draws.choice(["buy", "buy", "lease", "test-drive"]),
            **{name: unit.vehicle[name] for name in ("make", "model", "model_year")},
            "comments": draws.choice(WORDS[customer["language"]]["wishes"]),
            "owner": None if week == 0 else customer["owner"],
        }
        self._create((week, "lead"), "auto_lead", lead)
        if draws.chance(25):
            self._create((week, "lead"), "trade_in", self._trade_in(lead, customer))
        end = "new" if week == 0 else draws.weighted({"working": 25, "qualified": 35, "disqualified": 40})
        if end != "new":
            self._move((week, "working"), "auto_lead", lead, "working")
        if end == "qualified":
            self._move((week - 1, "qualified"), "auto_lead", lead, end)
        if end == "disqualified":
            reason = draws.choice(["price", "competitor", "no response", "timing"])
            self._move((week - 1, "qualified"), "auto_lead", lead, end, reason=reason)

    def _trade_in(self, lead: Record, customer: Record) -> Record:
        draws = self._draws
        old = vehicle(draws, draws.today.year - draws.randint(4, 14))
        worth = new_price(old) * draws.uniform(0.1, 0.5)
        return {
            "lead": lead["id"],
            "contact": customer["id"],
            **{name: old[name] for name in ("vin", "make", "model", "model_year")},
            "odometer": draws.randrange(40_000, 260_000),
            "odometer_unit": "km",
            "appraised_value": euros(worth, step=50),
            "allowance": euros(worth, step=100),
            **({"payoff": euros(worth * draws.uniform(0.2, 1.4), step=10)} if draws.chance(40) else {}),
            "stage": draws.choice(["appraised", "offered", "accepted", "declined"]),
            "owner": customer["owner"],
        }

    def _tell_job(self) -> None:
        """A visit to the workshop, and how far it is: those of this week are still going on."""
        draws, car = self._draws, self._draws.choice(self._dealer.cars)
        week = draws.randint(0, WEEKS - 3)
        advisor = draws.choice(self._dealer.workshop)["id"]
        job = {
            "id": draws.id(),
            "vehicle": car["id"],
            **({"contact": car["keeper"]} if "keeper" in car else {"company": car["keeper_company"]}),
            "advisor": advisor,
            "owner": advisor,
            "concern": draws.choice(WORDS["dealer"]["concerns"]),
        }
        self._create((week, "job"), "workshop_job", job)
        done = JOB_STAGES if week else JOB_STAGES[: draws.randint(0, 6)]
        for stage in done:
            self._move((week, stage), "workshop_job", job, stage)
        if not done:
            return
        for work in draws.sample(WORDS["labour"], k=draws.randint(1, 3)):
            line = {
                "id": draws.id(),
                "job": job["id"],
                **work,
                "complaint": job["concern"],
                "pay_type": "MANUFACTURER" if work["type"] == "RECALL" else "CUSTOMER_PAY",
                "rate": {"amount": 62.5, "currency": "EUR"},
                "technician": draws.choice(self._dealer.workshop)["id"],
            }
            self._create((week, "lines"), "labor_line", line)
            answer = {"authorization": "APPROVED", "authorization_method": "phone", "status": "COMPLETED"}
            if draws.chance(15):
                answer = {"authorization": "DECLINED", "status": draws.choice(["DECLINED", "DEFERRED"])}
            if "WORK_IN_PROGRESS" in done:
                self._weeks[week, "authorized", "labor_line"].append({"update": {"id": line["id"], "values": answer}})

    def _tell_rest(self) -> None:
        """Records of the entity that documents/entities/tyre_set.json declares."""
        draws = self._draws
        for car in draws.sample(self._dealer.cars, k=TYRES):
            stored = {"stage": "stored", "shelf": f"{draws.choice('ABCD')}-{draws.randint(1, 40)}"}
            tyres = {
                "vehicle": car["id"],
                "season": draws.choice(["summer", "winter"]),
                "tread": draws.randint(30, 80) / 10,
            }
            self._create((0, "rest"), "tyre_set", tyres | (stored if draws.chance(80) else {}))
