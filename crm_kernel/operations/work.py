"""What one operation works with: transaction, registry, the caller's access, the moment, related records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from crm_kernel.access import Access
from crm_kernel.callers import Caller, system
from crm_kernel.clock import moment_text
from crm_kernel.errors import Error
from crm_kernel.fields.base import ValueContext
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.model import EntityModel
from crm_kernel.operations.deadline import Deadline
from crm_kernel.registry import Registry
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.store import Store


class Work:
    """One operation on records in hand by one caller."""

    holding: Tx | None = None
    """The transaction that keeps what is loaded as it is, in a write."""

    def __init__(self, reads: Reads, store: Store, registry: Registry, caller: Caller, now: datetime) -> None:
        self.reads = reads
        self.store = store
        self.registry = registry
        self.caller = caller
        self.now = moment_text(now)
        self.access = registry.access(caller)
        self.environment: Environment = registry.environment(caller, now)
        self.values: ValueContext = registry.value_context

    @cached_property
    def system_access(self) -> Access:
        """The rights of the system itself."""
        return self.registry.access(system(self.caller.channel))

    def model(self, entity: str) -> EntityModel:
        """The model of a declared entity."""
        return self.registry.entities[entity]

    async def select_for_change(
        self, model: EntityModel, ids: Sequence[str | None], access: Access, expressions: Sequence[Expression]
    ) -> dict[str, tuple[dict[str, Any], tuple[bool, ...]]]:
        """The visible rows with these ids, deleted ones too: id → (record, whether each expression holds on it).

        In a write nobody else changes them until its COMMIT.
        """
        wanted = [id for id in ids if id is not None and len(id) == 36 and id.isascii() and id.isprintable()]
        if not wanted:  # ids of ours are UUIDs: one of another form need not be looked for
            return {}
        rows = access.rows(model.name)
        return await self.store.lookups.load_with_flags(
            self.reads, model, wanted, rows, expressions, self.environment, hold=self.holding
        )

    async def visible_ids(self, entity: str, ids: Iterable[str], access: Access) -> set[str]:
        """Those of `ids` that are live records of `entity` the access lets see."""
        return await self.store.lookups.visible_ids(
            self.reads, self.model(entity), ids, access.rows(entity), self.environment
        )

    async def find_among(self, wanted: Mapping[str, Iterable[str]], access: Access) -> dict[str, str]:
        """id → entity of those ids, by entity, that are live, visible records of it (one statement)."""
        if len(wanted) == 1:
            [(entity, ids)] = wanted.items()
            return dict.fromkeys(await self.visible_ids(entity, ids, access), entity)
        reachable = [(self.model(entity), access.rows(entity)) for entity in sorted(wanted)]
        every = sorted({id for ids in wanted.values() for id in ids})
        return await self.store.lookups.find_anywhere(self.reads, reachable, every, self.environment)

    async def find_anywhere(self, ids: Iterable[str], access: Access) -> dict[str, str]:
        """id → entity of those of `ids` that are live, visible records of any entity (one statement)."""
        reachable = [(m, access.rows(m.name)) for m in self.registry.entities.values() if access.allows(m.name, "read")]
        return await self.store.lookups.find_anywhere(self.reads, reachable, ids, self.environment)

    def holds(self, expression: Expression, record: dict[str, Any]) -> bool:
        """Whether an expression holds on a record in hand; what it needs of others must be prefetched."""
        return to_predicate(expression)(record, self.environment)

    async def prefetch(self, expressions: Iterable[Expression], records: Sequence[dict[str, Any]]) -> None:
        """Load what the expressions read of other records, so that `holds` can answer."""
        related = [e for e in expressions if e.uses_related]
        if related and records:
            self.environment = await self.store.lookups.prefetch(
                self.reads, self.registry.entities, related, records, self.environment
            )

    def with_params(self, params: Mapping[str, Any]) -> Environment:
        """The environment with values for `@param.NAME`."""
        return msgspec.structs.replace(self.environment, params=params)

    def as_seen(self, expression: Expression) -> Expression | None:
        """An expression in the caller's scope, None where it reads a path that does not exist for him: then neither
        it nor its values may be quoted to him."""
        try:
            return resolve(
                expression.text,
                expression.entity,
                self.registry.entities,
                scope=self.access,
                context=self.registry.value_context,
            )
        except Error:
            return None


class WriteWork(Work):
    """One write inside one transaction."""

    looks_up_taken = True
    """Whether a change that comes alone looks up whether its unique values are taken, instead of being told."""
    deadline: Deadline | None = None
    """The time that all hooks of this write have, once one is called."""

    def __init__(self, tx: Tx, store: Store, registry: Registry, caller: Caller, now: datetime) -> None:
        super().__init__(tx, store, registry, caller, now)
        self.tx = self.holding = tx
        self.added: dict[str, str] = {}
        """id → entity of the records that hooks create: what they amend may refer to one before its turn comes."""
