"""What `base` does before a write: a contact has a name, given or formed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_kernel.base.entities import Contact

if TYPE_CHECKING:
    from crm_kernel import Batch

_LEAVES_NAME = ("delete", "restore", "purge")


def formed_name(record: Mapping[str, Any]) -> str:
    """First and last name as one, `""` where both are empty."""
    return " ".join(part for part in (record["first_name"], record["last_name"]) if part)


async def fill_contact_name(batch: Batch) -> None:
    """Forms a contact's name of its parts, and forms it anew with them unless it was given by hand."""
    for change in batch.of(Contact):
        if change.kind in _LEAVES_NAME:
            continue
        before: Any = change.before
        after: Any = change.after
        follows = before is not None and before["name"] == formed_name(before) and after["name"] == before["name"]
        if after["name"] and not follows:
            continue
        name = formed_name(after) or after["name"]
        if not name:
            change.refuse("/name", "A contact needs a name, a first name or a last name.", code="required")
        elif name != after["name"]:
            change.amend(name=name)
