"""Single records shared with users."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Share


class StoredShare(NamedTuple):
    """One share. `readable` and `writable` are names of fields, `*` for all that are not sensitive."""

    id: str
    entity: str
    record: str
    user: str
    actions: tuple[str, ...]
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    expires_at: str | None
    created_at: str
    created_by: str | None


_LISTS = ("actions", "readable", "writable")


async def add(tx: Tx, share: StoredShare) -> None:
    """Store a new share."""
    row: dict[str, Any] = share._asdict()
    row |= {name: to_json(row[name]) for name in _LISTS}
    await tx.run(Share.insert(Share(**row)))


async def of_record(reads: Reads, entity: str, record: str) -> list[StoredShare]:
    """The shares of a record, oldest first, those that are over too."""
    query = Share.select().where(Share.entity == entity).where(Share.record == record)
    return [_share(row) for row in await reads.run(query.order_by(Share.created_at).order_by(Share.id))]


async def of_users(reads: Reads, users: Collection[str]) -> list[StoredShare]:
    """What was shared with some users, oldest first, what is over too."""
    if not users:
        return []
    query = Share.select().where(Share.user.is_in(list(users))).order_by(Share.created_at).order_by(Share.id)
    return [_share(row) for row in await reads.run(query)]


async def remove(tx: Tx, id: str, entity: str, record: str) -> bool:
    """Remove a share of a record; whether there was one."""
    query = Share.delete().where(Share.id == id).where(Share.entity == entity).where(Share.record == record)
    return bool(await tx.run(query.returning(Share.id)))


async def remove_of_records(tx: Tx, entity: str, records: Collection[str]) -> bool:
    """Remove all shares of some records; whether there were any."""
    query = Share.delete().where(Share.entity == entity).where(Share.record.is_in(list(records)))
    return bool(await tx.run(query.returning(Share.id)))


async def remove_of_entity(tx: Tx, entity: str) -> None:
    """Remove all shares of an entity's records."""
    await tx.run(Share.delete().where(Share.entity == entity))


async def remove_of_users(tx: Tx, users: Collection[str]) -> None:
    """Remove all that was shared with some users."""
    await tx.run(Share.delete().where(Share.user.is_in(list(users))))


def _share(row: dict[str, Any]) -> StoredShare:
    lists: dict[str, Any] = {name: tuple(from_json(row[name]) or ()) for name in _LISTS}
    return StoredShare(**(row | lists))
