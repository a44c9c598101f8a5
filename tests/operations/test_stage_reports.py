"""The reports that each pipeline brings, against a plain computation over random moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from statistics import mean, median
from typing import Any, NamedTuple

import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.operations.report_csv import report_csv
from crm_kernel.testing import TestCrm
from tests.operations.conftest import ORDER, refusal

TYPES = {"new": "open", "planned": "open", "lost": "lost", "done": "won", "paid": "won"}
WORK = {
    "kind": "pipeline",
    "name": "work",
    "entity": "job",
    "label": "Work",
    "default": True,
    "stages": [{"name": name, "type": kind} for name, kind in TYPES.items()],
}
CARE = {
    "kind": "pipeline",
    "name": "care",
    "entity": "job",
    "stages": [{"name": "open", "type": "open"}, {"name": "new", "type": "won"}],
}
ACTIONS = ["read", "create", "update", "move", "delete"]
OWN = {"kind": "role", "name": "own", "grants": [{"entity": "job", "actions": ACTIONS, "where": "owner = @me"}]}
BLIND = {
    "kind": "role",
    "name": "blind",
    "grants": [{"entity": "job", "actions": ["read"], "fields": {"deny": ["stage_since"]}}],
}
PARTLY = {
    "kind": "role",
    "name": "partly",
    "grants": [
        {"entity": "job", "actions": ["read"], "where": "amount > 20"},
        {"entity": "job", "actions": ["read"], "fields": {"read": ["amount"]}},
    ],
}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [ORDER, WORK, CARE, OWN, BLIND, PARTLY]


class Stay(NamedTuple):
    """A stay as the test itself noted it."""

    pipeline: str
    stage: str
    at: datetime


class Job(NamedTuple):
    """A record with its stays, and who owns it."""

    id: str
    amount: int
    owner: str | None
    stays: list[Stay]


async def filled(crm: TestCrm, owner: str, *, steps: int = 12, jobs: int = 40, seed: int = 5) -> list[Job]:
    """Jobs that were moved at random, at whole seconds apart, some of them deleted at last."""
    random, now = Random(seed), crm.now().replace(microsecond=0)
    crm.clock.set(now)
    values = [{"amount": n, "owner": random.choice([owner, None])} for n in range(jobs)]
    made = await crm.write([Change.create("job", row) for row in values])
    noted = [
        Job(m["id"], v["amount"], v["owner"], [Stay("work", "new", now)]) for m, v in zip(made, values, strict=True)
    ]
    for _ in range(steps):
        now += timedelta(seconds=random.randrange(1, 200_000))
        crm.clock.set(now)
        changes: list[Change] = []
        for job in random.sample(noted, jobs // 2):
            before = job.stays[-1]
            if random.random() < 0.1:
                line = "care" if before.pipeline == "work" else "work"
                new = Stay(line, "open" if line == "care" else "new", now)
                change = {"pipeline": line}
            else:
                stage = random.choice(["open", "new"] if before.pipeline == "care" else list(TYPES))
                new, change = Stay(before.pipeline, stage, now), {"stage": stage}
            changes.append(Change.update("job", job.id, change))
            if new[:2] != before[:2]:
                job.stays.append(new)
        await crm.write(changes)
    gone = random.sample(noted, 3)
    await crm.write([Change.delete("job", job.id) for job in gone])
    return [job for job in noted if job not in gone]


def durations(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for stage in TYPES:
        found: list[int | None] = []
        for job in jobs:
            for n, stay in enumerate(job.stays):
                if stay[:2] == ("work", stage):
                    end = job.stays[n + 1].at if n + 1 < len(job.stays) else None
                    found.append(None if end is None else int((end - stay.at).total_seconds()))
        past = [seconds for seconds in found if seconds is not None]
        rows.append(
            {
                "stage": stage,
                "stays": len(found),
                "present": found.count(None),
                "average_seconds": pytest.approx(mean(past)) if past else None,
                "median_seconds": pytest.approx(median(past)) if past else None,
                "shortest_seconds": min(past, default=None),
                "longest_seconds": max(past, default=None),
            }
        )
    return [row for row in rows if row["stays"]]


def conversion(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    names = list(TYPES)
    for place, stage in enumerate(names):
        later = {name for name in names[place + 1 :] if TYPES[name] != "lost"}
        entered = went = 0
        outcomes: list[str] = []
        for job in jobs:
            line = [stay[:2] for stay in job.stays]
            if ("work", stage) in line:
                entered += 1
                went += any(p == "work" and s in later for p, s in line[line.index(("work", stage)) + 1 :])
                outcomes.append(TYPES[line[-1][1]] if line[-1][0] == "work" else "elsewhere")
        has_next = bool(later) and TYPES[stage] != "lost"
        rows.append(
            {
                "stage": stage,
                "entered": entered,
                "went_on": went if has_next else None,
                "conversion": pytest.approx(went / entered) if has_next else None,
                "still_open": outcomes.count("open"),
                "won": outcomes.count("won"),
                "lost": outcomes.count("lost"),
                "win_rate": pytest.approx(outcomes.count("won") / entered),
            }
        )
    return rows


async def run(crm: TestCrm, name: str, caller: Caller | None = None, **params: Any) -> dict[str, Any]:
    return await crm.kernel.reports.run(name, params, caller or crm.kernel.system("cli"))


@pytest.mark.contract("documents.md#stage-reports")
async def test_the_figures_are_those_of_a_plain_computation(crm: TestCrm) -> None:
    clerk = await crm.user("clerk", "own")
    jobs = await filled(crm, clerk.id)
    own = [job for job in jobs if job.owner == clerk.id]
    assert 0 < len(own) < len(jobs)
    assert (await run(crm, "work-stage-durations"))["rows"] == durations(jobs)
    assert (await run(crm, "work-conversion"))["rows"] == conversion(jobs)
    # Who may read some records is told of these only.
    assert (await run(crm, "work-stage-durations", clerk))["rows"] == durations(own)
    assert (await run(crm, "work-conversion", clerk))["rows"] == conversion(own)
    # Where a grant gives the row but not its stage, the row's stays do not exist either.
    partly = await crm.user("partly", "partly")
    assert (await run(crm, "work-conversion", partly))["rows"] == conversion([j for j in jobs if j.amount > 20])
    answer = await run(crm, "work-conversion")
    assert report_csv(answer).splitlines()[0] == "stage,entered,went_on,conversion,still_open,won,lost,win_rate"
    assert [column["type"] for column in answer["columns"]][:3] == ["choice", "integer", "integer"]


async def test_stays_are_counted_by_the_day_they_began(crm: TestCrm) -> None:
    clerk = await crm.user("clerk", "own")
    start = crm.now()
    jobs = await filled(crm, clerk.id, steps=4, jobs=12)
    day = (start + timedelta(days=2)).date().isoformat()
    early = await run(crm, "work-stage-durations", until=day)
    late = await run(crm, "work-stage-durations", since=(start + timedelta(days=3)).date().isoformat())
    every = sum(stay.pipeline == "work" for job in jobs for stay in job.stays)
    assert 0 < early["totals"]["stays"] < every
    assert early["totals"]["stays"] + late["totals"]["stays"] == every
    assert (await refusal(run(crm, "work-conversion", since="soon"))).code == "bad_value"


async def test_who_may_not_read_stages_has_no_such_report(crm: TestCrm) -> None:
    blind, nobody = await crm.user("blind", "blind"), await crm.user("nobody")
    for caller in (blind, nobody):
        assert (await refusal(run(crm, "work-conversion", caller))).code == "not_found"
        access = crm.kernel.registry.access(caller)
        assert crm.kernel.registry.reports_for(access) == []
    access = crm.kernel.registry.access(await crm.user("clerk", "own"))
    names = crm.kernel.registry.reports_for(access)
    assert names == [f"{p}-{r}" for p in ("care", "work") for r in ("stage-durations", "conversion")]


async def test_a_document_of_the_name_stands_in_its_place(crm: TestCrm) -> None:
    measures = [{"count": "*", "as": "n"}]
    own = {"kind": "report", "name": "work-conversion", "label": "Ours", "entity": "job", "measures": measures}
    await crm.put(own)
    assert (await run(crm, "work-conversion"))["rows"] == [{"n": 0}]
