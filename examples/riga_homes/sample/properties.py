"""The properties of the sample: where they are, what they are, what they cost, and how they are praised."""

from __future__ import annotations

from datetime import timedelta

from .draws import WORDS, Draws, Record, euros
from .people import Office

KINDS = {"Apartment": 72, "Single Family Residence": 16, "Townhouse": 7, "Unimproved Land": 5}


def listing(draws: Draws, office: Office) -> Record:
    """A listing as it is first written down: a draft in the stage Incomplete."""
    kind = draws.weighted(KINDS)
    agent, seller, district = (
        draws.choice(office.agents),
        draws.choice(office.contacts),
        draws.choice(WORDS["districts"]),
    )
    building = _land(draws) if kind == "Unimproved Land" else _building(draws, kind)
    size = building.get("living_area") or building["lot_size_area"] * 0.04
    return {
        "id": draws.id(),
        **_place(draws, district, apartment=kind == "Apartment"),
        **building,
        "property_type": "Land" if kind == "Unimproved Land" else "Residential",
        "property_sub_type": kind,
        "list_price": euros(size * district["price"] * draws.uniform(0.8, 1.25), step=500),
        "listing_agreement": draws.choice(["Exclusive Right To Sell", "Exclusive Agency", "Open"]),
        "expiration_date": (draws.today + timedelta(days=draws.randint(20, 200))).isoformat(),
        "list_agent": agent["id"],
        "owner": agent["id"],
        "seller": seller["id"],
        "occupant_type": draws.choice(["Owner", "Tenant", "Vacant"]),
        "showing_requirements": draws.choice([["Appointment Only"], ["24 Hour Notice", "Call Owner"], ["Lockbox"]]),
        "public_remarks": _remarks(draws, kind, building, district["name"], seller["language"]),
    }


def _place(draws: Draws, district: Record, *, apartment: bool) -> Record:
    street, number = draws.choice(district["streets"]), str(draws.randint(1, 140))
    unit = {"unit_number": str(draws.randint(1, 90))} if apartment else {}
    return {
        "street_name": street,
        "street_number": number,
        **unit,
        "city": district["city"],
        "city_region": district["name"],
        "postal_code": district["postal_code"],
        "country": "LV",
        "latitude": round(district["at"][0] + draws.uniform(-0.008, 0.008), 6),
        "longitude": round(district["at"][1] + draws.uniform(-0.014, 0.014), 6),
        "parcel_number": f"0100{draws.randrange(10**7):07d}",
    }


def _land(draws: Draws) -> Record:
    return {"lot_size_area": draws.randrange(600, 2400, 10), "lot_size_units": "Square Meters"}


def _building(draws: Draws, kind: str) -> Record:
    house = kind == "Single Family Residence"
    rooms = draws.randint(3, 7) if house else draws.randint(1, 5)
    new = draws.chance(18)
    lot = {"lot_size_area": draws.randrange(400, 1800, 10), "lot_size_units": "Square Meters"} if house else {}
    return {
        **lot,
        "rooms_total": rooms,
        "bedrooms_total": max(rooms - 1, 1),
        "bathrooms_total_integer": 2 if rooms > 3 else 1,
        "living_area": round(rooms * draws.uniform(16, 26), 1),
        "living_area_units": "Square Meters",
        "stories": 2 if kind != "Apartment" else draws.choice([5, 5, 9, 12, 16]),
        **({"entry_level": draws.randint(1, 5)} if kind == "Apartment" else {}),
        "year_built": draws.randint(2018, draws.today.year) if new else draws.randint(1905, 2005),
        "new_construction_yn": new,
        "garage_yn": draws.chance(70 if house else 20),
        "view": [draws.choice(["City", "Park/Greenbelt", "Neighborhood", "River"])],
        # What documents/fields/listing-riga.json adds:
        "building_series": "Jaunais projekts" if new else draws.choice(["103.", "119.", "602.", "Pirmskara"]),
        "energy_class": draws.choice("ABC" if new else "CDEF"),
        "management_fee": round(draws.uniform(15, 95), 2),
    }


def _remarks(draws: Draws, kind: str, building: Record, district: str, language: str) -> str:
    words = WORDS[language]
    lead = words["lead" if "rooms_total" in building else "lead_land"]
    area = building.get("living_area") or building["lot_size_area"]
    opening = lead.format(kind=words["kinds"][kind], rooms=building.get("rooms_total"), area=area, district=district)
    praise = words["praise" if "rooms_total" in building else "praise_land"]
    return " ".join([opening, *draws.sample(praise, k=2)])
