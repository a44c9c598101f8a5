"""What a process keeps in memory goes out of date when another writes: seen here, at the latest within a second.

Before each request the database is asked for its data version, which costs next to nothing; only where that moved are
few numbers read: `epoch` (users, teams, tokens), `documents` and `plugins` (their quarantines).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from crm_kernel.operations.quarantines import Quarantines
from crm_kernel.storage import meta
from crm_kernel.storage.ports import Database

FOLLOW_SECONDS = 1.0
"""Seconds between two looks of a process that nobody asks anything."""


class Following:
    """Drops or renews what one kernel keeps.

    `forget` drops people, `reload` reads the documents anew, `quarantines` those of plugins.
    """

    def __init__(
        self,
        database: Database,
        forget: Callable[[], None],
        reload: Callable[[], Awaitable[None]],
        quarantines: Quarantines,
    ) -> None:
        self.epoch = -1
        """Of the people that are kept."""
        self.documents = 0
        """Of the documents in force."""
        self._database = database
        self._forget = forget
        self._reload = reload
        self._quarantines = quarantines
        self._data_version = -1
        self._looking = asyncio.Lock()

    async def look(self, *, closely: bool = False) -> None:
        """See whether anything that is kept was changed by another process, and follow.

        `closely`: even where no news has come; on PostgreSQL it may still be on its way.
        """
        if self._database.data_version() == self._data_version and not closely:
            return
        async with self._looking:
            version = self._database.data_version()
            epoch, documents, plugins = await meta.marks(self._database)
            if epoch != self.epoch:
                self._forget()
                self.epoch = epoch
            if plugins != self._quarantines.mark:
                await self._quarantines.load(plugins)
            if documents != self.documents:
                await self._reload()
            self._data_version = version
