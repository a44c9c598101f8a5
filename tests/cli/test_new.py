from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Crm


@pytest.mark.contract("cli.md#new")
def test_an_app_folder_that_works(crm: Crm, tmp_path: Path) -> None:
    app = tmp_path / 'Ozola & "Dēls"'
    ran = crm("new", app)
    assert ran.status == 0
    assert {path.name for path in app.iterdir()} == {"crm.toml", "documents", "plugins", "README.md", ".gitignore"}
    assert tomllib.loads((app / "crm.toml").read_text("utf-8"))["app"]["name"] == "Ozola & _Dēls_"
    assert "data/" in (app / ".gitignore").read_text("utf-8").splitlines()
    checked = crm("check", app=app)
    assert (checked.status, checked.out) == (0, "No faults.\n")
    assert not (app / "data").exists()


@pytest.mark.contract("cli.md#new-existing")
def test_a_folder_that_has_an_app_is_left_alone(crm: Crm, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", "utf-8")
    ran = crm("new", tmp_path)
    assert (ran.status, "has a README.md already" in ran.err) == (1, True)
    assert not (tmp_path / "crm.toml").exists()
    assert (tmp_path / "README.md").read_text("utf-8") == "mine"
