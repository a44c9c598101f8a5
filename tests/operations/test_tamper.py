"""Whoever changes history beside the write door is found, and the first record it concerns is named."""

from __future__ import annotations

import asyncio

import pytest

from crm_kernel import Change
from crm_kernel.operations.tamper import SEAL_SECONDS
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal


async def two_records(crm: TestCrm) -> tuple[str, str]:
    """Two contacts with three versions each, sealed; what comes afterwards is not."""
    made = await crm.write([Change.create("contact", {"name": name}) for name in ("Anna", "Bela")])
    ids = (str(made[0]["id"]), str(made[1]["id"]))
    for number in (2, 3):
        await crm.write([Change.update("contact", id, {"job_title": f"t{number}"}) for id in ids])
    assert await crm.kernel.tamper.seal() >= 6
    return ids


async def test_what_nobody_touched_is_whole(crm: TestCrm) -> None:
    await two_records(crm)
    await crm.write([Change.create("contact", {"name": "Carl"})])
    found = await crm.kernel.tamper.verify()
    assert (found.ok, found.bad, found.seals) == (True, None, 1)
    assert found.entries == found.sealed + 1
    assert await crm.kernel.tamper.seal() == 1
    later = await crm.kernel.tamper.verify(head=found.head)
    assert (later.ok, later.seals, later.sealed) == (True, 2, found.entries)
    assert await crm.kernel.tamper.seal() == 0


async def test_a_purge_erases_values_and_the_chain_holds(crm: TestCrm) -> None:
    first, _ = await two_records(crm)
    await crm.write([Change.delete("contact", first), Change.purge("contact", first)])
    await crm.kernel.tamper.seal()
    found = await crm.kernel.tamper.verify()
    assert (found.ok, found.erased >= 3) == (True, True)
    rows = await crm.kernel.database.read(
        "SELECT changes, salt FROM crm_history WHERE record = ? AND action <> 'purge'", (first,)
    )
    assert set(rows) == {(None, None)}


async def values_of(crm: TestCrm, id: str) -> list[bool]:
    """Whether history still has values, entry by entry, oldest first."""
    items = (await crm.kernel.reader.history("contact", id, crm.kernel.system("api")))["items"]
    return [bool(item["changes"]) for item in reversed(items)]


@pytest.mark.contract("cli.md#history-erase")
async def test_values_are_erased_and_the_chain_holds(crm: TestCrm) -> None:
    first, second = await two_records(crm)
    await crm.write([Change.update("contact", first, {"language": "lv"})])  # not sealed yet
    system = crm.kernel.system("cli")
    head = (await crm.kernel.tamper.verify()).head
    assert await crm.kernel.tamper.erase("contact", first, system, field="job_title") == 2
    assert await values_of(crm, first) == [True, False, False, True]
    assert await crm.kernel.tamper.erase("contact", first, system) == 2
    assert (await values_of(crm, first), await values_of(crm, second)) == ([False] * 4, [True] * 3)
    found = await crm.kernel.tamper.verify(head=head)
    assert (found.ok, found.erased) == (True, 3)
    assert await crm.kernel.tamper.seal() == 1
    found = await crm.kernel.tamper.verify(head=head)
    assert (found.ok, found.erased) == (True, 4)
    kept = await crm.kernel.database.read("SELECT changes, salt FROM crm_history WHERE record = ?", (first,))
    assert set(kept) == {(None, None)}
    await crm.kernel.database.write(
        lambda tx: tx.execute("UPDATE crm_history SET changes = '{}' WHERE record = ? AND version = 2", (first,))
    )
    assert not (await crm.kernel.tamper.verify()).ok


async def test_the_reason_of_a_move_is_erased_too(crm: TestCrm) -> None:
    id = str((await crm.write([Change.create("job", {"number": "A", "amount": 5})]))[0]["id"])
    await crm.write([Change.move("job", id, "lost", reason="too dear")])
    assert await crm.kernel.tamper.erase("job", id, crm.kernel.system("cli"), field="stage_reason") == 1
    await crm.kernel.tamper.seal()
    assert (await crm.kernel.tamper.verify()).ok
    items = (await crm.kernel.reader.history("job", id, crm.kernel.system("api")))["items"]
    assert (items[0]["move"]["to"], items[0]["move"]["reason"]) == ("lost", None)
    stages = await crm.kernel.database.read("SELECT count(*) FROM crm_stage_history WHERE reason IS NOT NULL")
    assert stages == [(0,)]
    undo = crm.kernel.undo.of_version("job", id, 2, crm.kernel.system("api"))
    assert (await refusal(undo)).faults == [("", "conflict")]


async def test_only_administrators_erase(crm: TestCrm) -> None:
    first, _ = await two_records(crm)
    boss, admin = await crm.user("boss", "boss"), await crm.user("root", "admin")
    erase = crm.kernel.tamper.erase
    assert (await refusal(erase("contact", first, boss))).code == "forbidden"
    assert (await refusal(erase("nothing", first, admin))).code == "not_found"
    assert (await refusal(erase("contact", first, admin, field="nothing"))).code == "not_found"
    assert (await refusal(erase("contact", "nothing", admin))).code == "not_found"
    assert await erase("contact", first, admin) == 3
    assert (await refusal(erase("contact", first, admin))).code == "not_found"


def test_new_entries_are_sealed_within_a_minute() -> None:
    assert SEAL_SECONDS <= 60


