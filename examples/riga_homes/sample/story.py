"""What happened in the office, week by week: the way of each listing, its viewings and offers, calls and leases.

Time is counted in weeks before now. Within a week things happen in the order of `PHASES`, three hours apart, so a
listing is on the market before it is shown, and shown before somebody makes an offer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .draws import LANGUAGES, WORDS, ZONE, Draws, Record, euros
from .people import Office
from .properties import listing

Change = dict[str, Any]
When = tuple[int, str]
"""A week and a phase of it."""

LISTINGS, VIEWINGS, LEASES, WEEKS = 520, 1100, 14, 48
BATCH = 500
WEEK, STEP = timedelta(weeks=1), timedelta(hours=3)

PHASES = (
    "people", "led", "contacts", "wanted", "drafted", "teased", "active", "reduced", "booked", "confirmed", "held",
    "offered", "submitted", "countered", "answered", "off", "closed", "rest",
)  # fmt: skip

ENDS = {
    "Active": 47, "Closed": 22, "Pending": 7, "Active Under Contract": 6, "Hold": 5, "Withdrawn": 4, "Expired": 3,
    "Canceled": 3, "Coming Soon": 2, "Incomplete": 1,
}  # fmt: skip
SOLD = ("Pending", "Active Under Contract", "Closed")
FEEDBACK = {1: ["too high"], 2: ["too high"], 3: ["too high", "fair"], 4: ["fair"], 5: ["fair", "too low"]}


class Batch(NamedTuple):
    """Changes of one entity that were made at one moment."""

    at: datetime
    entity: str
    changes: list[Change]


class Way(NamedTuple):
    """A listing, the stage it ended in, and the weeks when it came on the market and left it (-1: not yet)."""

    record: Record
    end: str
    came: int
    left: int

    @property
    def price(self) -> int:
        return self.record["list_price"]["amount"]


class Story:
    """One run of the generator. Each `_tell_*` method adds changes to the weeks in which they were made."""

    def __init__(self, draws: Draws, office: Office) -> None:
        self._draws = draws
        self._office = office
        self._weeks: dict[tuple[int, str, str], list[Change]] = defaultdict(list)
        self._taken: set[tuple[str, datetime]] = set()
        self._tell_people()
        self._ways = [self._tell_listing(end) for end in self._ends()]
        self._tell_viewings()
        self._tell_activities()
        self._tell_leases()

    def batches(self) -> Iterator[Batch]:
        """All of it, oldest first."""
        order = sorted(self._weeks, key=lambda key: (-key[0], PHASES.index(key[1])))
        for week, phase, entity in order:
            changes = self._weeks[week, phase, entity]
            for start in range(0, len(changes), BATCH):
                yield Batch(self._moment(week, phase), entity, changes[start : start + BATCH])

    def _moment(self, week: int, phase: str) -> datetime:
        return self._draws.now - week * WEEK - (len(PHASES) - 1 - PHASES.index(phase)) * STEP

    # What can be done to a record ------------------------------------------------------------------------------------

    def _create(self, when: When, entity: str, values: Record) -> None:
        self._weeks[*when, entity].append({"create": {"values": values}})

    def _update(self, when: When, entity: str, record: Record, **values: Any) -> None:
        self._weeks[*when, entity].append({"update": {"id": record["id"], "values": values}})

    def _move(self, when: When, entity: str, record: Record, to: str, **values: Any) -> None:
        reason = values.pop("reason", None)
        move = {"id": record["id"], "to": to} | ({"reason": reason} if reason else {})
        self._weeks[*when, entity].append({"move": move | ({"values": values} if values else {})})

    # What happened ---------------------------------------------------------------------------------------------------

    def _tell_people(self) -> None:
        office = self._office
        people: Iterable[tuple[str, str, list[Record]]] = (
            ("people", "team", office.teams),
            ("people", "user", office.users),
            ("contacts", "contact", office.contacts),
            ("wanted", "buyer_requirement", office.requirements),
        )
        for phase, entity, records in people:
            for record in records:
                self._create((WEEKS, phase), entity, record)
        for team in office.teams:
            self._update((WEEKS, "led"), "team", team, lead=office.manager["id"])

    def _ends(self) -> list[str]:
        """The stage that each listing ends in."""
        ends = [end for end, share in ENDS.items() for _ in range(LISTINGS * share // 100)]
        ends += ["Active"] * (LISTINGS - len(ends))
        self._draws.shuffle(ends)
        return ends

    def _tell_listing(self, end: str) -> Way:
        """How a listing came on the market, and how it left it, but for the sold ones: those wait for their offer."""
        draws, record = self._draws, listing(self._draws, self._office)
        if end in ("Incomplete", "Coming Soon"):
            drafted = draws.randint(0, 3)
            self._create((drafted, "drafted"), "listing", record)
            if end == "Coming Soon":
                self._move((drafted, "teased"), "listing", record, end)
            return Way(record, end, -1, -1)
        came = draws.randint(4, WEEKS - 2)
        left = -1 if end == "Active" else draws.randint(0, came - 3)
        self._create((came + 1, "drafted"), "listing", record)
        if draws.chance(15):
            self._move((came + 1, "teased"), "listing", record, "Coming Soon")
        self._move((came, "active"), "listing", record, "Active")
        if draws.chance(18):
            reduced = euros(_price(record) * 0.95, step=500)
            self._update((max(left + 1, 0), "reduced"), "listing", record, list_price=reduced)
        if end == "Active" and draws.chance(8):
            self._move((2, "off"), "listing", record, "Hold")
            self._move((1, "closed"), "listing", record, "Active")
        elif end not in ("Active", *SOLD):
            self._move((left, "off"), "listing", record, end)
        return Way(record, end, came, left)

    def _tell_viewings(self) -> None:
        """A held viewing and an accepted offer for each sold listing; the other viewings at random, a third of them
        still to come."""
        draws = self._draws
        shown = [way for way in self._ways if way.came >= 0]
        on_market = [way for way in shown if way.end == "Active"]
        sold = [way for way in shown if way.end in SOLD]
        for way in sold:
            self._tell_sale(way, self._tell_viewing(way, "completed"))
        for _ in range(VIEWINGS - len(sold)):
            if draws.chance(33):
                self._tell_viewing(draws.choice(on_market), draws.choice(["requested", "confirmed"]))
                continue
            way = draws.choice(shown)
            end = draws.weighted({"completed": 78, "cancelled": 14, "no_show": 5, "denied": 3})
            viewing = self._tell_viewing(way, end)
            if end == "completed" and way in on_market and draws.chance(25):
                self._tell_offer(
                    way, viewing, 0, draws.choice(["draft", "submitted", "countered", "rejected", "withdrawn"])
                )

    def _tell_viewing(self, way: Way, end: str) -> Record:
        draws = self._draws
        ahead = end in ("requested", "confirmed")
        # Booked while the listing is shown, held in the week after.
        week = 0 if ahead else draws.randint(way.left + 1 if way.left >= 0 else 1, way.came)
        # A week ago some listings were taking a rest (see `_tell_listing`).
        week = 2 if week == 1 and way.left < 0 else week
        agent = way.record["list_agent"] if draws.chance(85) else draws.choice(self._office.agents)["id"]
        starts = self._slot(way, agent, week, weeks=3 if ahead else 1)
        viewing = {
            "id": draws.id(),
            "listing": way.record["id"],
            "buyer": draws.choice(self._office.buyers)["id"],
            "agent": agent,
            "owner": agent,
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(minutes=30)).isoformat(),
            "request_type": "First" if draws.chance(80) else "Second",
            "method": "Virtual" if draws.chance(8) else "In-Person",
        }
        self._create((week, "booked"), "viewing", viewing)
        self._tell_end(week, viewing, end)
        return viewing

    def _tell_end(self, week: int, viewing: Record, end: str) -> None:
        if end == "denied":
            self._move((week, "confirmed"), "viewing", viewing, end)
        if end == "cancelled":
            reason = self._draws.choice(["buyer withdrew", "sold elsewhere", "no answer"])
            self._move((week, "held"), "viewing", viewing, end, reason=reason)
        if end in ("confirmed", "completed", "no_show"):
            self._move((week, "confirmed"), "viewing", viewing, "confirmed")
        if end == "completed":
            self._move((week - 1, "held"), "viewing", viewing, end, **self._feedback())
        if end == "no_show":
            self._move((week - 1, "held"), "viewing", viewing, end)

    def _slot(self, way: Way, agent: str, week: int, weeks: int) -> datetime:
        """A free half hour between nine and seven of the listing and of the agent, in the weeks after a booking."""
        first = self._moment(week, PHASES[-1]) + timedelta(hours=25)
        last = self._moment(week - weeks, "held") - timedelta(minutes=30)
        while True:
            day = first + self._draws.random() * (last - first)
            half = self._draws.randrange(20)
            starts = datetime(day.year, day.month, day.day, 9 + half // 2, half % 2 * 30, tzinfo=ZONE)
            places = {(way.record["id"], starts), (agent, starts)}
            if first <= starts <= last and not places & self._taken:
                self._taken |= places
                return starts

    def _feedback(self) -> Record:
        interest = self._draws.choices(list(FEEDBACK), [10, 20, 30, 25, 15])[0]
        words = WORDS[self._draws.choice(LANGUAGES)]["comments"]
        comment = {"comment": self._draws.choice(words)} if self._draws.chance(60) else {}
        return {"interest": interest, "price_opinion": self._draws.choice(FEEDBACK[interest]), **comment}

    def _tell_sale(self, way: Way, viewing: Record) -> None:
        """The accepted offer takes the listing to Pending by itself; from there it goes on."""
        amount = self._tell_offer(way, viewing, way.left, "accepted")["amount"]
        if way.end == "Active Under Contract":
            self._move((way.left, "off"), "listing", way.record, way.end, buyer=viewing["buyer"])
        if way.end == "Pending":
            self._update((way.left, "off"), "listing", way.record, buyer=viewing["buyer"])
        if way.end == "Closed":
            week = max(way.left - self._draws.randint(2, 7), 0)
            day = self._moment(week, "closed").date().isoformat()
            values = {"close_date": day, "close_price": amount, "buyer": viewing["buyer"]}
            self._move((week, "closed"), "listing", way.record, "Closed", **values)

    def _tell_offer(self, way: Way, viewing: Record, week: int, end: str) -> Record:
        draws = self._draws
        amount = euros(_price(way.record) * draws.uniform(0.9, 1.01), step=500)
        offer = {
            "id": draws.id(),
            "listing": way.record["id"],
            "buyer": viewing["buyer"],
            "amount": amount,
            "deposit": euros(amount["amount"] * 0.1),
            "financing": draws.choice(["Cash", "Conventional", "Conventional"]),
            "contingencies": draws.choice([[], ["bankas kredīts"], ["продажа своей квартиры"]]),
            "owner": way.record["list_agent"],
        }
        self._create((week, "offered"), "offer", offer)
        if end != "draft":
            self._move((week, "submitted"), "offer", offer, "submitted")
        if end == "countered" or (end in ("accepted", "rejected") and draws.chance(30)):
            self._move((week, "countered"), "offer", offer, "countered")
        if end in ("accepted", "rejected", "withdrawn"):
            self._move((week, "answered"), "offer", offer, end)
        return offer

    def _tell_activities(self) -> None:
        """Calls, letters and notes, and tasks that are still to be done."""
        draws = self._draws
        for contact in draws.sample(self._office.contacts, k=180):
            week = draws.randint(0, 16)
            done = {"done_at": (self._moment(week, "rest") - timedelta(minutes=draws.randrange(600))).isoformat()}
            todo = {"due_at": (draws.now + timedelta(days=draws.randint(1, 14))).isoformat()}
            kind = draws.choice(["call", "call", "email", "note", "task"])
            when = todo if kind == "task" and week < 3 else done
            subject = draws.choice(WORDS[contact["language"]]["subjects"])
            note = {"type": kind, "subject": subject, "about": contact["id"], "owner": contact["owner"]}
            self._create((week, "rest"), "activity", note | when)

    def _tell_leases(self) -> None:
        """Records of the entity that documents/entities/lease.json declares."""
        draws = self._draws
        homes = [way.record for way in self._ways if "rooms_total" in way.record]
        for home in draws.sample(homes, k=LEASES):
            starts = draws.today - timedelta(days=draws.randint(0, 300))
            lease = {
                "listing": home["id"],
                "tenant": draws.choice(self._office.contacts)["id"],
                "rent": euros(home["living_area"] * draws.uniform(7, 13)),
                "starts_on": starts.isoformat(),
                "ends_on": (starts + timedelta(days=365)).isoformat(),
                "owner": home["list_agent"],
            }
            self._create((0, "rest"), "lease", lease)


def _price(record: Record) -> int:
    return record["list_price"]["amount"]
