"""JSON as people write it: read strictly, each value found again by its pointer (floor 1)."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple, cast

from crm_kernel.errors import Fault
from crm_kernel.errors import token as step_of
from crm_kernel.problems import Place, Problem, place_of

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64

_BLANK = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF = "has half of a surrogate pair, which is no character."
_TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")(?P<colon>[ \t\n\r]*:)?|"[\s\S]*|[{}\[\]]|NaN|-?Infinity|-?\d[-+.eE\d]*'
)
MAX_DIGITS = 1000
MOST = 100
"""How many mistakes of one text are told."""
_SHOWN = 100
_START = Place(1, 1)
_DECODER = json.JSONDecoder()


class Mistake(NamedTuple):
    """What is no JSON in a text, and where."""

    detail: str
    place: Place


class JsonFault(ValueError):
    """A text is not the JSON that was asked for: all its `mistakes`, at most 100."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__(" ".join(mistake.detail for mistake in mistakes))

    def problems(self, file: str, code: str) -> list[Problem]:
        """The mistakes as faults of a file."""
        return [
            Problem(file=file, line=at.line, column=at.column, code=code, detail=what) for what, at in self.mistakes
        ]


def read_json(raw: bytes) -> tuple[Any, str]:
    """The value and the decoded text of a JSON file.

    Raises `JsonFault` for what JSON does not know (NaN, a name twice in one object), for text that is not UTF-8, and
    beyond 256 KiB or 64 levels.
    """
    if len(raw) > MAX_BYTES:
        raise _fault(f"{len(raw)} bytes, at most {MAX_BYTES} are read.")
    try:
        text = raw.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = raw.removeprefix(BOM_UTF8)[: error.start].decode()
        raise _fault("not UTF-8.", place_of(before, len(before))) from error
    reader = _Reader()
    try:
        value = reader.read(text)
    except json.JSONDecodeError as error:
        stop = Mistake(f"not JSON: {error.msg}.", Place(error.lineno, error.colno))
        raise JsonFault([*islice(_mistakes(text[: error.pos]), MOST), stop]) from error
    except RecursionError as error:
        raise _fault(f"more than {MAX_DEPTH} levels deep.") from error
    if reader.met_mistakes:
        raise JsonFault(list(islice(_mistakes(text), MOST)))
    if depth(value) > MAX_DEPTH:
        raise _fault(f"more than {MAX_DEPTH} levels deep.")
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


class _Reader:
    """Python's reader, which goes on past what JSON does not know: so all of it is told at once."""

    def __init__(self) -> None:
        self.met_mistakes = False

    def read(self, text: str) -> Any:
        return json.loads(text, object_pairs_hook=self._object, parse_constant=self._no_value, parse_int=self._integer)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.met_mistakes |= len(found) < len(pairs)
        return found

    def _no_value(self, _: str) -> None:
        self.met_mistakes = True

    def _integer(self, digits: str) -> int | None:
        return int(digits) if len(digits) <= MAX_DIGITS else self._no_value(digits)


def _fault(detail: str, place: Place = _START) -> JsonFault:
    return JsonFault([Mistake(detail, place)])


def _mistakes(text: str) -> Iterator[Mistake]:
    """What Python reads as JSON and we do not: names that stand twice in an object, `NaN`, integers without end.

    `text` is JSON but for these as far as it goes; it may end anywhere.
    """
    open_objects: list[set[str] | None] = []
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in "{[":
            open_objects.append(set() if token == "{" else None)
        elif token in "}]":
            open_objects.pop()
        elif found["colon"]:
            names = cast("set[str]", open_objects[-1])
            name = json.loads(found["text"])
            if name in names:
                detail = f"the member {name[:_SHOWN]!r} stands twice in one object."
                yield Mistake(detail, place_of(text, found.start()))
            names.add(name)
        elif token[-1] in "Ny":
            yield Mistake(f"{token} is not JSON.", place_of(text, found.start()))
        elif len(token) > MAX_DIGITS and token.removeprefix("-").isdigit():
            yield Mistake("the number has too many digits.", place_of(text, found.start()))


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
