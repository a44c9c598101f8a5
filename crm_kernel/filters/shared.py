"""The rows that were shared with a caller, as a row rule: their ids are a value of the environment."""

from __future__ import annotations

from typing import Any

import msgspec

from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import Expression, Test
from crm_kernel.filters.resolver import resolve
from crm_kernel.model import Model


class SharedIds(msgspec.Struct, frozen=True):
    """The ids of the records that were shared with him alike, by their place among his shares."""

    place: int

    def get(self, environment: Environment, /) -> Any:
        return list(environment.shared[self.place])


def shared_rows(entity: str, model: Model, place: int) -> Expression:
    """The records of the shares at a place: found by their ids, however many other rules there are."""
    written = resolve("id in (@me)", entity, model)
    test = written.root
    if not isinstance(test, Test):
        raise TypeError(f"a test of the id is no {type(test).__name__}")
    root = msgspec.structs.replace(test, values=(SharedIds(place),), listed=True)
    return msgspec.structs.replace(written, text=f"id in @shared.{place}", root=root, variables=frozenset())
