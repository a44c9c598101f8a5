"""The rows of a CSV file. The whole file is looked through before the first row is used: a file that cannot be read to
its end, or is not in its encoding, changes nothing."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from crm_kernel.errors import ConfigError, Error
from crm_kernel.mappings import ImportMapping

_ENCODING_HINT = 'Name the right one in the mapping, for example encoding = "cp1252", or save the file as UTF-8.'
_CSV_HINT = "Check the quotes of this row and the delimiter of the mapping."

MOST_COLUMNS = 5000


class Survey(NamedTuple):
    """What a look through the file gave: SHA-256 of its bytes, the headers, how many rows follow them."""

    digest: str
    header: list[str]
    rows: int


class CsvFile:
    """One CSV file, read as its mapping says. `name` is how it is called in sentences."""

    def __init__(self, path: Path, mapping: ImportMapping, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name
        self._mapping = mapping

    def survey(self) -> Survey:
        """Look through the whole file.

        Raises `ConfigError` (`usage`) where it cannot be opened, `Error("bad_value")` where it is not in its encoding
        or not CSV, with the row and what was got and expected.
        """
        with self._open() as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        rows = self._records()
        header = self._header(rows)
        return Survey(digest, header, sum(1 for _ in rows))

    def head(self) -> Survey:
        """Look at the header alone. Raises as `survey`, for what shows so early."""
        return Survey("", self._header(self._records()), 0)

    def _header(self, rows: Iterator[list[str]]) -> list[str]:
        header = next(rows, None)
        if header is None:
            raise Error("bad_value", f"{self.name} is empty; expected a line of column names first.", hint="")
        if len(header) > MOST_COLUMNS:
            detail = f"{self.name} has {len(header)} columns; expected {MOST_COLUMNS} at most."
            raise Error("bad_value", detail, hint="Check the delimiter of the mapping.")
        return [cell.strip() for cell in header]

    def rows(self, start: int = 0) -> Iterator[tuple[int, list[str]]]:
        """The cells of each row after row `start`; rows count from 1 without the header."""
        records = self._records()
        next(records, None)
        for number, cells in enumerate(records, start=1):
            if number > start:
                yield number, cells

    def _records(self) -> Iterator[list[str]]:
        """All lines of the file as cells, the header too; lines without any character are none."""
        with self._open() as file, self._text(file) as text:
            reader = self._reader(text)
            number = -1
            try:
                for cells in reader:
                    if cells:
                        number += 1
                        yield cells
            except UnicodeDecodeError as error:
                # the file stands at the end of the bytes that were being decoded
                raise self._wrong_encoding(error, file.tell() - len(error.object) + error.start) from error
            except csv.Error as error:
                where = "header" if number < 0 else f"row {number + 1}"
                raise Error("bad_value", f"{self.name}, {where} is not CSV: {error}.", hint=_CSV_HINT) from error

    @contextmanager
    def _open(self) -> Generator[io.BufferedReader]:
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}.", usage=True) from error
        with file:
            yield file

    def _text(self, file: Any) -> io.TextIOWrapper:
        encoding = "utf-8-sig" if self._mapping.encoding.lower() in ("utf-8", "utf8") else self._mapping.encoding
        return io.TextIOWrapper(file, encoding=encoding, newline="")

    def _reader(self, text: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(text, delimiter=self._mapping.delimiter, strict=True)

    def _wrong_encoding(self, error: UnicodeDecodeError, at: int) -> Error:
        """The sentence for a byte that is not of the encoding, with the row it stands in."""
        with self._open() as file, self._text(io.BufferedReader(_Head(file, at))) as text:
            lines = _with_one_more(text)
            number = sum(1 for cells in csv.reader(lines, delimiter=self._mapping.delimiter) if cells) - 1
        got = error.object[error.start : error.start + 1].hex().upper()
        where = f"row {number}" if number else "header"
        detail = f"{self.name}, {where}, byte {at + 1}: 0x{got} is not {self._mapping.encoding}, the encoding expected."
        return Error("bad_value", detail, hint=_ENCODING_HINT)


def _with_one_more(lines: Iterator[str]) -> Iterator[str]:
    """The lines of a text and one more character: so the row that begins or goes on at its end counts."""
    unfinished = False
    for line in lines:
        unfinished = not line.endswith(("\n", "\r"))
        yield f"{line}x" if unfinished else line
    if not unfinished:
        yield "x"


class _Head(io.RawIOBase):
    """The first `size` bytes of a file."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
