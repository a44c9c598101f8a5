"""Positions of listeners, retries, dead letters."""

from __future__ import annotations

from crm_kernel.storage import delivery
from crm_kernel.storage.delivery import DEAD, Pending
from crm_kernel.storage.ports import Database

NOW = "2026-03-01T10:00:00Z"
LATER = "2026-03-01T11:00:00Z"


def pending(seq: int, record: str = "a", listener: str = "mail", **more: object) -> Pending:
    return Pending(listener, seq, "contact", record, **more)  # type: ignore[arg-type]


async def test_a_position_never_goes_back(database: Database) -> None:
    for listener, seq in (("mail", 5), ("mail", 3), ("log", 9)):
        await database.write(lambda tx, listener=listener, seq=seq: delivery.advance(tx, listener, seq))
    assert await delivery.positions(database) == {"mail": 5, "log": 9}
    await database.write(lambda tx: delivery.put(tx, [pending(4)]))
    await database.write(lambda tx: delivery.forget_listener(tx, "mail"))
    assert await delivery.positions(database) == {"log": 9}
    assert await delivery.held_back(database, "mail") == set()


async def test_a_failed_delivery_holds_its_record_back(database: Database) -> None:
    first = pending(1, next_at=LATER, attempts=2, error="no")
    rows = [first, pending(2), pending(3, "b"), pending(4, "b"), pending(5, listener="log")]
    await database.write(lambda tx: delivery.put(tx, rows))
    assert await delivery.held_back(database, "mail") == {("contact", "a"), ("contact", "b")}
    assert await delivery.due(database, "mail", NOW) == [pending(3, "b")]
    assert await delivery.due(database, "mail", LATER) == [first, pending(3, "b")]
    assert await delivery.due(database, "mail", LATER, 1) == [first]
    await database.write(lambda tx: delivery.done(tx, "mail", 3))
    assert await delivery.due(database, "mail", NOW) == [pending(4, "b")]
    await database.write(lambda tx: delivery.done(tx, "mail", 1))
    assert await delivery.due(database, "mail", NOW) == [pending(2), pending(4, "b")]


async def test_a_fraction_of_a_second_is_due_after_its_full_second(database: Database) -> None:
    soon = pending(1, next_at="2026-03-01T10:00:00.9Z")
    await database.write(lambda tx: delivery.put(tx, [soon]))
    assert await delivery.due(database, "mail", NOW) == []
    assert await delivery.due(database, "mail", "2026-03-01T10:00:00.91Z") == [soon]
    assert await delivery.due(database, "mail", "2026-03-01T10:00:01Z") == [soon]
    assert await delivery.waiting(database) == {"mail"}


async def test_a_dead_letter_waits_for_a_replay(database: Database) -> None:
    await database.write(lambda tx: delivery.put(tx, [pending(1), pending(2), pending(1, listener="log")]))
    died = [pending(1, state=DEAD, attempts=9, error="no"), pending(1, listener="log", state=DEAD)]
    await database.write(lambda tx: delivery.put(tx, died))
    assert await delivery.due(database, "mail", LATER) == []
    assert await delivery.dead(database) == [died[1], died[0]]
    assert await database.write(lambda tx: delivery.replay(tx, 2, 9)) == 0
    assert await database.write(lambda tx: delivery.replay(tx, 1, 1)) == 2
    assert await delivery.dead(database) == []
    assert await delivery.due(database, "mail", NOW) == [pending(1, error="no")]


async def test_when_the_next_is_due(database: Database) -> None:
    assert await delivery.next_due(database) is None
    rows = [pending(1, next_at=LATER), pending(2, next_at=NOW, state=DEAD)]
    await database.write(lambda tx: delivery.put(tx, rows))
    assert await delivery.next_due(database) == LATER
