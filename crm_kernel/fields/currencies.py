"""ISO 4217: the currencies in use, and how many digits their minor units have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
_TWO_DIGITS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW "
    "ZWG"
)

NOT_TWO: Mapping[str, int] = MappingProxyType(
    {
        code: digits
        for digits, codes in ((0, _NO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
        for code in codes.split()
    }
)
"""Minor digits of the currencies that have not two of them."""

CURRENCIES: frozenset[str] = frozenset(_TWO_DIGITS.split()).union(NOT_TWO)
"""All codes of money that people use (no metals, baskets or test codes)."""


def minor_digits(code: str) -> int:
    """The number of decimals of a currency; two where nothing else is known."""
    return NOT_TWO.get(code, 2)
