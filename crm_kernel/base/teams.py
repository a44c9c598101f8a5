"""What `base` checks of teams: they are a tree, and memberships begin before they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_kernel.base.entities import Team, User

if TYPE_CHECKING:
    from crm_kernel import Batch

_MOST = 100_000
_GONE = ("delete", "purge")


async def refuse_circles(batch: Batch) -> None:
    """A team is not below itself, by however many steps."""
    changes = [change for change in batch.of(Team) if change.kind not in _GONE]
    moved = [change for change in changes if change.before is not None and change.after["parent"] is not None]
    if not moved:
        return
    await batch.lock("base:teams")  # two teams put below each other at once would pass both
    parents: dict[str, Any] = {team["id"]: team["parent"] for team in await batch.find(Team, limit=_MOST)}
    parents.update((change.after["id"], change.after["parent"]) for change in changes)
    for change in moved:
        above: Any = change.after["parent"]
        seen: set[str] = set()
        while above is not None and above not in seen:
            if above == change.after["id"]:
                change.refuse("/parent", "A team cannot be below itself.", code="base.team_circle")
                break
            seen.add(above)
            above = parents.get(above)


async def check_memberships(batch: Batch) -> None:
    """A membership is of a team that is there, and does not end before it begins."""
    changes = [c for c in batch.of(User) if c.kind not in _GONE and (c.is_new() or "teams" in c.changed)]
    named: set[str] = {membership["team"] for change in changes for membership in change.after["teams"] or ()}
    if not named:
        return
    found = await batch.find(Team, "id in @param.ids", limit=_MOST, ids=sorted(named))
    there = {team["id"] for team in found} | {c.after["id"] for c in batch.of(Team) if c.kind not in _GONE}
    for change in changes:
        for number, membership in enumerate(change.after["teams"] or ()):
            if membership["team"] not in there:
                change.refuse(f"/teams/{number}/team", "There is no such team.", code="reference")
            since, until = membership.get("since"), membership.get("until")
            if since and until and until < since:
                detail = f"The membership would end on {until}, before it begins on {since}."
                change.refuse(f"/teams/{number}/until", detail, code="base.membership_dates")
