"""Vehicle identification numbers (ISO 3779, ISO 3780; in the USA 49 CFR 565), as pure functions.

Seventeen characters: the manufacturer (WMI, 1 to 3), the description (VDS, 4 to 9), the indicator (VIS, 10 to 17). The
ninth is a check digit where the law asks for one: in North America and in China. Elsewhere a maker may put there what
he likes, so there a mismatch is worth a note, never a refusal.
"""

from __future__ import annotations

from typing import NamedTuple

LENGTH = 17
_LETTERS = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True)
)
VALUES = {**{str(digit): digit for digit in range(10)}, **_LETTERS}
"""What each character counts in the check sum; I, O and Q are not among them."""
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
"""The codes of 1980, 1981 … 2009, and again of 2010 … 2039: no I, O, Q, U, Z and no zero."""

_WRITTEN = {*VALUES, *"IOQ-./"}
"""What makers wrote before 1981."""

_NORTH_AMERICA, _CHINA = "12345", "L"
_REGIONS = (
    ("ABCDEFGH", "Africa"),
    ("JKLMNPR", "Asia"),
    ("STUVWXYZ", "Europe"),
    (_NORTH_AMERICA, "North America"),
    ("67", "Oceania"),
    ("890", "South America"),
)


class Vin(NamedTuple):
    """A number of seventeen permitted characters, taken apart."""

    text: str

    @property
    def wmi(self) -> str:
        """The maker: three characters, and where the third is a 9 (fewer than 1,000 a year) also places 12 to 14."""
        return self.text[:3] if self.text[2] != "9" else f"{self.text[:3]}/{self.text[11:14]}"

    @property
    def vds(self) -> str:
        """What kind of vehicle it is, in the maker's words, and the check digit."""
        return self.text[3:9]

    @property
    def vis(self) -> str:
        """Which one it is: model year, plant, serial number."""
        return self.text[9:]

    @property
    def region(self) -> str:
        """The region of the maker (ISO 3780)."""
        return next(name for first, name in _REGIONS if self.text[0] in first)

    @property
    def is_checked(self) -> bool:
        """Whether the law asks for a check digit: North America and China."""
        return self.text[0] in _NORTH_AMERICA or self.text[0] == _CHINA

    @property
    def holds(self) -> bool:
        """Whether the ninth character is the check digit."""
        return self.text[8] == check_digit(self.text)


class Finding(NamedTuple):
    """What is to be said of a number. `code`: `characters`, `length`, `check_digit`; `refused`: it cannot be right."""

    code: str
    detail: str
    refused: bool


def normal(text: str) -> str:
    """A number as it is kept: without blanks, in upper case."""
    return "".join(text.split()).upper()


def check_digit(text: str) -> str:
    """The ninth character that seventeen permitted ones ask for; what stands there now does not count.

    Worked example of 49 CFR 565: 1G4AH59H45G118341 has the sum 411, and 411 mod 11 is 4.
    """
    rest = sum(weight * VALUES[character] for weight, character in zip(WEIGHTS, text, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def read(text: str) -> Vin | None:
    """A normal number taken apart; None for one that is not of seventeen permitted characters."""
    return Vin(text) if len(text) == LENGTH and not set(text) - VALUES.keys() else None


def examine(text: str) -> Finding | None:
    """What is wrong, or odd, with a normal number; None where nothing is.

    Numbers before 1981 are shorter and of the maker's own form: they are odd, not wrong. So is a check digit that
    does not hold where the law asks for none.
    """
    if len(text) > LENGTH:
        return Finding("length", f"A VIN has {LENGTH} characters, this one {len(text)}.", refused=True)
    if len(text) < LENGTH:
        strange = sorted(set(text) - _WRITTEN)
        detail = f"{len(text)} characters: a VIN has {LENGTH} since 1981."
        return Finding(
            "length", detail + (f" It has no {' '.join(strange)}." if strange else ""), refused=bool(strange)
        )
    if barred := sorted(set(text) - VALUES.keys()):
        detail = f"A VIN has no {' '.join(barred)}; it has digits, and letters but I, O and Q."
        return Finding("characters", detail, refused=True)
    vin = Vin(text)
    if vin.holds:
        return None
    detail = f"The check digit in place 9 is {text[8]}, it should be {check_digit(text)}."
    return Finding("check_digit", detail, refused=vin.is_checked)


def model_years(vin: Vin) -> tuple[int, ...]:
    """The two model years, thirty apart, that the tenth character may mean; () where it is no code of a year."""
    place = YEAR_CODES.find(vin.text[9])
    return (1980 + place, 2010 + place) if place >= 0 else ()


def model_year(vin: Vin) -> int | None:
    """The model year of a light vehicle of North America, None for all others.

    There the seventh character tells the two cycles apart: a digit until 2009, a letter since. That rule is about cars
    and vehicles up to 10,000 lb: for trailers and heavy trucks `model_years` is all that can be said.
    """
    years = model_years(vin)
    if not years or vin.text[0] not in _NORTH_AMERICA:
        return None
    return years[vin.text[6].isalpha()]


def year_differs(vin: Vin, year: int) -> bool:
    """Whether a vehicle of North America is said to be of another model year than its number allows."""
    return vin.text[0] in _NORTH_AMERICA and year not in model_years(vin)
