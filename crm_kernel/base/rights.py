"""Rules about who may have which rights: one administrator stays, and nobody grants what he does not have.

A role gives what it grants, a team the records of its members: neither is given by who does not have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_kernel.base.entities import Team, User

if TYPE_CHECKING:
    from crm_kernel import Batch

ADMIN = "admin"
_GONE = ("delete", "purge")


def _can_sign_in(user: Mapping[str, Any] | None, *, restored: bool) -> bool:
    return user is not None and user["active"] and (user["deleted_at"] is None or restored)


def _roles(user: Mapping[str, Any] | None, *, restored: bool = False) -> set[str]:
    """The roles a user can use: none while he is disabled or deleted."""
    return set(user["roles"] or ()) if user is not None and _can_sign_in(user, restored=restored) else set()


def _memberships(user: Mapping[str, Any] | None, *, restored: bool = False) -> list[tuple[str, str, Any]]:
    """(pointer, team, what is said of it) of the teams a user is in, of other days too; none while he is disabled."""
    if user is None or not _can_sign_in(user, restored=restored):
        return []
    main = [("/team", user["team"], user["team"])] if user["team"] else []
    return [*main, *((f"/teams/{n}/team", further["team"], further) for n, further in enumerate(user["teams"] or ()))]


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
        if foreign and change.kind not in _GONE:
            named = ", ".join(repr(role) for role in foreign)
            change.refuse("/roles", f"You may not give a role that you do not have: {named}.", code="base.foreign_role")


async def refuse_foreign_teams(batch: Batch) -> None:
    """Who is no administrator puts people only into teams that he is in, and such teams only below others."""
    actor = batch.actor
    if actor.system or actor.is_admin:
        return
    own = set(actor.teams)
    for change in batch.of(User):
        before: Any = change.before
        after: Any = change.after
        if change.kind in _GONE:
            continue
        kept = [said for _, _, said in _memberships(before)]
        for pointer, team, said in _memberships(after, restored=change.kind == "restore"):
            if team not in own and said not in kept:
                detail = "You may not put anybody into a team that you are not in."
                change.refuse(pointer, detail, code="base.foreign_team")
    for change in batch.of(Team):
        team: Any = change.before
        if team is not None and change.after["parent"] not in (None, team["parent"]) and team["id"] not in own:
            detail = "You may not put a team that you are not in below another: that shows what it has to others."
            change.refuse("/parent", detail, code="base.foreign_team")


async def keep_an_admin(batch: Batch) -> None:
    """Refuse what would leave no active user with the role `admin`."""
    losing: list[Any] = []
    for change in batch.of(User):
        before: Any = change.before
        after: Any = change.after
        gone = change.kind in _GONE or ADMIN not in _roles(after)
        if gone and ADMIN in _roles(before):
            losing.append(change)
    if not losing:
        return
    await batch.lock("base:administrators")  # of two that go at once, the second sees that the first has gone
    left = await batch.find(User, "active = true and roles contains 'admin'")
    if any(ADMIN in user["roles"] for user in left):
        return
    for change in losing:
        pointer = next((f"/{name}" for name in ("active", "roles") if name in change.changed), "")
        change.refuse(pointer, "The last administrator cannot be disabled or removed.", code="base.last_admin")
