"""Many want the same thing at the same moment: one viewing slot, one effect of one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from crm_kernel.testing.kit import NewDatabase, write_app
from tests.acceptance.http.conftest import crm
from tests.faults.conftest import form
from tests.faults.load import LEASES, at_once, is_whole
from tests.faults.serving import Answer, App, Client
from tests.looking import Looker

PARALLEL = 20
ROUNDS = form(3, 50)


@pytest.fixture
def office(tmp_path: Path, new_database: NewDatabase) -> Iterator[App]:
    """A served app of the plugin real_estate."""
    database = new_database(tmp_path)
    write_app(tmp_path, ["real_estate"], database)
    crm(tmp_path, "apply", "--yes")
    crm(tmp_path, "user", "add", "bob", "--role", "admin")
    app = App(tmp_path, database, {"bob": crm(tmp_path, "token", "create", "bob", "--name", "bob")})
    app.start()
    yield app
    app.stop()
    app.give_up()


@pytest.mark.needs("real_estate")
def test_one_slot_is_booked_once(office: App) -> None:
    begin = datetime(2030, 5, 6, 9, 0, tzinfo=UTC)
    with closing(office.client()) as client:
        listing = client.answered("POST", "/api/records/listing", {"unparsed_address": "Brīvības 1", "stage": "Active"})
        for hour in range(ROUNDS):
            starts, ends = begin + timedelta(hours=hour), begin + timedelta(hours=hour + 1)
            slot = {"listing": listing.body["id"], "starts_at": starts.isoformat(), "ends_at": ends.isoformat()}

            def book(client: Client, _: int, slot: dict[str, str] = slot) -> Answer:
                return client.answered("POST", "/api/records/viewing", slot)

            answers = at_once(office, PARALLEL, book)
            assert Counter(a.status for a in answers) == {201: 1, 422: PARALLEL - 1}
            faults = [fault["code"] for a in answers if a.status == 422 for fault in a.body["errors"]]
            assert faults == ["real_estate.double_booking"] * (PARALLEL - 1)
        stored = client.answered("GET", "/api/records/viewing?count=exact&limit=1")
        assert stored.body["count"] == ROUNDS
    look = Looker(office.database)
    is_whole(look)
    look.close()


def test_one_key_has_one_effect(app: App, look: Looker) -> None:
    app.start()
    nodes = app.another_node() if look.engine == "postgresql" else nullcontext(app.url)
    with nodes as other:
        for turn in range(ROUNDS):
            key = str(uuid4())

            def write(client: Client, number: int, key: str = key, turn: int = turn) -> Answer:
                used = client if number % 2 else Client(other, app.token)
                body = {"number": f"L-{turn}", "rent": 1}
                answer = used.answered("POST", LEASES, body, Idempotency_Key=key)
                while answer.status == 409:
                    assert answer.body["code"] == "in_progress"
                    answer = used.answered("POST", LEASES, body, Idempotency_Key=key)
                used.close()
                return answer

            answers = at_once(app, PARALLEL, write)
            assert {(a.status, a.body["id"], a.headers["location"]) for a in answers} == {
                (201, answers[0].body["id"], answers[0].headers["location"])
            }
            assert Counter(a.headers.get("idempotency-replayed") for a in answers) == {None: 1, "true": PARALLEL - 1}
    app.stop()
    assert look("SELECT count(*) FROM e_lease") == [(ROUNDS,)]
    is_whole(look)


def test_one_unique_value_is_taken_once(app: App, look: Looker) -> None:
    app.start()
    nodes = app.another_node() if look.engine == "postgresql" else nullcontext(app.url)
    with nodes as other:
        for turn in range(ROUNDS):

            def write(client: Client, number: int, turn: int = turn) -> Answer:
                used = client if number % 2 else Client(other, app.token)
                value = {"number": f"U-{turn}", "rent": number}
                if number % 4 < 2:
                    answer = used.answered("POST", LEASES, value)
                else:
                    answer = used.answered("POST", f"{LEASES}/batch", {"changes": [{"create": {"values": value}}]})
                used.close()
                return answer

            answers = at_once(app, PARALLEL, write)
            done = [answer for answer in answers if answer.status < 300]
            refused = [answer for answer in answers if answer.status >= 300]
            assert (len(done), len(refused)) == (1, PARALLEL - 1)
            assert {(answer.status, answer.body["code"]) for answer in refused} == {(409, "unique")}
    app.stop()
    assert sorted(look("SELECT number, count(*) FROM e_lease GROUP BY number")) == sorted(
        (f"U-{turn}", 1) for turn in range(ROUNDS)
    )
    is_whole(look)


def test_one_etag_is_good_for_one_change(app: App, look: Looker) -> None:
    app.start()
    nodes = app.another_node() if look.engine == "postgresql" else nullcontext(app.url)
    with nodes as other, closing(app.client()) as first:
        lease = first.answered("POST", LEASES, {"number": "E-1", "rent": 0}).body
        path = f"{LEASES}/{lease['id']}"
        for turn in range(ROUNDS):
            tag = first.answered("GET", path).headers["etag"]

            def write(client: Client, number: int, tag: str = tag, turn: int = turn) -> Answer:
                used = client if number % 2 else Client(other, app.token)
                body = {"rent": turn * PARALLEL + number + 1}
                answer = used.answered("PATCH", path, body, If_Match=tag)
                used.close()
                return answer

            answers = at_once(app, PARALLEL, write)
            assert Counter(answer.status for answer in answers) == {200: 1, 412: PARALLEL - 1}
            assert {answer.body["code"] for answer in answers if answer.status == 412} == {"stale"}
            (done,) = (answer.body for answer in answers if answer.status == 200)
            now = first.answered("GET", path).body
            assert (now["rent"], now["version"]) == (done["rent"], lease["version"] + turn + 1)
    app.stop()
    assert look("SELECT count(*) FROM crm_history WHERE action = 'update'") == [(ROUNDS,)]
    is_whole(look)