ATTACKS = {
    "a value": "UPDATE crm_history SET changes = replace(changes, 't2', 'tX') WHERE record = ? AND version = 2",
    "who": "UPDATE crm_history SET actor = 'somebody else' WHERE record = ? AND version = 2",
    "when": "UPDATE crm_history SET at = '2020-01-01T00:00:00Z' WHERE record = ? AND version = 2",
    "another salt": "UPDATE crm_history SET changes = NULL, salt = 'c2FsdA==' WHERE record = ? AND version = 2",
    "values that were not erased": "UPDATE crm_history SET salt = NULL WHERE record = ? AND version = 2",
    "the hash": "UPDATE crm_history SET hash = NULL WHERE record = ? AND version = 2",
    "an entry in the middle": "DELETE FROM crm_history WHERE record = ? AND version = 2",
    "the first entry": "DELETE FROM crm_history WHERE record = ? AND version = 1",
    "the last entry": "DELETE FROM crm_history WHERE record = ? AND version = 3",
    "the record": "UPDATE e_contact SET version = 4 WHERE id = ?",
}


@pytest.mark.contract("cli.md#history-verify")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_the_record_that_was_tampered_with_is_named(crm: TestCrm, attack: str) -> None:
    _, second = await two_records(crm)
    await crm.kernel.database.write(lambda tx: tx.execute(attack, (second,)))
    found = await crm.kernel.tamper.verify()
    assert found.bad is not None, "nothing was found"
    assert (found.ok, found.bad.entity, found.bad.record) == (False, "contact", second)


async def test_an_entry_made_anew_with_its_hash_is_not_the_sealed_one(crm: TestCrm) -> None:
    first, second = await two_records(crm)
    columns = "entity, record, version, at, action, actor, channel, cause, changes, move, salt, digest, hash"
    take = f"UPDATE crm_history SET ({columns}) = (SELECT {columns} FROM crm_history WHERE record = ? AND version = 2)"
    where = " WHERE record = ? AND version = 3"
    await crm.kernel.database.write(lambda tx: tx.execute(take + where, (first, second)))
    found = await crm.kernel.tamper.verify()
    assert found.bad is not None
    assert (found.bad.record, found.bad.what) == (first, "The entry is not the one that was sealed.")


async def test_an_entry_in_another_place_is_found(crm: TestCrm) -> None:
    first, _ = await two_records(crm)
    moved = "UPDATE crm_history SET seq = seq + 1000 WHERE record = ? AND version = 2"
    await crm.kernel.database.write(lambda tx: tx.execute(moved, (first,)))
    found = await crm.kernel.tamper.verify()
    assert found.bad is not None
    assert "was taken away" in found.bad.what


@pytest.mark.parametrize(
    ("attack", "what"),
    [
        ("UPDATE crm_seal SET marks = replace(marks, substr(marks, 1, 11), '-----------')", "does not follow"),
        ("DELETE FROM crm_seal WHERE after = 0", "is missing"),
        ("UPDATE crm_seal SET hash = 'x'", "does not follow"),
    ],
)
async def test_the_seals_hold_one_another(crm: TestCrm, attack: str, what: str) -> None:
    await two_records(crm)
    await crm.write([Change.create("contact", {"name": "Carl"})])
    await crm.kernel.tamper.seal()
    await crm.kernel.database.write(lambda tx: tx.execute(attack))
    found = await crm.kernel.tamper.verify()
    assert found.bad is not None
    assert what in found.bad.what


async def test_a_chain_that_was_made_anew_lacks_a_noted_head(crm: TestCrm) -> None:
    await two_records(crm)
    head = (await crm.kernel.tamper.verify()).head
    await crm.kernel.database.write(lambda tx: tx.execute("DELETE FROM crm_seal"))
    await crm.write([Change.create("contact", {"name": "Carl"})])
    await crm.kernel.tamper.seal()
    assert (await crm.kernel.tamper.verify()).ok
    found = await crm.kernel.tamper.verify(head=head)
    assert found.bad is not None
    assert "noted head" in found.bad.what


async def test_two_processes_may_seal_at_once(crm: TestCrm) -> None:
    await crm.write([Change.create("contact", {"name": f"n{n}"}) for n in range(10)])
    done = await asyncio.gather(crm.kernel.tamper.seal(), crm.kernel.tamper.seal())
    assert sum(done) >= 10
    assert (await crm.kernel.tamper.verify()).ok


async def test_the_newest_stretch_is_verified_by_itself(crm: TestCrm) -> None:
    assert (await crm.kernel.tamper.verify_last()).ok
    first, second = await two_records(crm)
    assert (await crm.kernel.tamper.verify_last()).seals == 1
    await crm.write([Change.update("contact", second, {"job_title": "t4"})])
    assert await crm.kernel.tamper.seal() == 1
    found = await crm.kernel.tamper.verify_last()
    assert (found.ok, found.seals, found.sealed) == (True, 1, 1)
    change = "UPDATE crm_history SET actor = 'x' WHERE record = ? AND version = ?"
    await crm.kernel.database.write(lambda tx: tx.execute(change, (first, 2)))
    assert (await crm.kernel.tamper.verify_last()).ok
    await crm.kernel.database.write(lambda tx: tx.execute(change, (second, 4)))
    bad = (await crm.kernel.tamper.verify_last()).bad
    assert bad is not None
    assert (bad.record, bad.version) == (second, 4)
