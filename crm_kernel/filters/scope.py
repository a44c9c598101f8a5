"""What a caller may see, as far as filters must know it (`access.py` and the read door implement it)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol, Union

if TYPE_CHECKING:
    from crm_kernel.filters.expression import Expression


class Nothing(Enum):
    """No row at all."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING

Rows = Union["Expression", None, Nothing]
"""A condition on rows (resolved with `SYSTEM_SCOPE`): an expression, None for all rows, `NOTHING` for none."""


class Scope(Protocol):
    """Which fields exist for a caller, and on which rows."""

    def field_exists(self, entity: str, field: str) -> bool:
        """Whether some grant gives the field on any row; otherwise its name is unknown to the caller."""
        ...

    def rows(self, entity: str) -> Rows:
        """The rows of an entity that the caller may read (deleted ones are left out anyway)."""
        ...

    def field_rows(self, entity: str, field: str) -> Rows:
        """The rows on which a field is readable; on others it is null. None: on all that `rows` gives."""
        ...


class SystemScope:
    """Everything is seen."""

    def field_exists(self, entity: str, field: str) -> bool:  # noqa: ARG002 - all fields alike
        return True

    def rows(self, entity: str) -> Rows:  # noqa: ARG002 - all entities alike
        return None

    def field_rows(self, entity: str, field: str) -> Rows:  # noqa: ARG002 - all fields alike
        return None


SYSTEM_SCOPE = SystemScope()
