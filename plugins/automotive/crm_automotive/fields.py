"""The kind of value that a vehicle is known by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from crm_kernel import Faulty, FieldType, Kind, ValueContext

from . import vin


class Vin(FieldType):
    """A VIN in upper case without blanks (ISO 3779).

    Refused (`format`) is what cannot be one: more than 17 characters, the letters I, O, Q among 17, a check digit that
    does not hold where the law asks for one. Shorter ones of before 1981 are kept.
    """

    name = "vin"
    kind = Kind.TEXT
    schema: ClassVar[Mapping[str, Any]] = {"maxLength": vin.LENGTH}

    def canonical(self, value: Any, context: ValueContext) -> Any:
        """In upper case, without blanks."""
        del context
        text = vin.normal(value)
        finding = vin.examine(text)
        if finding is not None and finding.refused:
            raise Faulty("format", finding.detail)
        return text


ALL: list[type[FieldType]] = [Vin]
