"""Mistakes that somebody could make about what is no role's: restrictions of plugins, and shares of single records."""

from __future__ import annotations

from tests.access.mutations import Mutation

_ACCESS = "crm_kernel.access"

MUTATIONS_BEYOND_ROLES = [
    Mutation(
        "restrictions are not for the role `admin`",
        f"{_ACCESS}:access_for",
        "return Access(model, None, caller.entities, narrow)",
        "return Access(model, None, caller.entities)",
    ),
    Mutation(
        "a restriction widens",
        f"{_ACCESS}:Access._narrowed",
        "where=both([grant.where, *rules] if grant.where else rules)",
        "where=both(rules)",
    ),
    Mutation(
        "a new image past the restrictions",
        f"{_ACCESS}:Access._narrowed",
        "check=both([grant.check, *rules] if grant.check else rules)",
        "check=grant.check",
    ),
    Mutation(
        "a share holds after its end",
        "crm_kernel.callers:Shared.ids",
        "if until is None or until > now",
        "if True",
    ),
    Mutation(
        "a share gives fields that were denied",
        f"{_ACCESS}:share_grants",
        "_covered(shared.readable, model)",
        "frozenset(model.fields)",
    ),
    Mutation(
        "a share gives fields to write that were denied",
        f"{_ACCESS}:share_grants",
        "writable=frozenset(_covered(shared.writable, model))",
        "writable=frozenset(model.fields)",
    ),
    Mutation(
        "a share of another user",
        "crm_kernel.storage.shares:of_users",
        ".where(Share.user.is_in(list(users)))",
        "",
    ),
    Mutation(
        "a share gives more than its actions",
        f"{_ACCESS}:share_grants",
        "actions=frozenset(shared.actions)",
        'actions=frozenset({"read", "update", "move", "delete"})',
    ),
]
