"""The conformance class: it passes what keeps to the contract, and each of its tests finds what does not."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel.testing import PluginConformance, TestCrm
from crm_kernel.testing.conformance import with_requirements
from crm_kernel.testing.kit import NewDatabase, Template
from tests.testing.installed import install

SOUND = '''
class Desk(Entity, name="desk", title="{label}"):
    """A desk."""
    label: Annotated[str, field(max_length=50, unique=True)]
    seats: int | None = None

async def welcome(event, crm):
    await crm.write([Change.create("activity", type="note", about=event.record)])

@hookimpl
def register_entities(): return [Desk]

@hookimpl
def register_listeners(): return [Listener(event="record.created", entity="desk", handle=welcome)]
'''

FAULTS: dict[str, tuple[str, tuple[str, str]]] = {
    "words": ("test_its_entities_have_words_for_people", ('    """A desk."""\n', "")),
    "import": ("test_it_imports_public_names_only", ("class Desk", "import crm_kernel.kernel\nclass Desk")),
    "plugin import": ("test_it_imports_public_names_only", ("class Desk", "import crm_real_estate\nclass Desk")),
    "refuses": ("test_records_of_its_schemas_are_taken", ("async def welcome", """
@hookimpl
async def check_write(batch):
    for change in batch.of(Desk):
        change.refuse("/seats", "too many", code="desks.seats")

async def welcome""")),
    "fails": ("test_records_go_round_over_http", ("async def welcome", """
@hookimpl
async def before_write(batch):
    for change in batch.of(Desk):
        change.before["label"]

async def welcome""")),
    "stays": ("test_records_go_round_over_http", ("async def welcome", """
@hookimpl
async def before_write(batch):
    for change in batch.of(Desk):
        if change.kind == "delete":
            change.refuse("", "a desk stays", code="desks.stays")

async def welcome""")),
}  # fmt: skip

Opened = Callable[[str], Any]


class Desks(PluginConformance):
    """Of the plugin that each test installs."""

    __test__ = False
    plugin = "desks"


@pytest_asyncio.fixture
async def opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_database: NewDatabase, new_database: NewDatabase
) -> AsyncIterator[Opened]:
    """Opens a kernel with the plugin of this code."""
    kernels: list[Any] = []

    async def open(code: str) -> TestCrm:
        install(tmp_path / "site", monkeypatch, "desks", code)
        (tmp_path / "templates").mkdir()
        (tmp_path / "app").mkdir()
        template = Template(tmp_path / "templates", kept_database)
        kernels.append(await template.open(tmp_path / "app", ["desks"], (), new_database))
        return TestCrm(kernels[-1])

    yield open
    for kernel in kernels:
        await kernel.close()
    sys.modules.pop("crm_desks", None)


def all_tests() -> list[str]:
    return [name for name in vars(PluginConformance) if name.startswith("test_")]


async def run(crm: TestCrm, name: str) -> None:
    test = getattr(Desks(), name)
    done = test(crm) if "crm" in inspect.signature(test).parameters else test()
    if inspect.isawaitable(done):
        await done


async def test_a_sound_plugin_passes(opened: Opened) -> None:
    crm = await opened(SOUND)
    for name in all_tests():
        await run(crm, name)
    assert await crm.count("desk") > 5


@pytest.mark.parametrize(
    "fault",
    [pytest.param(f, marks=pytest.mark.needs("real_estate") if f == "plugin import" else ()) for f in FAULTS],
)
@pytest.mark.contract("hooks.md#kit-conformance")
async def test_each_fault_is_found(opened: Opened, fault: str) -> None:
    test, (old, new) = FAULTS[fault]
    crm = await opened(SOUND.replace(old, new))
    with pytest.raises(Exception, match=r"\S"):
        await run(crm, test)


async def test_a_listener_that_is_not_harmless_when_repeated_is_found(opened: Opened) -> None:
    crm = await opened(
        SOUND.replace(
            "    await crm.write([Change.create",
            "    mine = await crm.count('activity')\n    await crm.write([Change.create",
        ).replace("about=event.record)]", 'about=event.record, subject=str(mine))], key=f"{event.id}{mine}"')
    )
    with pytest.raises(AssertionError):
        await run(crm, "test_listeners_may_be_told_again")


async def test_roles_that_name_what_is_not_there_are_found(opened: Opened) -> None:
    crm = await opened(SOUND)
    await run(crm, "test_what_it_names_exists")
    crm.kernel.plugins.quarantine("desks", "for this test")
    with pytest.raises(AssertionError):
        await run(crm, "test_it_loads_by_itself")


def test_requirements_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "ground", "")
    install(tmp_path, monkeypatch, "house", "", requires=["ground"])
    install(tmp_path, monkeypatch, "roof", "", requires=["house", "ground"])
    assert with_requirements("roof") == ["ground", "house", "roof"]
