"""The engine that runs JSON Schemas: how it is set up, and which patterns it takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jsonschema_rs

_LINEAR = jsonschema_rs.RegexOptions()


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


def compiled(schema: dict[str, Any] | bool) -> jsonschema_rs.Validator:
    """A validator for a schema: formats are asserted, patterns linear, nothing is ever fetched.

    Raises `jsonschema_rs.ValidationError` for a schema that is none.
    """
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        pattern_options=_LINEAR,
        offline=True,
        keywords={"multipleOf": MultipleOf},
    )


def is_linear(pattern: str) -> bool:
    """Whether the linear-time engine takes a pattern: no look-around, no back-references, no explosion."""
    try:
        compiled({"pattern": pattern})
    except jsonschema_rs.ValidationError:
        return False
    return True
