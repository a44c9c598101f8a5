"""What a `Crm` needs of its kernel (floor 7)."""

from __future__ import annotations

from typing import Any, Protocol

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.operations.report import Reports
from crm_kernel.operations.write import Writer
from crm_kernel.plugin_words import Messages
from crm_kernel.registry import Registry
from crm_kernel.storage.ports import Database
from crm_kernel.storage.store import Store


class Services(Protocol):
    """What a `Crm` needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def reader(self) -> RecordReader: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def database(self) -> Database: ...
    @property
    def store(self) -> Store: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def reports(self) -> Reports: ...
    def settings_of(self, plugin: str | None) -> Any: ...
    def messages_of(self, plugin: str | None) -> Messages: ...
    async def caller_for(self, user: str, channel: str) -> Caller: ...
