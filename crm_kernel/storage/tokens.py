"""API tokens, by the hash of what was shown once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Token


class StoredToken(NamedTuple):
    """One token. `entities`: the only entities it is for, None = all; moments are canonical texts."""

    id: str
    user: str
    name: str
    hash: str
    read_only: bool
    entities: tuple[str, ...] | None
    expires_at: str | None
    created_at: str
    last_used_at: str | None = None
    revoked_at: str | None = None


async def add(tx: Tx, token: StoredToken) -> None:
    """Store a new token."""
    row: dict[str, Any] = token._asdict() | {"entities": to_json(token.entities)}
    await tx.run(Token.insert(Token(**row)))


async def by_hash(reads: Reads, hash: str) -> StoredToken | None:
    """The token with this hash, revoked and expired ones too."""
    rows = await reads.run(Token.select().where(Token.hash == hash))
    return _token(rows[0]) if rows else None


async def of_user(reads: Reads, user: str) -> list[StoredToken]:
    """All tokens of a user that are not revoked, oldest first."""
    query = Token.select().where(Token.user == user).where(Token.revoked_at.is_null()).order_by(Token.created_at)
    return [_token(row) for row in await reads.run(query)]


async def revoke(tx: Tx, id: str, at: str, *, user: str | None = None) -> bool:
    """Revoke a token (with `user`: only one of his); whether there was one to revoke."""
    query = Token.update({Token.revoked_at: at}).where(Token.id == id).where(Token.revoked_at.is_null())
    if user is not None:
        query = query.where(Token.user == user)
    return bool(await tx.run(query.returning(Token.id)))


async def touch(tx: Tx, id: str, at: str) -> None:
    """Note that a token was used."""
    await tx.run(Token.update({Token.last_used_at: at}).where(Token.id == id))


async def remove_all(tx: Tx, users: Collection[str]) -> None:
    """Remove all tokens of some users."""
    await tx.run(Token.delete().where(Token.user.is_in(list(users))))


def _token(row: dict[str, Any]) -> StoredToken:
    entities = from_json(row["entities"])
    changed: dict[str, Any] = {
        "read_only": bool(row["read_only"]),
        "entities": None if entities is None else tuple(entities),
    }
    return StoredToken(**(row | changed))
