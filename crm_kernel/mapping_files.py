"""Import mappings as people write them, in TOML or JSON (floor 4)."""

from __future__ import annotations

from codecs import lookup
from collections import Counter
from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

import msgspec

from crm_kernel.clock import is_timezone
from crm_kernel.document_check import schema_faults
from crm_kernel.errors import Fault, near
from crm_kernel.mappings import ImportMapping
from crm_kernel.problems import Place, Problem
from crm_kernel.source_json import JsonFault, problem_of, read_json
from crm_kernel.source_toml import TomlFault, TomlText

_MAX_TOML = 256 * 1024
_MAX_DOTS = 100
"""What a line of TOML may have: names of many parts take Python's parser seconds."""
_SLOW_ENCODINGS = ("idna", "punycode")
"""They are for names of hosts, and take seconds for a line."""
_NO_DELIMITERS = ('"', "\r", "\n", "\0")


def parse_mapping(raw: bytes, file: str) -> tuple[ImportMapping | None, list[Problem]]:
    """The mapping in the bytes of a file or of an upload, or what is wrong with it, with line and column.

    JSON where `file` ends with `.json` or the text begins with `{`, else TOML. `file` is the name to show.
    """
    json_like = file.endswith(".json") or raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    try:
        data, place = (_json if json_like else _toml)(raw, file)
    except JsonFault as fault:
        return None, fault.problems(file, "bad_value")
    except TomlFault as fault:
        return None, [fault.problem]
    faults = schema_faults("mapping", data)
    if not faults:
        mapping = msgspec.convert(data, ImportMapping)
        faults = mapping_faults(mapping)
        if not faults:
            return mapping, []
    return None, [place(fault) for fault in faults]


def mapping_faults(mapping: ImportMapping) -> list[Fault]:
    """What a mapping says that no file can be read by: encoding, zone, marks, a field filled twice."""
    faults: list[Fault] = []

    def fault(pointer: str, code: str, detail: str) -> None:
        faults.append(Fault(pointer=pointer, code=code, detail=detail))

    try:
        "".encode(mapping.encoding)
        if lookup(mapping.encoding).name in _SLOW_ENCODINGS:
            raise LookupError
    except (LookupError, ValueError):
        fault("/encoding", "enum", f"There is no encoding {mapping.encoding!r}.")
    if mapping.delimiter in _NO_DELIMITERS:
        fault("/delimiter", "enum", f"{mapping.delimiter!r} cannot part columns: it has a meaning of its own in CSV.")
    if mapping.timezone is not None and not is_timezone(mapping.timezone):
        hint = near(mapping.timezone, available_timezones()) or " expected an IANA name like 'Europe/Riga'."
        fault("/timezone", "enum", f"There is no time zone {mapping.timezone!r};{hint}")
    if mapping.decimal == mapping.delimiter:
        fault("/decimal", "enum", f"{mapping.decimal!r} parts the columns already.")
    filled = [column.field for header in mapping.columns or () for column in mapping.filled_by(header)]
    filled += [row.field for row in mapping.filled_by_number()]
    for name, times in Counter([*filled, *mapping.constants]).items():
        if times > 1:
            fault("/columns", "unique", f"The field {name!r} is filled {times} times.")
    return faults


def _json(raw: bytes, file: str) -> tuple[Any, Callable[[Fault], Problem]]:
    data, text = read_json(raw)
    return data, lambda fault: problem_of(fault, file, text)


def _toml(raw: bytes, file: str) -> tuple[Any, Callable[[Fault], Problem]]:
    if len(raw) > _MAX_TOML or any(line.count(b".") > _MAX_DOTS for line in raw.splitlines()):
        detail = f"larger than {_MAX_TOML} bytes, or a line has more than {_MAX_DOTS} dots."
        raise TomlFault(_unreadable(file, detail, Place(1, 1)))
    try:
        source = TomlText(file, raw.decode("utf-8-sig"))
    except RecursionError:
        raise TomlFault(_unreadable(file, "nested too deeply.", Place(1, 1))) from None
    except UnicodeDecodeError as error:
        raise TomlFault(_unreadable(file, "not UTF-8.", Place(raw[: error.start].count(b"\n") + 1, 1))) from error

    def place(fault: Fault) -> Problem:
        path = tuple(p.replace("~1", "/").replace("~0", "~") for p in fault.pointer.split("/")[1:])
        problem = source.problem(path, fault.detail, fault.hint)
        return msgspec.structs.replace(problem, pointer=fault.pointer, code=fault.code)

    return source.data, place


def _unreadable(file: str, detail: str, place: Place) -> Problem:
    return Problem(file=file, line=place.line, column=place.column, code="bad_value", detail=detail)
