"""The engine that runs JSON Schemas: how it is set up, and which patterns it takes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jsonschema_rs

_LINEAR = jsonschema_rs.RegexOptions(size_limit=4_000_000)
_SMALL = jsonschema_rs.RegexOptions(size_limit=100_000)
MAX_LENGTH = 5000
MAX_LARGE = 3
"""Patterns of a document that may take more than 100 kB once compiled."""


class MultipleOf:
    """`multipleOf` in decimal arithmetic: 4.35 is a multiple of 0.01, which it is not in binary."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:  # noqa: ARG002
        self.step = _decimal(value)

    def validate(self, instance: Any) -> None:
        """Raises `ValueError`, whose text is the step, for a number that is no multiple."""
        if isinstance(instance, bool) or not isinstance(instance, int | float | Decimal):
            return
        if not is_multiple(_decimal(instance), self.step):
            raise ValueError(str(self.step))


def _decimal(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Whether `number` is a whole multiple of `step`, exactly and in little time whatever the exponents are."""
    if not number or not number.is_finite():
        return not number
    digits, power = _plain(number)
    step_digits, step_power = _plain(step)
    if power >= step_power:
        return pow(10, power - step_power, step_digits) * digits % step_digits == 0
    shift = step_power - power
    # A number without trailing zeros is no multiple of a power of ten that is longer than itself.
    return shift <= len(str(digits)) and digits % (step_digits * 10**shift) == 0


def _plain(number: Decimal) -> tuple[int, int]:
    """(digits, exponent) of a number's magnitude, without trailing zeros."""
    _, figures, exponent = number.as_tuple()
    text = "".join(map(str, figures))
    stripped = text.rstrip("0")
    return int(stripped), int(exponent) + len(text) - len(stripped)


def compiled(
    schema: dict[str, Any] | bool, *, formats: dict[str, Callable[..., bool]] | None = None
) -> jsonschema_rs.Validator:
    """A validator for a schema: formats are asserted, patterns linear, nothing is ever fetched.

    Raises `jsonschema_rs.ValidationError` for a schema that is none.
    """
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        formats=formats,
        pattern_options=_LINEAR,
        offline=True,
        keywords={"multipleOf": MultipleOf},
    )


def is_linear(pattern: str, options: jsonschema_rs.RegexOptions = _LINEAR) -> bool:
    """Whether the linear-time engine takes a pattern: no look-around, no back-references, no explosion."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except jsonschema_rs.ValidationError:
        return False
    return True


class PatternCheck:
    """Looks at the patterns of one document. Large ones take milliseconds to compile, so there may be a few only."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}
        self._large = 0

    def __call__(self, pattern: str) -> str | None:
        """What is wrong with a pattern, None where nothing is."""
        if pattern not in self._known:
            self._known[pattern] = self._problem(pattern)
        return self._known[pattern]

    def _problem(self, pattern: str) -> str | None:
        if len(pattern) > MAX_LENGTH:
            return f"A pattern has at most {MAX_LENGTH} characters."
        if self._large > MAX_LARGE or is_linear(pattern, _SMALL):  # that there are too many was told
            return None
        self._large += 1
        if self._large > MAX_LARGE:
            return f"More than {MAX_LARGE} patterns are wrong or large: repeat less often than in {{30}}."

        if is_linear(pattern):
            return None
        return "No pattern of the linear-time engine (look-around and back-references are not allowed)."
