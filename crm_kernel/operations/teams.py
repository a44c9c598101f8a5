"""Which teams a user is in: his main one, further ones for a time, and all below them (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def own_teams(user: Mapping[str, Any], today: str) -> list[str]:
    """The teams a user record names for a day (`YYYY-MM-DD`): the main one first. `since` and `until` are included."""
    further = [m["team"] for m in user["teams"] or () if _holds(m, today)]
    return list(dict.fromkeys([*([user["team"]] if user["team"] else []), *further]))


def _holds(membership: Mapping[str, Any], today: str) -> bool:
    since, until = membership.get("since"), membership.get("until")
    return (since is None or since <= today) and (until is None or today <= until)


def with_below(teams: Iterable[str], parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """These teams and all below them. `parents`: every live team with the one above it; others are left out."""
    children: dict[str, list[str]] = {}
    for team, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(team)
    found = dict.fromkeys(team for team in teams if team in parents)
    waiting = list(found)
    while waiting:
        below = [team for team in children.get(waiting.pop(), ()) if team not in found]
        found.update(dict.fromkeys(below))
        waiting += below
    return tuple(found)
