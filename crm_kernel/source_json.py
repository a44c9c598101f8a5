"""JSON as people write it: read strictly, each value found again by its pointer (floor 1)."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from math import isfinite
from typing import Any, cast

from crm_kernel.errors import Fault
from crm_kernel.errors import token as step_of
from crm_kernel.problems import Place, Problem, place_of

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64

_BLANK = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF = "has half of a surrogate pair, which is no character."
_TOKEN = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")(?P<colon>[ \t\n\r]*:)?|[{}\[\]]|NaN|-?Infinity|-?\d[-+.eE\d]*')
MAX_DIGITS = 1000
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
        text = raw.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = raw.removeprefix(BOM_UTF8)[: error.start].decode()
        raise JsonFault("not UTF-8.", place_of(before, len(before))) from error
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise JsonFault(f"not JSON: {error.msg}.", Place(error.lineno, error.colno)) from error
    except RecursionError as error:
        raise JsonFault(f"more than {MAX_DEPTH} levels deep.", Place(1, 1)) from error
    except ValueError as error:
        raise _no_value(text, str(error)) from error
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


def unsendable(value: Any) -> list[Fault]:
    """What of a parsed value no JSON text can hold: halves of surrogate pairs, numbers beyond those of JSON readers."""
    faults: list[Fault] = []
    open_values: list[tuple[str, Any]] = [("", value)]
    while open_values:
        at, current = open_values.pop()
        if isinstance(current, dict):
            for name, inner in cast("dict[str, Any]", current).items():
                if _SURROGATE.search(name):
                    shown = name.encode("ascii", "backslashreplace").decode()
                    faults.append(Fault(pointer=at, code="format", detail=f"The name {shown} {_HALF}"))
                else:
                    open_values.append((at + step_of(name), inner))
        elif isinstance(current, list):
            open_values += [(f"{at}/{index}", inner) for index, inner in enumerate(cast("list[Any]", current))]
        elif isinstance(current, str) and _SURROGATE.search(current):
            faults.append(Fault(pointer=at, code="format", detail=f"The text {_HALF}"))
        elif isinstance(current, float) and not isfinite(current):
            faults.append(Fault(pointer=at, code="maximum", detail="The number is larger than numbers are here."))
    return faults


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
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member stands twice in one object")
    return found


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _no_value(text: str, reason: str) -> JsonFault:
    """What Python reads as JSON and we do not, with its place: a name twice, `NaN`, a number of thousands of digits."""
    open_objects: list[set[str] | None] = []
    for found in _TOKEN.finditer(text):
        token, place = found[0], place_of(text, found.start())
        if token in "{[":
            open_objects.append(set() if token == "{" else None)
        elif token in "}]":
            open_objects.pop()
        elif token[0] != '"':
            if len(token) > MAX_DIGITS or not token[-1].isdigit():
                detail = f"{token} is not JSON." if len(token) < MAX_DIGITS else "the number has too many digits."
                return JsonFault(detail, place)
        elif found["colon"] and open_objects[-1] is not None:
            name = json.loads(found["text"])
            if name in open_objects[-1]:
                return JsonFault(f"the member {name!r} stands twice in one object.", place)
            open_objects[-1].add(name)
    return JsonFault(f"{reason}.", Place(1, 1))


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
