"""Who acts: a person, a token of his, the system, or a plugin (floor 4)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from crm_kernel.errors import Error

ADMIN = "admin"


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one entity that were shared with somebody alike: what may be done with them, which of their fields
    read and written, and their ids, each with the moment at which it ends (None: never)."""

    entity: str
    actions: tuple[str, ...]
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    records: tuple[tuple[str, datetime | None], ...]

    def ids(self, now: datetime) -> list[str]:
        """Those that are shared at a moment."""
        return [id for id, until in self.records if until is None or until > now]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The one on whose behalf an operation runs.

    `teams` are all teams he is in today and those below them (`@my_teams`), `team` his main one (`@my_team`).
    `shares` are single records that were shared with him.
    `system` callers (command line, jobs, plugins) pass every access rule; `plugin` names the plugin that acts.
    `read_only` and `entities` are the scopes of the token he came with. `cause` and `depth` tell what led here.
    """

    id: str | None = None
    login: str | None = None
    name: str | None = None
    roles: frozenset[str] = frozenset()
    team: str | None = None
    teams: tuple[str, ...] = ()
    shares: tuple[Shared, ...] = ()
    timezone: str = "UTC"
    locale: str = "en"
    channel: str = "api"
    system: bool = False
    plugin: str | None = None
    read_only: bool = False
    entities: frozenset[str] | None = None
    cause: dict[str, str] | None = None
    depth: int = 0

    @property
    def is_admin(self) -> bool:
        """Whether the role `admin` is his."""
        return ADMIN in self.roles

    @property
    def unrestricted(self) -> bool:
        """Whether no grant limits him (system rights, or the role `admin` without a narrower token)."""
        return self.system or (self.is_admin and self.entities is None)


def system(channel: str, *, timezone: str = "UTC", locale: str = "en", plugin: str | None = None) -> Caller:
    """The system itself acting through `channel`, with all rights."""
    return Caller(channel=channel, system=True, timezone=timezone, locale=locale, plugin=plugin)


def read_only() -> Error:
    """The refusal of a change that came with a token which only reads."""
    return Error("read_only_token", "This token was made to read only; the request would change something.")
