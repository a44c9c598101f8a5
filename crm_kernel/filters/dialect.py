"""What filters and reports ask of a database engine; the engines themselves are in `storage/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

from crm_kernel.fields.base import Kind, Storage
from crm_kernel.filters.sql import Sql


class Dialect(Protocol):
    """One engine's way to say what standard SQL cannot. Every operand is `Sql`; text operands are folded already.

    A result is null where an operand is null. `kind` is the kind of the JSON scalar wanted; a JSON value of another
    type gives null.
    """

    def column_type(self, storage: Storage) -> str:
        """The column type in DDL."""
        ...

    def select(self, column: str, storage: Storage) -> str:
        """The expression that reads a column in its canonical form as far as SQL can."""
        ...

    def encode(self, value: Any, storage: Storage) -> Any:
        """The bind value of one canonical scalar."""
        ...

    def encode_list(self, values: Iterable[Any], storage: Storage) -> Any:
        """The one bind value of a whole list, for `one_of` and `among`."""
        ...

    @property
    def one_of(self) -> str:
        """What follows a column that is to have one of the values of a list bound as one value."""
        ...

    def among(self, value: Sql, items: Sql, storage: Storage) -> Sql:
        """Whether a value is one of a list encoded by `encode_list`; null where it is not and the list has a null."""
        ...

    def contains(self, text: Sql, needle: Sql) -> Sql:
        """Whether the needle occurs in the text."""
        ...

    def starts(self, text: Sql, needle: Sql) -> Sql:
        """Whether the text begins with the needle."""
        ...

    def ends(self, text: Sql, needle: Sql) -> Sql:
        """Whether the text ends with the needle."""
        ...

    def word(self, text: Sql, word: str, *, prefix: bool) -> Sql:
        """Whether the word occurs in the text between other than letters and digits; `prefix`: as a word's start."""
        ...

    def whole(self, table: str) -> str:
        """A FROM item that is read from end to end, in the order in which it is stored."""
        ...

    def elements(self, array: Sql, alias: str) -> Sql:
        """A FROM item: one row an element of a JSON array (none for null and for what is no array)."""
        ...

    def element(self, alias: str, path: tuple[str, ...], kind: Kind) -> Sql:
        """The element itself (path `()`), or a member of it."""
        ...

    def folded_element(self, array: Sql, alias: str, path: tuple[str, ...]) -> Sql:
        """The text at the same place in the folded copy `array` of the list."""
        ...

    def member(self, document: Sql, path: tuple[str, ...], kind: Kind) -> Sql:
        """A scalar member of a JSON object."""
        ...

    def local_date(self, moment: Sql, segments: Sql) -> Sql:
        """The date on which a stored moment falls, given the zone's `encode_segments`."""
        ...

    def encode_segments(self, segments: Iterable[tuple[str, int]]) -> str:
        """The one bind value for (first moment, offset in seconds) of each stretch of equal offset, in order."""
        ...

    def day(self, moment: Sql, segments: Sequence[tuple[str, int]]) -> Sql:
        """Like `local_date` for a zone that is known when the statement is made: faster on many rows."""
        ...

    def total(self, value: str) -> str:
        """The exact sum of integers over a group, null for none."""
        ...

    def times(self, integer: str, factor: int) -> str:
        """The product of two integers, also where it has more than 64 bits."""
        ...

    def quotient(self, dividend: str, divisor: str) -> str:
        """The whole part of a quotient of integers."""
        ...

    def double(self, integer: str) -> str:
        """An integer as a double."""
        ...

    def bucket(self, day: Sql, by: Literal["day", "week", "month", "quarter", "year"]) -> Sql:
        """The first day of the week (Monday), month, quarter or year in which a day falls."""
        ...
