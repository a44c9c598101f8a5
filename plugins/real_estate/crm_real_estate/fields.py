"""Kinds of values of its own."""

from collections.abc import Mapping
from typing import Any, ClassVar

from crm_kernel import FieldType, Kind, ValueContext


class CountryCode(FieldType):
    """A country by ISO 3166-1: `lv` is kept as `LV`."""

    name = "country_code"
    kind = Kind.TEXT
    schema: ClassVar[Mapping[str, Any]] = {"pattern": "^[A-Z]{2}$"}

    def canonical(self, value: Any, context: ValueContext) -> Any:
        """In capitals."""
        del context
        return value.upper()


ALL: list[type[FieldType]] = [CountryCode]
