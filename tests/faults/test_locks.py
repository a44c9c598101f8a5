"""Another process holds what the server needs for longer than its patience; many want the same at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

from tests.faults.conftest import form
from tests.faults.load import LEASES, at_once, is_whole
from tests.faults.locks import kept
from tests.faults.serving import App, Client
from tests.looking import Looker

PATIENCE = 5.0
CLIENTS = form(20, 100)


def test_a_storm_of_locks_is_refused_in_time_and_heals(app: App, look: Looker) -> None:
    app.start()
    client = app.client()
    first = client.answered("POST", LEASES, {"number": "first", "rent": 1})

    def write(client: Client, number: int) -> tuple[int, bool, float]:
        begun = monotonic()
        if number % 2:
            answer = client.answered("POST", LEASES, {"number": f"in vain {number}"})
        else:
            answer = client.answered("PATCH", f"{LEASES}/{first.body['id']}", {"rent": number + 2})
        return answer.status, answer.is_refusal_to_repeat, monotonic() - begun

    with ThreadPoolExecutor() as aside:
        with kept(look, "e_lease"):
            refused = aside.submit(at_once, app, CLIENTS, write)
            sleep(1)
            begun = monotonic()
            assert client.answered("GET", LEASES).body["items"] == [first.body]
            assert monotonic() - begun < 1, "who reads waits for who writes"
            answers = refused.result()
        assert {(status, repeat) for status, repeat, _ in answers} == {(503, True)}
        assert max(seconds for *_, seconds in answers) < 2 * PATIENCE + 2
    begun = monotonic()
    healed = client.answered("PATCH", f"{LEASES}/{first.body['id']}", {"rent": 2})
    assert (healed.status, healed.body["version"]) == (200, 2)
    assert monotonic() - begun < 1
    assert len(client.answered("GET", LEASES).body["items"]) == 1
    client.close()
    app.stop()
    is_whole(look)
