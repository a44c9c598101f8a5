"""How people are reached: e-mail address, telephone number, URL."""

from __future__ import annotations

import re
from functools import cache
from typing import Self

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

from crm_kernel.fields.base import Faulty, Shape, ValueContext
from crm_kernel.fields.text import Text

_E164 = re.compile(r"\+([1-9][0-9]{6,14})")
_TYPES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)


class Email(Text):
    """An e-mail address, its domain in lower case. JSON Schema checks the syntax (`format`)."""

    name = "email"

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        wanted = shape.type == "string" and shape.schema.get("format") in ("email", "idn-email")
        return cls() if wanted else None

    def normal(self, text: str, context: ValueContext) -> str:
        local, at, domain = text.rpartition("@")
        return f"{local}{at}{domain.lower()}" if at else text


class Url(Text):
    """A URL, kept as sent."""

    name = "url"

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        wanted = shape.type == "string" and shape.schema.get("format") in ("uri", "iri")
        return cls() if wanted else None


class Phone(Text):
    """A telephone number in E.164; without country code it is one of the app's region."""

    name = "phone"

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.options.phone else None

    def normal(self, text: str, context: ValueContext) -> str:
        return normal_phone(text, context.region)


def normal_phone(text: str, region: str) -> str:
    """A telephone number as E.164. Raises `Faulty` (`format`) for what is no number that could be assigned."""
    found = _E164.fullmatch(text)
    if found and _assignable(found[1]):
        return text
    got = repr(text[:40])
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Faulty("format", f"Not a telephone number: {got}.", told="phone", got=got) from None
    if not phonenumbers.is_valid_number(number):
        detail = f"No telephone number of this form is assigned: {got}."
        raise Faulty("format", detail, told="phone_unassigned", got=got)
    if number.extension:
        detail = f"E.164 has no place for the extension {number.extension!r}."
        raise Faulty("format", detail, told="phone_extension", got=repr(number.extension))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _assignable(digits: str) -> bool:
    """Whether `digits` (country code first) match the numbering plan: what `phonenumbers` says, 30 times faster."""
    for size in (1, 2, 3):
        plan = _plan(int(digits[:size]))
        if plan is not None:
            return plan.fullmatch(digits, size) is not None
    return False


@cache
def _plan(code: int) -> re.Pattern[str] | None:
    """The national numbers under a country code as one pattern, None where there is no such code.

    Made on first use and kept: a pure function over the library's tables, which would cost start-up time.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code)
    if regions is None:
        return None
    tables = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]
    return re.compile("|".join(_region_pattern(table) for table in tables if table is not None))


def _region_pattern(table: PhoneMetadata) -> str:
    kinds = [_desc_pattern(getattr(table, kind)) for kind in _TYPES]
    return f"(?={_desc_pattern(table.general_desc)}$)(?:{'|'.join(kind for kind in kinds if kind)})"


def _desc_pattern(desc: PhoneNumberDesc | None) -> str:
    pattern = None if desc is None else desc.national_number_pattern
    return f"(?:{pattern})" if pattern else ""
