"""How the columns of a file become fields: the import mapping as typed data (floor 4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

FieldName = Annotated[str, Meta(min_length=1)]


class ColumnMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of the file: the field it fills and how its cells are read."""

    field: FieldName
    currency: (
        Annotated[str, Meta(pattern="^[A-Z]{3}$", description="Money without a currency has this one.")] | None
    ) = None
    format: Annotated[str, Meta(min_length=1, description="strptime format of dates.", examples=["%Y%m%d"])] | None = (
        None
    )
    match: Annotated[str, Meta(description="A reference found by this unique field of the other entity.")] | None = None
    values: Annotated[dict[str, Any], Meta(description="Cell text to value.")] | None = None


Filled = FieldName | ColumnMapping


class ImportMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An import mapping. Without `columns` the headers are field names; without `key` nothing is a duplicate."""

    key: list[FieldName] = []
    timezone: Annotated[str, Meta(description="IANA zone of times without offset; else the app's.")] | None = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    unmapped: Literal["ignore", "error"] = "ignore"
    columns: dict[str, Filled | Annotated[list[Filled], Meta(min_length=1, max_length=20)]] | None = None
    constants: dict[str, Any] = {}

    def filled_by(self, header: str) -> list[ColumnMapping]:
        """How the column of this header is read, once for each field it fills; [] where it fills nothing."""
        found = header if self.columns is None else self.columns.get(header, [])
        parts = found if isinstance(found, list) else [found]
        return [ColumnMapping(field=part) if isinstance(part, str) else part for part in parts]
