"""Rules about who may have which rights: one administrator stays, and nobody grants what he does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_kernel.base.entities import User

if TYPE_CHECKING:
    from crm_kernel import Batch

ADMIN = "admin"


def _roles(user: Mapping[str, Any] | None, *, restored: bool = False) -> set[str]:
    """The roles a user can use: none while he is disabled or deleted."""
    if user is None or not user["active"] or (user["deleted_at"] is not None and not restored):
        return set()
    return set(user["roles"] or ())


async def refuse_foreign_roles(batch: Batch) -> None:
    """Who is no administrator gives (or gives back) only roles that he has himself."""
    actor = batch.actor
    if actor.system or actor.is_admin:
        return
    for change in batch.of(User):
        before: Any = change.before
        after: Any = change.after
        given = _roles(after, restored=change.kind == "restore")
        foreign = sorted(given - _roles(before) - actor.roles)
        if foreign and change.kind not in ("delete", "purge"):
            named = ", ".join(repr(role) for role in foreign)
            change.refuse("/roles", f"You may not give a role that you do not have: {named}.", code="base.foreign_role")


async def keep_an_admin(batch: Batch) -> None:
    """Refuse what would leave no active user with the role `admin`."""
    losing: list[Any] = []
    for change in batch.of(User):
        before: Any = change.before
        after: Any = change.after
        gone = change.kind in ("delete", "purge") or ADMIN not in _roles(after)
        if gone and ADMIN in _roles(before):
            losing.append(change)
    if not losing:
        return
    left = await batch.find(User, "active = true and roles contains 'admin'")
    if any(ADMIN in user["roles"] for user in left):
        return
    for change in losing:
        pointer = next((f"/{name}" for name in ("active", "roles") if name in change.changed), "")
        change.refuse(pointer, "The last administrator cannot be disabled or removed.", code="base.last_admin")
