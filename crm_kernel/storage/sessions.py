"""Sessions of signed-in browsers, by the hash of the cookie's value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Session


class StoredSession(NamedTuple):
    """One session; moments are canonical texts. `former` is the hash before the last rotation, at `rotated_at`."""

    id: str
    hash: str
    user: str
    created_at: str
    seen_at: str
    expires_at: str
    agent: str | None
    rights: str
    former: str | None = None
    rotated_at: str | None = None


async def add(tx: Tx, session: StoredSession) -> None:
    """Store a new session."""
    row: dict[str, Any] = session._asdict()
    await tx.run(Session.insert(Session(**row)))


async def by_hash(reads: Reads, hash: str) -> StoredSession | None:
    """The session with this hash, or with this one before its last rotation."""
    query = Session.select().where((Session.hash == hash) | (Session.former == hash))
    rows = await reads.run(query)
    return StoredSession(**rows[0]) if rows else None


async def by_id(reads: Reads, id: str) -> StoredSession | None:
    """The session with this id."""
    rows = await reads.run(Session.select().where(Session.id == id))
    return StoredSession(**rows[0]) if rows else None


async def of_user(reads: Reads, user: str) -> list[StoredSession]:
    """All sessions of a user, newest first."""
    query = Session.select().where(Session.user == user).order_by(Session.created_at, ascending=False)
    return [StoredSession(**row) for row in await reads.run(query)]


async def rotate(tx: Tx, session: StoredSession, hash: str, *, rights: str, at: str, keep_former: bool) -> bool:
    """Give a session another hash; whether it still had the one that `session` says."""
    query = Session.update(
        {
            Session.hash: hash,
            Session.former: session.hash if keep_former else None,
            Session.rotated_at: at,
            Session.rights: rights,
        }
    )
    found = query.where(Session.id == session.id).where(Session.hash == session.hash)
    return bool(await tx.run(found.returning(Session.id)))


async def touch(tx: Tx, id: str, at: str) -> None:
    """Note that a session was used."""
    await tx.run(Session.update({Session.seen_at: at}).where(Session.id == id))


async def end(tx: Tx, id: str, *, user: str) -> bool:
    """End a session of a user; whether there was one."""
    query = Session.delete().where(Session.id == id).where(Session.user == user)
    return bool(await tx.run(query.returning(Session.id)))


async def end_by_hash(tx: Tx, hash: str) -> bool:
    """End the session with this hash; whether there was one."""
    return bool(await tx.run(Session.delete().where(Session.hash == hash).returning(Session.id)))


async def end_all(tx: Tx, users: Collection[str], *, but: str = "") -> None:
    """End all sessions of some users, except the one with the id `but`."""
    await tx.run(Session.delete().where(Session.user.is_in(list(users))).where(Session.id != but))


async def prune(tx: Tx, *, expired: str, unused: str) -> None:
    """Remove the sessions that ended before a moment, and those not seen since another one."""
    await tx.run(Session.delete().where((Session.expires_at < expired) | (Session.seen_at < unused)))
