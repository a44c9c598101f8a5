"""Listings as the RESO Web API sends them: JSON with the names of the Data Dictionary, in and out.

RESO names no currency: amounts are those of the app's. What concerns the office alone, people and private remarks, is
left out.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, BinaryIO, get_type_hints

from crm_kernel import Answer, Change, Crm, Error, Importer, Request, Route

from .entities import Listing

_INSIDE = ("listing_id", "list_agent", "seller", "buyer", "private_remarks", "bathrooms_total_decimal")


def reso_name(name: str) -> str:
    """The name of a field in the Data Dictionary: `waterfront_yn` is `WaterfrontYN`."""
    return "".join("YN" if part == "yn" else part.capitalize() for part in name.split("_"))


NAMES = {reso_name(name): name for name in Listing.__annotations__ if name not in _INSIDE} | {"StandardStatus": "stage"}
"""Name in the Data Dictionary -> field."""
MONEY = {name for name, hint in get_type_hints(Listing).items() if "Money" in str(hint)}


def to_reso(listing: Mapping[str, Any]) -> dict[str, Any]:
    """A listing as a Property of the RESO Web API; fields without a value are left out."""
    found = {"ListingKey": listing["id"], "ListingId": listing["listing_id"]}
    for reso, name in NAMES.items():
        value = listing.get(name)
        if value is not None:
            found[reso] = value["amount"] if name in MONEY else value
    return found


def from_reso(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a listing that a Property of the RESO Web API tells; names that are not ours are passed over."""
    values = {NAMES[reso]: value for reso, value in sent.items() if reso in NAMES and value is not None}
    return {name: {"amount": value} if name in MONEY else value for name, value in values.items()}


async def read(file: BinaryIO, crm: Crm) -> AsyncIterator[Sequence[Change[Listing]] | Error]:
    """The listings of a RESO payload (`{"value": [...]}`), one source record each."""
    del crm
    try:
        sent = json.load(file)["value"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise Error("bad_value", 'This is no RESO payload; expected JSON: {"value": [...]}.') from error
    for item in sent if isinstance(sent, list) else []:
        if isinstance(item, dict):
            yield [Change.create(Listing, from_reso(item))]
        else:
            yield Error("invalid", "A Property is a JSON object.")


async def one(request: Request, crm: Crm) -> Answer:
    """One listing that the caller may read, as a Property."""
    if request.caller is None:
        raise Error("unauthenticated")
    listing = await crm.as_user(request.caller.id or "").get(Listing, request.params["id"])
    return Answer(to_reso(listing))


IMPORTERS = [
    Importer(
        name="reso",
        title="RESO Web API",
        entity="listing",
        suffixes=[".reso.json"],
        media_types=["application/json"],
        read=read,
    )
]
ROUTES = [Route(method="GET", path="/Property/{id}", handle=one, summary="A listing as a Property of the RESO Web API")]
