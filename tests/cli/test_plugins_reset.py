"""`crm plugins reset`: a quarantine that one command caused holds for all others, until it is ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Crm

BLOCKS = """
from time import sleep
from crm_kernel import Plugin, hookimpl
plugin = Plugin(name="shop", title="Shop", kernel=">=0.1", on_error="skip")
@hookimpl
async def before_write(batch):
    if batch.of("lead"):
        sleep(0.8)
"""


@pytest.mark.contract("cli.md#plugins", "hooks.md#plugin-reset")
def test_a_quarantine_holds_for_later_commands_until_its_reset(crm: Crm, folder: Path, tmp_path: Path) -> None:
    package = folder / "plugins" / "shop"
    package.mkdir()
    (package / "__init__.py").write_text(BLOCKS, "utf-8")
    leads = tmp_path / "leads.csv"
    leads.write_text("name\nAnna\n", "utf-8")
    assert crm("import", "lead", leads, app=folder).status == 0
    told = crm("plugins", app=folder).out
    assert "shop: blocked the event loop in before_write for 0." in told
    checked = crm("check", "--json", app=folder)
    [fault] = checked.json["faults"]
    assert (checked.status, fault.startswith("The plugin 'shop' is quarantined: blocked ")) == (1, True)
    assert crm("doctor", app=folder).status == 1
    refused = crm("plugins", "reset", "shap", app=folder)
    assert (refused.status, "There is no plugin 'shap'" in refused.err) == (1, True)
    assert crm("plugins", "reset", "shop", app=folder).out == "shop is active.\n"
    state = crm("plugins", "reset", "shop", "--json", app=folder).json
    assert (state["state"], state["reason"]) == ("active", None)
    assert {"hooks", "calls", "jobs", "migrations", "listeners"} <= state.keys()
    assert crm("check", app=folder).status == 0
