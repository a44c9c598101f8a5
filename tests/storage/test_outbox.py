"""Events in the order of their commit."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from crm_kernel.storage import outbox
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.ports import Database


def event(number: int, at: str = "2026-03-01T10:00:00Z") -> OutboxEvent:
    return OutboxEvent(f"e{number}", "record.updated", "contact", "r", number, at, None, "api", ["name"])


async def settled(database: Database, least: int) -> int:
    """The last number, once it is at least so much: on PostgreSQL other databases' writes are waited for."""
    async with asyncio.timeout(5):
        while (last := await outbox.last_seq(database)) < least:  # noqa: ASYNC110 - nobody tells when they end
            await asyncio.sleep(0.01)
    return last


async def test_the_feed_skips_none(database: Database) -> None:
    await asyncio.gather(*(database.write(lambda tx, n=n: outbox.add(tx, [event(n)])) for n in range(10)))
    first = await outbox.after(database, 0, 4)
    rest = await outbox.after(database, first[-1].seq, 100)
    assert sorted(e.id for e in first + rest) == [f"e{n}" for n in range(10)]
    assert [e.seq for e in first + rest] == list(range(1, 11))


async def test_the_feed_of_one_type_and_entity(database: Database) -> None:
    others = [event(2)._replace(type="record.created"), event(3)._replace(entity="company")]
    await database.write(lambda tx: outbox.add(tx, [event(1), *others, event(4)]))
    for wanted, given in (
        ([1, 3, 4], {"type": "record.updated"}),
        ([1, 4], {"type": "record.updated", "entity": "contact"}),
        ([1, 2], {"entity": "contact", "until": 3}),
    ):
        assert [e.seq for e in await outbox.after(database, 0, 10, **given)] == wanted  # type: ignore[arg-type]


async def test_what_kinds_of_events_there_are(database: Database) -> None:
    others = [event(2)._replace(type="record.created"), event(3)._replace(entity="company")]
    await database.write(lambda tx: outbox.add(tx, [event(1), *others, event(4)]))
    updated, created = ("record.updated", "contact"), ("record.created", "contact")
    assert await outbox.kinds(database, 0, until=2) == {updated, created}
    assert await outbox.kinds(database, 1, until=3) == {created, ("record.updated", "company")}
    assert await outbox.kinds(database, 4, until=9) == set()


async def test_events_come_back_as_they_were_written(database: Database) -> None:
    full = event(1)._replace(extra={"after": {"rate": Decimal("1.50")}}, cause="e0", depth=2, actor="u")
    bare = event(2)._replace(changed=())
    await database.write(lambda tx: outbox.add(tx, [full, bare]))
    found = await outbox.by_seq(database, [2, 1, 9])
    assert found[0]._replace(seq=0) == full
    assert list(found[1].changed) == []


async def test_numbers_are_never_given_twice(database: Database) -> None:
    assert await outbox.last_seq(database) == 0
    await database.write(lambda tx: outbox.add(tx, [event(1, "2026-01-01T00:00:00Z"), event(2), event(3)]))
    await database.write(lambda tx: outbox.prune(tx, before="2026-02-01T00:00:00Z", served=3))
    assert [e.id for e in await outbox.after(database, 0, 10)] == ["e2", "e3"]
    await database.write(lambda tx: outbox.prune(tx, before="2026-12-01T00:00:00Z", served=2))
    assert [e.id for e in await outbox.after(database, 0, 10)] == ["e3"]
    await database.write(lambda tx: outbox.prune(tx, before="2026-12-01T00:00:00Z", served=3))
    assert await settled(database, 3) == 3
    await database.write(lambda tx: outbox.add(tx, [event(4)]))
    assert [e.seq for e in await outbox.after(database, 0, 10)] == [4]
