"""ADF 1.0, the Auto-lead Data Format: a message to prospects, as leniently as senders ask for.

`read` takes the bytes of an XML file or of a mail. What the format has no place for is kept as extensions: elements and
attributes by their path. Values are left as they were written; `intake` makes fields of them. Pure: no kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .adf_model import (
    Amount,
    Colours,
    Extension,
    Id,
    Interest,
    Option,
    Party,
    Person,
    Phone,
    Prospect,
    Vehicle,
)
from .adf_text import AdfError as AdfError
from .adf_text import find_document
from .adf_tree import Node, parse

_INTERESTS: Mapping[str, Interest] = {
    "buy": "buy",
    "purchase": "buy",
    "lease": "lease",
    "sell": "sell",
    "tradein": "trade-in",
    "trade": "trade-in",
    "testdrive": "test-drive",
}

_CONTACT = "name email phone address id"
_CHILDREN: Mapping[str, frozenset[str]] = {
    tag: frozenset(children.split())
    for tag, children in {
        "prospect": "id requestdate vehicle customer vendor provider",
        "vehicle": "id year make model vin stock trim doors bodystyle transmission odometer condition colorcombination"
        " imagetag price pricecomments option finance comments",
        "colorcombination": "interiorcolor exteriorcolor preference",
        "option": "optionname manufacturercode stock weighting price",
        "finance": "method amount balance",
        "customer": "contact id timeframe comments",
        "timeframe": "description earliestdate latestdate",
        "vendor": "id vendorname url contact",
        "provider": "id name service url email phone contact",
        "contact": _CONTACT,
        "address": "street apartment city regioncode postalcode country",
    }.items()
}
_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    tag: frozenset(names.split())
    for tag, names in {
        "prospect": "status",
        "id": "sequence source",
        "vehicle": "interest status",
        "odometer": "status units",
        "imagetag": "width height alttext",
        "price": "type currency delta relativeto source",
        "amount": "type limit currency",
        "balance": "type currency",
        "name": "part type",
        "email": "preferredcontact",
        "phone": "type time preferredcontact",
        "address": "type",
        "street": "line",
    }.items()
}


def read(data: bytes) -> list[Prospect]:
    """The prospects of a message, one at least. Raises `AdfError` for what is no ADF, or hostile."""
    root = parse(find_document(data))
    nodes = [root] if root.tag == "prospect" else root.all("prospect")
    if not nodes:
        raise AdfError(("/adf", "The message has no <prospect>."))
    return [_prospect(node) for node in nodes]


def _prospect(node: Node) -> Prospect:
    customer = node.one("customer")
    return Prospect(
        path=node.path,
        is_resend=(node.attribute("status") or "").lower() == "resend",
        ids=_ids(node),
        requested=node.value("requestdate"),
        vehicles=[_vehicle(vehicle) for vehicle in node.all("vehicle") if len(vehicle.element)],
        customer=_person(customer.one("contact") or customer) if customer else Person(),
        timeframe=_texts(customer and customer.one("timeframe"), "description", "earliestdate", "latestdate"),
        comments=customer and customer.value("comments"),
        vendor=_party(node.one("vendor"), "vendorname"),
        provider=_party(node.one("provider"), "name"),
        extensions=list(_extensions(node, "")),
    )


def _party(node: Node | None, name: str) -> Party:
    if node is None:
        return Party()
    contact = _person(node.one("contact") or node)
    if node.one("contact") is None:
        contact.names.clear()  # that is the party's own
    return Party(node.value(name) or contact.name, node.value("service"), _ids(node), node.value("url"), contact)


def _vehicle(node: Node) -> Vehicle:
    odometer, finance = node.one("odometer"), node.one("finance")
    interest = "".join(filter(str.isalpha, (node.attribute("interest") or "").lower()))
    return Vehicle(
        interest=_INTERESTS.get(interest, "buy"),
        status=(node.attribute("status") or "").lower() or None,
        ids=_ids(node),
        **{name: node.value(name) for name in ("year", "make", "model", "vin", "stock", "trim", "doors")},
        body=node.value("bodystyle"),
        transmission=node.value("transmission"),
        odometer=odometer and odometer.text,
        odometer_units=odometer and odometer.attribute("units"),
        odometer_status=odometer and odometer.attribute("status"),
        condition=node.value("condition"),
        colours=[
            Colours(colour.value("interiorcolor"), colour.value("exteriorcolor"), colour.value("preference"))
            for colour in node.all("colorcombination")
        ],
        images=[image.text for image in node.all("imagetag") if image.text],
        prices=_amounts(node, "price"),
        price_comments=node.value("pricecomments"),
        options=[_option(option) for option in node.all("option")],
        finance_method=finance and finance.value("method"),
        finance=_amounts(finance, "amount") if finance else [],
        balance=next(iter(_amounts(finance, "balance")), None) if finance else None,
        comments=node.value("comments"),
    )


def _option(node: Node) -> Option:
    return Option(
        name=node.value("optionname"),
        code=node.value("manufacturercode"),
        stock=node.value("stock"),
        weighting=node.value("weighting"),
        price=next(iter(_amounts(node, "price")), None),
    )


def _amounts(node: Node, tag: str) -> list[Amount]:
    return [
        Amount(
            value=found.text,
            type=(found.attribute("type") or "").lower() or None,
            currency=found.attribute("currency"),
            attributes={name: value for name, value in found.attributes.items() if name not in ("type", "currency")},
        )
        for found in node.all(tag)
        if found.text
    ]


def _ids(node: Node) -> list[Id]:
    return [Id(id.text, id.attribute("source"), id.attribute("sequence")) for id in node.all("id") if id.text]


def _person(node: Node) -> Person:
    names: dict[str, str] = {}
    for name in node.all("name"):
        if name.text:
            part = (name.attribute("part") or "full").lower()
            part = "last" if part == "surname" else part
            names[part] = f"{names[part]} {name.text}" if part in names else name.text
    address, emails = node.one("address"), [email for email in node.all("email") if email.text]
    return Person(
        names=names,
        is_business=any((name.attribute("type") or "").lower() == "business" for name in node.all("name")),
        emails=[email.text for email in emails if email.text],
        prefers_email=any(email.attribute("preferredcontact") == "1" for email in emails),
        phones=[
            Phone(phone.text, phone.attribute("type"), phone.attribute("time"),
                  phone.attribute("preferredcontact") == "1")
            for phone in node.all("phone")
            if phone.text
        ],
        address=_address(address) if address else {},
    )  # fmt: skip


def _address(node: Node) -> dict[str, str]:
    streets = [street.text for street in node.all("street") if street.text]
    first, rest = streets[:1], streets[1:]
    lines = {"street": ", ".join(first), "street2": ", ".join([*rest, *filter(None, [node.value("apartment")])])}
    found = _texts(node, "city", "regioncode", "postalcode", "country")
    return {name: line for name, line in lines.items() if line} | found


def _texts(node: Node | None, *tags: str) -> dict[str, str]:
    """The children that have a text; a node without children gives its own as the first."""
    if node is None:
        return {}
    found = {tag: value for tag in tags if (value := node.value(tag))}
    return found or ({tags[0]: node.text} if node.text and not len(node.element) else {})


def _extensions(node: Node, path: str) -> Iterator[Extension]:
    """What ADF does not have, below a node: whole elements, attributes of elements it has."""
    for name, value in node.attributes.items():
        if name not in _ATTRIBUTES.get(node.tag, ()):
            yield Extension(f"{path}/@{name}".lstrip("/"), value)
    for child in node.children():
        below = f"{path}/{child.tag}".lstrip("/")
        if child.tag in _CHILDREN.get(node.tag, ()):
            yield from _extensions(child, below)
        else:
            yield _extension(child, below)


def _extension(node: Node, path: str) -> Extension:
    below = [_extension(child, child.tag) for child in node.children()]
    text = node.text if not below else (node.element.text or "").strip() or None
    return Extension(path, text, dict(node.attributes), below)
