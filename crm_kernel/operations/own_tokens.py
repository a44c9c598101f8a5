"""The tokens of whoever asks: listed, made and ended with a credential of his (floor 7)."""

from __future__ import annotations

from typing import Any, Protocol

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock, moment_text
from crm_kernel.errors import Error, near
from crm_kernel.operations.credentials import Credential, manages
from crm_kernel.operations.identity import Identity
from crm_kernel.operations.members import Members
from crm_kernel.registry import Registry

MAX_NAME = 100


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def clock(self) -> Clock: ...


class OwnTokens:
    """The tokens of whoever asks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def listed(self, caller: Caller) -> list[dict[str, Any]]:
        """His tokens that are not revoked, oldest first. Raises `Error("forbidden")`."""
        manages(caller, changing=False)
        return await self._services.identity.tokens(str(caller.login))

    async def create(self, body: object, credential: Credential) -> dict[str, Any]:
        """A new token by `{"name", "read_only"?, "entities"?, "expires_at"?}`, its text shown this once.

        A token gives no more than it has: one that ends makes none that lives longer. Raises `Error`: forbidden,
        read_only_token, invalid.
        """
        caller = credential.caller
        manages(caller, changing=True)
        members = Members(body, ("name", "read_only", "entities", "expires_at"))
        name, only_reads = members.text("name", MAX_NAME), members.flag("read_only")
        entities, expires = members.texts("entities"), members.moment("expires_at")
        known = [n for n in self._services.registry.entities if self._services.registry.access(caller).knows(n)]
        for number, entity in enumerate(entities or ()):
            if entity not in known:
                detail = f"There is no entity {entity[:100]!r} for you;{near(entity[:100], known)}"
                members.fault(("entities", number), "enum", detail)
        if expires is not None and expires <= self._services.clock.now():
            members.fault(("expires_at",), "minimum", "expires_at is over already.")
        members.check()
        if credential.expires is not None and (expires is None or expires > credential.expires):
            detail = f"This token ends at {moment_text(credential.expires)}; it makes none that lives longer."
            raise Error("forbidden", detail)
        id, text = await self._services.identity.create_token(
            str(caller.login), name.strip(), read_only=only_reads, entities=entities, expires_at=expires
        )
        made = next(token for token in await self._services.identity.tokens(str(caller.login)) if token["id"] == id)
        return {**made, "token": text}

    async def revoke(self, caller: Caller, id: str) -> None:
        """End one of his tokens at once. Raises `Error`: forbidden, read_only_token, not_found."""
        manages(caller, changing=True)
        await self._services.identity.revoke(id, user=caller.id)
