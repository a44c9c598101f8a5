"""`kill -9` of a server while events go to a listener that writes records."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from crm_kernel.testing.kit import NewDatabase, write_app
from tests.acceptance.http.conftest import crm
from tests.faults.conftest import form, told
from tests.faults.load import is_whole
from tests.faults.serving import PATIENCE, App, Client
from tests.looking import Looker

KILLS, EVENTS = form((3, 150), (100, 1_000))
GAUGES = 10
AHEAD = 50
"""Events that wait at least while a server is killed: it always dies in the midst of its deliveries."""

# Each event has two effects: a record of its own, and one more on a sum that all events of a gauge share.
PLUGIN = """\
from pathlib import Path
from crm_kernel import Change, Entity, Listener, Plugin, hookimpl

plugin = Plugin(name="gauges", title="Gauges", kernel=">=0.1")


class Gauge(Entity, name="gauge", title="{name}"):
    name: str
    level: int


class Reading(Entity, name="reading", title="{gauge}"):
    gauge: str
    level: int
    cause: str


class Total(Entity, name="total", title="{gauge}"):
    gauge: str
    events: int


async def note(event, crm):
    with Path(__file__).with_name("told").open("a") as file:
        file.write(event.id + "\\n")
    await crm.write([Change.create(Reading, gauge=event.record, level=event.after["level"], cause=event.id)])
    [total] = await crm.find(Total, "gauge = @param.gauge", gauge=event.record)
    await crm.write([Change.update(Total, total.id, events=total.events + 1)])


@hookimpl
def register_entities():
    return [Gauge, Reading, Total]


@hookimpl
def register_listeners():
    return [Listener(event="record.updated", entity="gauge", handle=note, name="note")]
"""


@pytest.fixture
def works(tmp_path: Path, new_database: NewDatabase) -> Iterator[App]:
    """An app whose listener writes, not yet served."""
    package = tmp_path / "plugins" / "gauges" / "crm_gauges"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN, "utf-8")
    database = new_database(tmp_path)
    write_app(tmp_path, [], database, 'path = "plugins"\n')
    crm(tmp_path, "apply", "--yes")
    crm(tmp_path, "user", "add", "bob", "--role", "admin")
    app = App(tmp_path, database, {"bob": crm(tmp_path, "token", "create", "bob", "--name", "bob")})
    yield app
    app.give_up()


class Dials:
    """All gauges and the level of each: they go up by one, in no order among them."""

    def __init__(self, client: Client) -> None:
        self.levels: dict[str, int] = {}
        self._random = random.Random(11)
        for number in range(GAUGES):
            gauge = client.answered("POST", "/api/records/gauge", {"name": f"G-{number}", "level": 0}).body["id"]
            total = client.answered("POST", "/api/records/total", {"gauge": gauge, "events": 0})
            assert total.status == 201, total
            self.levels[gauge] = 0

    @property
    def events(self) -> int:
        """How many were caused."""
        return sum(self.levels.values())

    def turn(self, client: Client, until: int) -> None:
        """Let gauges go up until so many events were caused."""
        while self.events < until:
            gauge = self._random.choice(list(self.levels))
            answer = client.answered("PATCH", f"/api/records/gauge/{gauge}", {"level": self.levels[gauge] + 1})
            assert answer.status == 200, answer
            self.levels[gauge] += 1


def notes(app: App) -> list[str]:
    """The events of which the listener was told, each as often as it was."""
    file = app.folder / "plugins" / "gauges" / "crm_gauges" / "told"
    return file.read_text("utf-8").splitlines() if file.exists() else []


def wait_for(app: App, events: int) -> None:
    """Wait until the listener was told of so many different events."""
    begun = monotonic()
    while len(set(notes(app))) < events:
        assert monotonic() - begun < PATIENCE, f"{len(set(notes(app)))} of {events} events were told"
        sleep(0.001)


def test_killed_while_it_delivers_each_event_has_its_effect_once(
    works: App, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(5)
    works.start()
    with closing(works.client()) as client:
        dials = Dials(client)
    amidst = 0
    for run in range(1, KILLS + 1):
        with closing(works.client()) as client:
            dials.turn(client, min(EVENTS, AHEAD + run * (EVENTS - AHEAD) // KILLS))
        wait_for(works, min(EVENTS - 1, run * (EVENTS - AHEAD) // KILLS))
        sleep(moments.uniform(0, 0.01))  # anywhere in a delivery
        works.kill()
        amidst += len(set(notes(works))) < dials.events
        works.start()
    assert dials.events == EVENTS
    begun = monotonic()
    look = Looker(works.database)
    while look("SELECT sum(events) FROM e_total") != [(EVENTS,)]:
        assert monotonic() - begun < PATIENCE, look("SELECT sum(events) FROM e_total")
        sleep(0.05)
    works.stop()

    caused = look("SELECT id FROM crm_outbox WHERE entity = 'gauge' AND type = 'record.updated'")
    effects = look(
        "SELECT r.cause, r.gauge, r.level FROM e_reading r JOIN crm_history h ON h.record = r.id"
        " WHERE h.entity = 'reading' ORDER BY h.seq"
    )
    assert Counter(cause for cause, _, _ in effects) == Counter(row[0] for row in caused)
    assert len(effects) == EVENTS
    order: dict[str, list[int]] = {}
    for _, gauge, level in effects:
        order.setdefault(gauge, []).append(level)
    assert order == {gauge: list(range(1, level + 1)) for gauge, level in dials.levels.items()}
    assert dict(look("SELECT gauge, events FROM e_total")) == dials.levels
    is_whole(look)
    look.close()
    assert amidst > 0
    repeated = len(notes(works)) - EVENTS
    assert repeated > 0  # or the kills said nothing of repeats
    told(
        capsys,
        f"killed {KILLS} times, {amidst} of them amidst deliveries",
        events=EVENTS,
        told_again=repeated,
        lost=0,
        done_twice=0,
        out_of_order=0,
    )
