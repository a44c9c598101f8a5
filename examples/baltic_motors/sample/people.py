"""The people of the sample and their vehicles: teams and users, customers in four languages, companies."""

from __future__ import annotations

from datetime import timedelta

from .draws import LANGUAGES, WORDS, Draws, Record, latin

CUSTOMERS, CARS = 140, 110


class Dealer:
    """Everybody the dealership works with, as records to be created."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        words = WORDS["dealer"]
        self.teams: list[Record] = [{"id": draws.id(), "name": name} for name in words["teams"]]
        self.users = [self._user(person) for person in words["people"]]
        self.sales = [user for user in self.users if user["roles"] == ["car_sales"]]
        self.workshop = [user for user in self.users if user["roles"] == ["workshop"]]
        self.companies: list[Record] = [
            {"id": draws.id(), "name": name, "owner": draws.choice(self.sales)["id"]} for name in words["companies"]
        ]
        self.customers = [self._customer(number) for number in range(CUSTOMERS)]
        self.cars = [self._car() for _ in range(CARS)]

    def _user(self, person: Record) -> Record:
        return {
            "id": self._draws.id(),
            "login": person["login"],
            "name": person["name"],
            "email": f"{person['login']}@balticmotors.example.com",
            "roles": [person["role"]],
            "team": self.teams[person["team"]]["id"],
            "locale": "lv",
            "timezone": "Europe/Riga",
        }

    def _customer(self, number: int) -> Record:
        draws = self._draws
        language = draws.weighted({code: WORDS[code]["share"] for code in LANGUAGES})
        first, last = draws.choice(WORDS[language]["first"]), draws.choice(WORDS[language]["last"])
        return {
            "id": draws.id(),
            "first_name": first,
            "last_name": last,
            "email": f"{latin(first)}.{latin(last)}{number}@example.com",
            "phone": f"+3712{draws.choice('689')}{draws.randrange(10**6):06d}",
            "language": language,
            "source": draws.choice(WORDS["dealer"]["sources"]),
            "do_not_contact": draws.chance(6),
            "owner": draws.choice(self.sales)["id"],
            # What documents/fields/contact-customer.json adds:
            "licence_since": (draws.today - timedelta(days=draws.randint(400, 15000))).isoformat(),
            **({"loyalty": draws.choice(["bronze", "silver", "gold"])} if draws.chance(30) else {}),
        }

    def _car(self) -> Record:
        """A vehicle that a customer, or a company, keeps."""
        draws = self._draws
        car = vehicle(draws, draws.today.year - draws.randint(1, 11))
        odometer = (draws.today.year - car["model_year"]) * draws.randrange(9_000, 24_000)
        due = draws.today + timedelta(days=draws.randint(-20, 300))
        keeper = {"keeper": draws.choice(self.customers)["id"]}
        if draws.chance(12):
            keeper = {"keeper_company": draws.choice(self.companies)["id"]}
        return car | keeper | {
            "odometer": odometer,
            "plate": f"{''.join(draws.choices('ABCDEFGHJKLMNOPRSTUVZ', k=2))}-{draws.randint(1, 9999)}",
            "next_service_due": due.isoformat(),
            "next_service_odometer": odometer + draws.randrange(-500, 14_000),
            "inspection_until": (draws.today + timedelta(days=draws.randint(-10, 360))).isoformat(),
            "winter_tyres": draws.choice(["studded", "friction", "none"]),
        }  # fmt: skip


def vehicle(draws: Draws, year: int) -> Record:
    """A vehicle of a model year, and what documents/fields/vehicle-baltic.json adds."""
    kind = draws.choice(WORDS["models"])
    model = draws.choice(kind["names"])
    electric = model in ("EX30", "Enyaq", "ID.4", "EV6")
    technical = {"battery": draws.choice([58.0, 77.0, 82.5])} if electric else {"co2": draws.randint(110, 190)}
    return {
        "id": draws.id(),
        "vin": draws.vin(kind["wmi"], year),
        "make": kind["make"],
        "model": model,
        "model_year": year,
        "exterior_colour": draws.choice(["balta", "melna", "pelēka", "zila", "sarkana"]),
        "fuel": "electric" if electric else draws.choice(["petrol", "diesel", "hybrid"]),
        "first_registration": f"{year}-{draws.randint(1, 12):02d}-15",
        **technical,
    }


def new_price(car: Record) -> int:
    """What such a vehicle costs new."""
    return next(kind["price"] for kind in WORDS["models"] if kind["make"] == car["make"])
