"""What operations store and look up with: one per kernel."""

from __future__ import annotations

import uuid_utils

from crm_kernel.model import EntityModel
from crm_kernel.storage.indexes import entity_indexes
from crm_kernel.storage.lookups import Lookups
from crm_kernel.storage.ports import EngineDialect, Reads
from crm_kernel.storage.records import RecordStore


class Store:
    """The repositories that keep compiled statements; the others are modules of this folder."""

    def __init__(self, dialect: EngineDialect) -> None:
        self.dialect = dialect
        self.records = RecordStore(dialect)
        self.lookups = Lookups(self.records, dialect)
        self._built: frozenset[str] = frozenset()
        self._guarded: dict[EntityModel, bool] = {}

    async def learn_indexes(self, reads: Reads) -> None:
        """Know which indexes there are now."""
        self._built = frozenset([name for _, name in await reads.read(self.dialect.indexes_sql)])
        self._guarded.clear()

    def forget_indexes(self) -> None:
        """Take no index for granted: what is declared has changed."""
        self._built = frozenset()
        self._guarded.clear()

    def guards(self, model: EntityModel) -> bool:
        """Whether each unique field of an entity has its unique index; one cannot be built over equal values."""
        guarded = self._guarded.get(model)
        if guarded is None:
            needed = {index.name for index in entity_indexes(model) if index.unique}
            guarded = self._guarded[model] = needed <= self._built
        return guarded

    @staticmethod
    def new_id() -> str:
        """A new primary key: UUIDv7, so that ids of later records sort later."""
        return str(uuid_utils.uuid7())
