"""The computed system field `rotting`: whether a record has been in its stage for longer than the stage allows."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from crm_kernel.fields.base import Column, Kind, Shape
from crm_kernel.fields.boolean import Boolean


class Limit(NamedTuple):
    """How many seconds a record may stay in a stage."""

    pipeline: str
    stage: str
    seconds: int


class Rotting(Boolean):
    """A truth value that follows from pipeline, stage, stage_since and the present; it is not stored."""

    name = "rotting"
    kind = Kind.BOOLEAN

    def __init__(self, limits: tuple[Limit, ...] = ()) -> None:
        self.limits = limits

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return None

    def columns(self) -> tuple[Column, ...]:
        return ()

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return ()
