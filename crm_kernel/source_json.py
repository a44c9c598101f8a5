"""JSON as people write it: read strictly, each value found again by its pointer (floor 1)."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from crm_kernel.errors import Fault
from crm_kernel.problems import Place, Problem, place_of

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class JsonFault(ValueError):
    """A text is not the JSON that was asked for; `place` is where it stops being so."""

    def __init__(self, detail: str, place: Place) -> None:
        self.detail = detail
        self.place = place
        super().__init__(detail)


def read_json(raw: bytes) -> tuple[Any, str]:
    """The value and the decoded text of a JSON file.

    Raises `JsonFault` for what JSON does not know (NaN, a name twice in one object), for text that is not UTF-8, and
    beyond 256 KiB or 64 levels.
    """
    if len(raw) > MAX_BYTES:
        raise JsonFault(f"{len(raw)} bytes, at most {MAX_BYTES} are read.", Place(1, 1))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = place_of(raw[: error.start].decode("utf-8", "replace"), error.start)
        raise JsonFault("not UTF-8.", place) from error
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
    except json.JSONDecodeError as error:
        raise JsonFault(f"not JSON: {error.msg}.", Place(error.lineno, error.colno)) from error
    except RecursionError as error:
        raise JsonFault(f"more than {MAX_DEPTH} levels deep.", Place(1, 1)) from error
    except ValueError as error:
        raise JsonFault(str(error), Place(1, 1)) from error
    if depth(value) > MAX_DEPTH:
        raise JsonFault(f"more than {MAX_DEPTH} levels deep.", Place(1, 1))
    return value, text


def depth(value: Any) -> int:
    """How many objects and arrays stand in one another; 0 for a scalar. Never recurses, so any input is safe."""
    deepest, level = 0, [value]
    while level := [v for v in level if isinstance(v, dict | list)]:
        deepest += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return deepest


def locate(text: str, pointer: str) -> Place:
    """Where the value of a JSON Pointer stands in a JSON text; the nearest enclosing value where there is none."""
    at = _blank(text, 0)
    for token in pointer.split("/")[1:]:
        inner = _step(text, at, token.replace("~1", "/").replace("~0", "~"))
        if inner is None:
            break
        at = inner
    return place_of(text, at)


def problem_of(fault: Fault, file: str, text: str) -> Problem:
    """The fault of one value of a JSON file, with the place of that value."""
    line, column = locate(text, fault.pointer)
    return Problem(
        file=file,
        line=line,
        column=column,
        pointer=fault.pointer,
        code=fault.code,
        detail=fault.detail,
        hint=fault.hint,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the member {name!r} stands twice in one object.")
        found[name] = value
    return found


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is larger than numbers are.")
    return number


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON.")


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _step(text: str, at: int, token: str) -> int | None:
    """The offset of one member of the object or array that starts at `at`."""
    if text[at] not in "{[":
        return None
    named = text[at] == "{"
    at, index = _blank(text, at + 1), 0
    while text[at] not in "}]":
        key: Any = str(index)
        if named:
            key, end = _DECODER.raw_decode(text, at)
            at = _blank(text, _blank(text, end) + 1)
        if key == token:
            return at
        at = _blank(text, _DECODER.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _blank(text, at + 1)
        index += 1
    return None
