"""ADF as it comes: the official sample, the samples of senders, mails, encodings, and what is hostile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest
from crm_automotive import adf, adf_text, adf_tree, intake
from crm_automotive.adf_model import Prospect
from hypothesis import given
from hypothesis import strategies as st

from .samples import FULL, minimal, several


def one(text: str | bytes) -> Prospect:
    (prospect,) = adf.read(text.encode() if isinstance(text, str) else text)
    return prospect


def test_a_full_prospect() -> None:
    prospect = one(FULL)
    wanted = prospect.wanted
    assert wanted is not None
    assert (wanted.interest, wanted.model, wanted.trim) == ("test-drive", "EX30", "Ultra")
    assert [(price.type, price.value) for price in wanted.prices] == [("msrp", "44 990,00"), ("quote", "42990")]
    assert [vehicle.model for vehicle in prospect.trade_ins] == ["Octavia"]
    assert (prospect.customer.name, prospect.customer.names["last"]) == ("Jānis Bērziņš", "Bērziņš")
    assert prospect.customer.address["street2"] == "k-2, 5"
    assert (prospect.vendor.name, prospect.provider.name, prospect.provider.service) == (
        "Baltic Motors", "AutoPortāls", "Jaunie auto",
    )  # fmt: skip
    assert intake.key_of(prospect) == "AutoPortāls:77-A"
    kept = {extension.path: extension for extension in prospect.extensions}
    assert set(kept) == {"customer/contact/loyalty", "provider/campaign"}
    assert kept["customer/contact/loyalty"].attributes == {"tier": "gold"}
    assert [child.text for child in kept["customer/contact/loyalty"].children] == ["2019"]


SAMPLES = {
    # file: wanted (year make model stock), vin, first price, name, e-mail, numbers, key, vendor, extensions
    "activix-full-crm-extensions.xml": (
        "2020 Volvo XC90 V12345", "2GTEK19R7V1511644", "CAD 59999.99", "Test Activix 2", "test@activix.ca",
        ["+14382881008"], "Activix:12345", "ABC Motors",
        ["customer/contact/birthday", "customer/contact/gender", "customer/contact/locale", "provider/form",
         "provider/keyword", "provider/navigationhistory", "provider/referer", "provider/term"],
    ),
    "adfcrate-full-with-extension.xml": (
        "1997 Chevrolet Blazer", "1GNDT13W5V2200000", "USD 26995", "John Doe", "jdoe@example.com", ["393-999-3922"],
        "Cobalt:38889", "Koons Internet Outlet", ["customer/contact/@primarycontact", "vehicle/partner-score"],
    ),
    "sendadf-minimal-oneline.xml": (
        "1999 Chevrolet Blazer", None, None, "John Doe", None, ["393-999-3922"], None, "Acura of Bellevue", [],
    ),
    "sendadf-minimal-pretty.xml": (
        "1999 Chevrolet Blazer", None, None, "John Doe", None, ["393-999-3922"], None, "Acura of Bellevue", [],
    ),
    "sendadf-no-vendor.xml": (
        "1999 Chevrolet Blazer", None, None, "John Doe", None, ["393-999-3922"], None, None, [],
    ),
    "spec-minimal-malformed-prolog.xml": (
        "1999 Chevrolet Blazer", None, None, "John Doe", None, ["393-999-3922"], None, "Acura of Bellevue", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_of_senders(shared_file: Callable[[str], Path], name: str) -> None:
    """What each gives, written down from reading it."""
    prospect = one(shared_file(f"automotive/adf/{name}").read_bytes())
    wanted = prospect.wanted
    assert wanted is not None
    parts = [wanted.year, wanted.make, wanted.model, wanted.stock]
    assert (
        " ".join(part for part in parts if part),
        wanted.vin,
        intake.money(wanted.prices[0]) if wanted.prices else None,
        prospect.customer.name,
        next(iter(prospect.customer.emails), None),
        list(dict.fromkeys(phone.value for phone in prospect.customer.phones)),
        intake.key_of(prospect),
        prospect.vendor.name,
        sorted(extension.path for extension in prospect.extensions),
    ) == SAMPLES[name]
    assert prospect.requested is not None
    assert not prospect.trade_ins


@pytest.mark.parametrize(
    "prolog",
    [
        '<?ADF VERSION "1.0"?>\n<?XML VERSION \u201c1.0\u201d?>\n',
        "\ufeff",
        '\n\n<?xml version="1.0"?><!-- <adf> is below -->\n',
        '<?xml version="1.0" encoding="utf-16"?>',
        "Dear dealer, here is a lead:\n\n",
    ],
)
def test_a_prolog_does_no_harm(prolog: str) -> None:
    assert one(prolog + minimal() + "\n-- \nSent by a portal").customer.name == "Anna"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "iso-8859-4", "windows-1257", "iso-8859-13"])
def test_encodings_that_are_declared(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>{minimal(name="Ķirsis Šņore")}'
    assert one(text.encode(encoding)).customer.name == "Ķirsis Šņore"


def test_what_is_not_in_the_encoding_it_declares_is_that_of_windows() -> None:
    text = f'<?xml version="1.0" encoding="UTF-8"?>{minimal(name="Zoë")}'
    assert one(text.encode("cp1252")).customer.name == "Zoë"


def test_names_of_any_case_and_namespace() -> None:
    text = minimal().replace("<adf>", '<x:ADF xmlns:x="urn:adf">').replace("</adf>", "</x:ADF>")
    assert one(text.replace("prospect", "x:Prospect").replace("make", "MAKE")).wanted.make == "Kia"  # type: ignore


def test_what_senders_forget_to_escape() -> None:
    prospect = one(minimal(name="Berg & Sons&nbsp;&Ouml;&amp;&lt;", model="R&D"))
    assert prospect.customer.name == "Berg & Sons\xa0Ö&<"
    assert one(minimal(name="<![CDATA[A & <b>]]>")).customer.name == "A & <b>"


@pytest.mark.parametrize(
    ("interests", "wanted", "trade_ins"),
    [
        (["trade-in", "buy"], 1, [0]),
        (["trade-in", "lease", "buy"], 1, [0]),
        (["sell", "trade-in", "test-drive"], 2, [1]),
        ([None, "trade-in", "trade-in"], 0, [1, 2]),
        (["Trade In", "Buy"], 1, [0]),
        (["sell", "trade-in"], None, [1]),
        ([], None, []),
    ],
)
def test_the_vehicle_of_interest(interests: list[str | None], wanted: int | None, trade_ins: list[int]) -> None:
    said = ["" if interest is None else f' interest="{interest}"' for interest in interests]
    vehicles = "".join(f"<vehicle{s}><model>{number}</model></vehicle>" for number, s in enumerate(said))
    prospect = one(f"<adf><prospect>{vehicles}</prospect></adf>")
    assert (prospect.wanted and prospect.wanted.model) == (None if wanted is None else str(wanted))
    assert [vehicle.model for vehicle in prospect.trade_ins] == [str(number) for number in trade_ins]


def mail(*, attached: bool = False, kind: str = "plain", charset: str = "utf-8") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "p@example.com", "d@example.com", "Lead: Kia"
    text = minimal(name="Šarlote") if charset == "utf-8" else minimal(name="Zoë")
    message.set_content("A lead is attached." if attached else text, subtype=kind, charset=charset, cte="base64")
    if attached:
        message.add_attachment(
            text.encode(charset), maintype="application", subtype="octet-stream", filename="lead.ADF"
        )
    return message.as_bytes()


@pytest.mark.parametrize(
    "data",
    [
        mail(),
        mail(kind="x-adf+xml"),
        mail(attached=True),
        mail(charset="iso-8859-1"),
        b"From portal Mon Mar  2 08:00:00 2026\n" + mail(),
        b"Content-Type: application/x-adf+xml\nContent-Transfer-Encoding: quoted-printable\n\n"
        + minimal(name="Zo=C3=AB").replace("<vehicle>", "<vehicle=\n>").encode(),
    ],
)
def test_mails(data: bytes) -> None:
    assert one(data).customer.name in ("Šarlote", "Zoë")


def test_the_attachment_counts_before_the_text() -> None:
    message = EmailMessage()
    message["Subject"] = "Lead"
    message.set_content(minimal(name="Body"))
    message.add_attachment(minimal(name="File").encode(), maintype="application", subtype="x-adf+xml", filename="a.xml")
    assert one(message.as_bytes()).customer.name == "File"


def test_several_prospects() -> None:
    prospects = adf.read(several(minimal("Anna"), minimal("Juris"), minimal("Ilze")).encode())
    assert [(p.path, p.customer.name) for p in prospects] == [
        ("/adf/prospect/1", "Anna"), ("/adf/prospect/2", "Juris"), ("/adf/prospect/3", "Ilze"),
    ]  # fmt: skip


LAUGHS = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 10))
HOSTILE = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE adf [<!ENTITY l0 "ha">{LAUGHS}]><adf>&l9;</adf>',
    "external entity": '<!DOCTYPE adf [<!ENTITY x SYSTEM "file:///etc/passwd">]><adf><prospect>&x;</prospect></adf>',
    "external DTD": '<!DOCTYPE adf SYSTEM "http://127.0.0.1:1/adf.dtd"><adf><prospect/></adf>',
    "parameter entity": '<!DOCTYPE adf [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><adf/>',
    "DOCTYPE after the root": "<adf><!DOCTYPE adf []><prospect/></adf>",
    "very deep": "<adf><prospect>" + "<a>" * 100_000,
    "very deep and closed": "<adf><prospect>" + "<a>" * 100_000 + "</a>" * 100_000 + "</prospect></adf>",
    "not closed": "<adf><prospect><vehicle>",
    "no prospect": "<adf></adf>",
    "HTML": "<html><body>404</body></html>",
    "JSON": '{"adf": {}}',
    "nothing": "",
    "NUL": "<adf><prospect>\0</prospect></adf>",
    "half of a surrogate": "<adf><prospect><customer>&#xD800;</customer></prospect></adf>",
    "mail without ADF": "Subject: Hi\n\nHello.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_no_adf_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(adf.AdfError) as error:
        adf.read(HOSTILE[name].encode())
    ((_, sentence),) = error.value.faults
    assert sentence.endswith(".")
    assert "root:" not in sentence


def test_a_very_large_message_is_not_even_looked_at() -> None:
    with pytest.raises(adf.AdfError, match="bytes"):
        adf.read(b"<adf>" + b" " * adf_text.MAX_BYTES)


def test_the_tree_refuses_declarations_by_itself() -> None:
    """Behind `find_document`, which lets no DOCTYPE through, the parser refuses them too."""
    for text in ('<!DOCTYPE adf [<!ENTITY x "y">]><adf>&x;</adf>', '<!DOCTYPE adf SYSTEM "x"><adf/>'):
        with pytest.raises(adf.AdfError):
            adf_tree.parse(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for message in (data, b"<adf><prospect>" + data + b"</prospect></adf>", b"Subject: x\n\n<adf>" + data):
        with suppress(adf.AdfError):
            assert adf.read(message)


@pytest.mark.parametrize(
    ("text", "number"),
    [("26995", "26995"), ("$26,995", "26995"), ("26 995,50 €", "26995.50"), ("1.460,99", "1460.99"),
     ("1,234,567", "1234567"), ("59999.99", "59999.99"), ("59999.999", "59999999"), ("12.345", "12345"), ("0.5", "0.5"),
     ("call us", None), ("-5", None), ("95'400 km", "95400")],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, number: str | None) -> None:
    assert intake.decimal(text) == number
