"""Somebody fresh to act as in a test: a user with the roles that the test names (floor 11)."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.kernel import Kernel
from crm_kernel.operations.changes import Change
from crm_kernel.operations.crm import Crm
from crm_kernel.testing.client import Answer, Client


class Person(Crm):
    """A `crm` with the rights of a new user, through both doors as his requests would pass.

    The user is made when he first acts, or when the person is awaited: `agent = await crm.as_user(role="agent")`.
    """

    def __init__(self, kernel: Kernel, client: Client, login: str, roles: Sequence[str], **values: Any) -> None:
        super().__init__(kernel, kernel.system("job"))
        self.login = login
        self.id = ""
        self._kernel = kernel
        self._client = client
        self._values = {"name": login, **values, "login": login, "roles": list(roles)}
        self._token = ""

    def __await__(self) -> Generator[Any, Any, Person]:
        return self._made().__await__()

    async def _made(self) -> Person:
        if not self.id:
            made = await Crm(self._kernel, self._caller).write([Change.create("user", self._values)])
            self.id = str(made[0]["id"])
        return self

    async def caller(self) -> Caller:
        """He as the kernel knows him now."""
        await self._made()
        return await self._kernel.caller_for(self.id, "api")

    async def _acting(self, as_user: str | None) -> Caller:
        return await self.caller() if as_user is None else await super()._acting(as_user)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request of his over HTTP."""
        if not self._token:
            await self._made()
            _, self._token = await self._kernel.identity.create_token(self.login, "test")
        return await self._client.send(method, path, body, token=self._token, headers=headers, query=query)
