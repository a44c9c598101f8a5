"""The computed system field `rotting`: whether a record has been in its stage for longer than the stage allows."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.fields.base import Column, FieldType, Kind


class Limit(NamedTuple):
    """How many seconds a record may stay in a stage."""

    pipeline: str
    stage: str
    seconds: int


class Rotting(FieldType):
    """A truth value that follows from pipeline, stage, stage_since and the present; it is not stored."""

    name = "rotting"
    kind = Kind.BOOLEAN

    def __init__(self, limits: tuple[Limit, ...] = ()) -> None:
        self.limits = limits

    def columns(self) -> tuple[Column, ...]:
        return ()
