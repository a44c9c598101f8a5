"""What operations store and look up with: one per kernel."""

from __future__ import annotations

import uuid_utils

from crm_kernel.storage.lookups import Lookups
from crm_kernel.storage.ports import EngineDialect
from crm_kernel.storage.records import RecordStore


class Store:
    """The repositories that keep compiled statements; the others are modules of this folder."""

    def __init__(self, dialect: EngineDialect) -> None:
        self.dialect = dialect
        self.records = RecordStore(dialect)
        self.lookups = Lookups(self.records, dialect)

    @staticmethod
    def new_id() -> str:
        """A new primary key: UUIDv7, so that ids of later records sort later."""
        return str(uuid_utils.uuid7())
