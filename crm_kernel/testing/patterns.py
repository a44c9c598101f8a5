"""A text that matches a pattern, as plainly as it goes: for patterns as schemas have them (floor 11)."""

from __future__ import annotations

import re
from random import Random
from re import _parser  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownVariableType] - Python's own reading of a pattern, which it gives under no other name
from typing import Any

_MOST = 3
"""How often more than needed a part is repeated."""
_CLASSES = {"CATEGORY_DIGIT": "0123456789", "CATEGORY_WORD": "abcdefghijk0123456789_", "CATEGORY_SPACE": " "}
_ANY = "abcdefghijklmnopqrstuvwxyz"


def matching(pattern: str, random: Random) -> str | None:
    """A text in which the pattern is found, None where none was found that plainly."""
    try:
        parsed: Any = _parser.parse(pattern)
    except re.error:
        return None
    for _ in range(20):
        text = _text(parsed, random, {})
        if re.search(pattern, text):
            return text
    return None


def _text(parts: Any, random: Random, groups: dict[int, str]) -> str:
    return "".join(_part(str(op), value, random, groups) for op, value in parts)


def _part(op: str, value: Any, random: Random, groups: dict[int, str]) -> str:
    match op:
        case "LITERAL":
            return chr(value)
        case "ANY" | "NOT_LITERAL":
            return random.choice([c for c in _ANY if ord(c) != value])
        case "IN":
            return random.choice(_choices(value))
        case "BRANCH":
            return _text(random.choice(value[1]), random, groups)
        case "SUBPATTERN":
            text = _text(value[3], random, groups)
            groups[value[0] or 0] = text
            return text
        case "GROUPREF":
            return groups.get(value, "")
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, parts = value
            times = random.randint(least, min(int(most), least + _MOST))
            return "".join(_text(parts, random, groups) for _ in range(times))
        case "ATOMIC_GROUP":
            return _text(value, random, groups)
        case _:  # anchors and what is looked ahead at give no text; a text that does not fit is drawn anew
            return ""


def _choices(members: Any) -> str:
    chars = ""
    negated = False
    for op, value in members:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                chars += chr(value)
            case "RANGE":
                chars += "".join(map(chr, range(value[0], min(value[1], value[0] + 200) + 1)))
            case _:
                chars += _CLASSES.get(str(value), _ANY)
    return "".join(c for c in _ANY + "0123456789 -" if c not in chars) if negated else chars
