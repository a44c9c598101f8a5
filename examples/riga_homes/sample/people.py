"""The people of the sample: teams and users, contacts in three languages, what buyers look for."""

from __future__ import annotations

from .draws import LANGUAGES, WORDS, Draws, Record, euros, latin

CONTACTS, REQUIREMENTS = 320, 90


class Office:
    """Everybody the office works with, as records to be created."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self.teams: list[Record] = [{"id": draws.id(), "name": name} for name in WORDS["office"]["teams"]]
        self.users = [self._user(person) for person in WORDS["office"]["people"]]
        self.manager = self.users[0]
        self.agents = [user for user in self.users if user["roles"] == ["agent"]]
        self.contacts = [self._contact(number) for number in range(CONTACTS)]
        self.buyers = [contact for contact in self.contacts if "budget" in contact]
        self.requirements = [self._requirement(contact) for contact in self.buyers[:REQUIREMENTS]]

    def _user(self, person: Record) -> Record:
        return {
            "id": self._draws.id(),
            "login": person["login"],
            "name": person["name"],
            "email": f"{person['login']}@rigahomes.example.com",
            "roles": [person["role"]],
            "team": self.teams[person["team"]]["id"],
            "locale": person["locale"],
            "timezone": "Europe/Riga",
        }

    def _contact(self, number: int) -> Record:
        draws = self._draws
        language = draws.weighted({code: WORDS[code]["share"] for code in LANGUAGES})
        woman = draws.chance(50)
        first = draws.choice(WORDS[language]["female" if woman else "male"])
        last = draws.choice(WORDS[language]["surnames"])[woman]
        person = {
            "id": draws.id(),
            "first_name": first,
            "last_name": last,
            "email": f"{latin(first)}.{latin(last)}{number}@example.com",
            "phone": f"+3712{draws.choice('689')}{draws.randrange(10**6):06d}",
            "language": language,
            "labels": draws.sample(WORDS["office"]["labels"], k=1) if draws.chance(25) else [],
            "source": draws.choice(WORDS["office"]["sources"]),
            "owner": draws.choice(self.agents)["id"],
        }
        return person | (self._buyer() if draws.chance(62) else {})

    def _buyer(self) -> Record:
        """What `documents/fields/contact-buyer.json` adds."""
        budget = self._draws.randrange(60, 420, 5) * 1000
        if self._draws.chance(35):
            return {"budget": budget, "purchase_type": "cash"}
        return {"budget": budget, "purchase_type": "mortgage", "bank": self._draws.choice(WORDS["office"]["banks"])}

    def _requirement(self, contact: Record) -> Record:
        draws = self._draws
        districts = draws.sample(WORDS["districts"], k=draws.randint(1, 4))
        wishes = [
            {"field": "garage_yn", "equals": True, "weight": draws.randint(1, 5)},
            {"field": "view", "equals": "Park/Greenbelt", "weight": draws.randint(1, 3)},
            {"field": "year_built", "at_least": 2000, "weight": draws.randint(1, 5)},
            {"field": "new_construction_yn", "equals": True, "weight": 2},
        ]
        return {
            "id": draws.id(),
            "contact": contact["id"],
            "property_types": ["Residential"],
            "property_sub_types": ["Single Family Residence", "Townhouse"] if draws.chance(25) else ["Apartment"],
            "min_price": euros(contact["budget"] * 0.5),
            "max_price": euros(contact["budget"]),
            "price_tolerance": draws.choice([0, 5, 10]),
            "min_bedrooms": draws.randint(1, 3),
            "districts": [district["name"] for district in districts],
            "min_living_area": draws.choice([20, 30, 45, 60]),
            "wishes": draws.sample(wishes, k=draws.randint(0, 3)),
            "owner": contact["owner"],
        }
