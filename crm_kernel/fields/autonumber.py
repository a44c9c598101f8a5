"""Numbers that the kernel gives: "LV-{0000}"."""

from __future__ import annotations

import re
from typing import Self

from crm_kernel.fields.base import Shape
from crm_kernel.fields.text import Text

_TEMPLATE = re.compile(r"([^{}]*)\{(0{1,18})\}([^{}]*)")


class Autonumber(Text):
    """Text made from a template with one group of zeros: the least number of digits. Read-only for callers."""

    name = "autonumber"

    def __init__(self, template: str) -> None:
        found = _TEMPLATE.fullmatch(template)
        if found is None:
            raise ValueError(
                f"an autonumber is a text with one group of zeros, such as 'LV-{{0000}}', got {template!r}"
            )
        self.template = template
        self.prefix, zeros, self.suffix = found.groups()
        self.digits = len(zeros)

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return None if shape.options.autonumber is None else cls(shape.options.autonumber)

    def format(self, number: int) -> str:
        """The text of the `number`-th record: 17 in "LV-{0000}" is LV-0017."""
        return f"{self.prefix}{number:0{self.digits}}{self.suffix}"
