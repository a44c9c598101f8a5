"""What one value can be: the interface that every field type implements (floor 1).

A value has four forms. *Sent*: what JSON or a CSV cell holds. *Canonical*: what the kernel works with, validates and
answers (see `FieldType.canonical`). *Columns*: what the database stores, one or more scalars a value. *Answered*: the
canonical form, or for JSON columns `msgspec.Raw`, ready to be encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple, Self

import msgspec

from crm_kernel.errors import Fault, Told


class Kind(StrEnum):
    """What a value is to filters, sorting and reports: decides the operators that apply."""

    TEXT = "text"  # = != in contains starts ends matches
    CHOICE = "choice"  # text from a closed list; sorts in declared order
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"  # exact, stored as a scaled integer
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    MONEY = "money"  # members: amount, currency
    REFERENCE = "reference"  # an id; paths step through it
    LIST = "list"  # JSON array; any(), none(), contains = membership
    OBJECT = "object"  # JSON object; paths step into its members
    JSON = "json"  # no single scalar type: only `is null`


Storage = Literal["text", "integer", "real", "boolean", "date", "moment", "uuid", "json"]
"""What a column holds; the dialects of `storage/` map it to a column type of each engine."""


class Column(NamedTuple):
    """One database column of a field. `suffix` is appended to the field's name ("" for the main column)."""

    suffix: str
    storage: Storage


class ValueContext(NamedTuple):
    """What normalising a value needs to know of the app."""

    region: str = "US"  # ISO 3166-1, for phone numbers without country code
    currency: str = "EUR"  # ISO 4217, for money without currency
    timezone: str = "UTC"  # IANA name, for times without offset (imports only)


class Faulty(Exception):
    """A value cannot be normalised. `faults` point below the field (pointer "" = the value itself).

    `told` is what the sentence is called in other languages, and the values it shows there.
    """

    def __init__(self, code: str, detail: str, pointer: str = "", *, told: str = "", **values: Any) -> None:
        said = Told(told, values) if told else None
        self.faults = [Fault(pointer=pointer, code=code, detail=detail, told=said)]
        super().__init__(detail)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Self:
        """Several faults of one value."""
        faulty = cls(faults[0].code, faults[0].detail)
        faulty.faults = list(faults)
        return faulty


class RollupOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A measure of the records that refer to this one by the reverse name `of`, those that satisfy `where`.

    `field` is what is measured, a field of theirs (`amount`, `price`); a count has none.
    """

    of: str
    measure: Literal["count", "sum", "min", "max", "avg"]
    field: str | None = None
    where: str | None = None


class Convert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How stored values become those of another type, in the words of an import mapping. Empty: as their text reads.

    `values` translates texts, `format` is a strptime format of dates, `match` the unique field by which a reference is
    found, `currency` that of amounts without one (or of those that are kept as numbers).
    """

    values: dict[str, Any] | None = None
    format: str | None = None
    match: str | None = None
    currency: str | None = None
    timezone: str | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The `x-crm` keywords of one field (documents.md). Unset members have these defaults."""

    index: bool = False
    unique: bool = False
    labels: dict[str, str] = {}
    help: str | None = None
    group: str | None = None
    order: int | None = None
    widget: str | None = None
    search: bool = False
    sensitive: bool = False
    formula: str | None = None
    rollup: RollupOptions | None = None
    reference: str | None = None  # name of an entity, or "*" for any
    reverse: str | None = None
    money: bool = False
    decimal: int | None = None
    phone: bool = False
    unit: str | None = None
    autonumber: str | None = None
    choices: dict[str, Any] | None = None
    was: str | None = None
    convert: Convert | None = None
    adopt: bool = False
    personal: bool = False
    type: str | None = None  # of a plugin's register_field_types


class Shape(NamedTuple):
    """What a field type is chosen by: the field's JSON Schema, its `x-crm`, and what is offered for its parts.

    `type` is the one JSON type that `type`, `enum` and `const` leave (null apart), None where they leave several.
    """

    schema: Mapping[str, Any]
    options: Options
    type: str | None
    types: Sequence[type[FieldType]]


class FieldType:
    """One kind of value. Instances are immutable and made by `match` for one field's JSON Schema.

    Subclasses set `name` and `kind`, and override what differs from plain text. A plugin's sets `name`, `kind` (text,
    integer or number), `schema` and `canonical`; the rest is the kernel's.
    """

    name: ClassVar[str] = "text"
    kind: ClassVar[Kind] = Kind.TEXT
    schema: ClassVar[Mapping[str, Any]] = {}
    """JSON Schema of its canonical values, in a plugin's type."""

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        """An instance for a field of this shape, or None where this type is not meant. The first type asked wins."""
        return None

    @property
    def folds(self) -> bool:
        """Whether a folded copy is stored beside it (column suffix `__fold`), for sorting and searching."""
        return False

    def columns(self) -> tuple[Column, ...]:
        """The columns this value is stored in, main column first, the folded one last."""
        return (Column("", "text"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        """The canonical form of a sent value (never None).

        text, e-mail, phone, URL, choice, reference: `str`; integer `int`; number `float`; decimal `Decimal`;
        boolean `bool`; date `"YYYY-MM-DD"`; date-time RFC 3339 in UTC with `Z`, fraction only where there is one,
        without trailing zeros; money `{"amount": Decimal, "currency": str}`; list `list`; object `dict`.
        A value of a wrong JSON type is returned as it is, so that JSON Schema names the fault (`type`).
        Returns None for what the kernel stores as null (`""`). Raises `Faulty` for what JSON Schema cannot see.
        """
        return value

    def parse(self, text: str, context: ValueContext) -> Any:
        """The sent form of a CSV cell or command-line word; an unreadable text is returned as it is."""
        return text

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        """Bind values for `columns()` from a canonical value (None gives all None)."""
        return (value,)

    def from_columns(self) -> Callable[..., Any] | None:
        """Turns the selected column values (folded column left out) into the canonical value.

        None where the single column already is the canonical value. Called with one argument per column.
        JSON columns arrive as text; date-times as text with `Z`; booleans as 0/1/None on SQLite.
        """
        return None

    def sent_image(self, value: Any) -> Any:
        """The image of a sent value that `canonical` refuses, so that JSON Schema names its own faults as well.

        None where JSON Schema is to see nothing: a type with an image of its own for canonical values has none here.
        """
        return value if type(self).validated is FieldType.validated else None

    def validated(self, value: Any) -> Any:
        """The image of a canonical value that JSON Schema is run on (for decimals a number, …)."""
        return value

    def text(self, value: Any) -> str:
        """A canonical value as text for CSV, titles and messages."""
        return str(value)
