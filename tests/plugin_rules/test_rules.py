"""`crm plugin check`: each breach is told with its rule, file and line; sound plugins have none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.cli.main import run
from crm_kernel.cli.plugin_new import make_plugin, singular
from crm_kernel.deprecation import deprecated
from crm_kernel.errors import Error
from crm_kernel.plugin_rules import RULES, check_plugin
from crm_kernel.plugin_verify import HOOKS

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(ROOT.glob("plugins/*/pyproject.toml"))
INDEX = "crm_desks/__init__.py"
CHECKS = "crm_desks/checks.py"

Edit = tuple[str, str, str]
"""A file of the new plugin `desks`, a text in it, and what stands there instead ("" of a whole file: it is removed)."""

BREACHES: dict[str, tuple[Edit, str, str]] = {
    "no manifest": ((INDEX, "plugin = Plugin(", "other = Plugin("), "manifest", INDEX),
    "no title": ((INDEX, 'title="Desks", ', ""), "manifest", INDEX),
    "other name": ((INDEX, 'name="desks"', 'name="chairs"'), "name", INDEX),
    "other module": (("pyproject.toml", 'desks = "crm_desks"', 'desks = "crm_chairs"'), "name", "pyproject.toml"),
    "other kernel": ((INDEX, ">=0.1,<1", ">=9,<10"), "kernel_range", INDEX),
    "open range": ((INDEX, ">=0.1,<1", ">=0.1"), "kernel_range", INDEX),
    "no range": ((INDEX, ">=0.1,<1", "newest"), "kernel_range", INDEX),
    "inner import": ((CHECKS, "from crm_kernel import", "from crm_kernel.kernel import"), "imports", CHECKS),
    "other plugin": ((CHECKS, "from crm_kernel", "import crm_sales\nfrom crm_kernel"), "imports", CHECKS),
    "misspelt hook": ((INDEX, "def register_reports", "def register_report"), "hooks", INDEX),
    "no mark": ((INDEX, "@hookimpl\nasync def check_write", "async def check_write"), "hooks", INDEX),
    "arguments": ((INDEX, "def check_write(batch: Batch)", "def check_write(changes: Batch)"), "hooks", INDEX),
    "sync": ((INDEX, "async def before_write", "def before_write"), "hooks", INDEX),
    "order": ((INDEX, "@hookimpl\nasync def check", "@hookimpl(tryfirst=True)\nasync def check"), "hooks", INDEX),
    "sleep": ((CHECKS, '    written = [', '    import time; time.sleep (1)\n    written = ['), "blocking", CHECKS),
    "writes": (("crm_desks/reports.py", "ALL = ", 'open("x", "w")\nALL = '), "at_import", "crm_desks/reports.py"),
    "registering": ((INDEX, "    return reports.ALL",
        '    open("x", "w")\n    return reports.ALL'), "at_import", INDEX),
    "no words": (("crm_desks/entities.py", 'title="{number} {subject}", ', ""), "words", "crm_desks/entities.py"),
    "no readme": (("README.md", "", ""), "readme", "desks"),
    "no conformance": (("tests/test_conformance.py", "", ""), "tests", "tests"),
    "locale": (("crm_desks/locale/lv.json", "", "{"), "locale", "crm_desks/locale/lv.json"),
    "document": (("crm_desks/access.py", '"entity": "contact"', '"entity": "contract"'), "loads", INDEX),
    "raises": (("crm_desks/listeners.py", "ALL = ", "1 / 0\nALL = "), "loads", "crm_desks/listeners.py"),
}  # fmt: skip


@pytest.fixture
def desks(tmp_path: Path) -> Path:
    """A new plugin."""
    make_plugin(tmp_path / "desks", "desks")
    return tmp_path / "desks"


def changed(folder: Path, edit: Edit) -> None:
    file, old, new = folder / edit[0], edit[1], edit[2]
    if old:
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")
    elif new:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(new, "utf-8")
    else:
        file.unlink()


@pytest.mark.contract("hooks.md#plugin-check")
@pytest.mark.parametrize("breach", BREACHES)
def test_each_breach_is_found_where_it_is(desks: Path, breach: str) -> None:
    edit, code, file = BREACHES[breach]
    changed(desks, edit)
    found = check_plugin(desks)
    assert {b.code for b in found} == {code}, found
    assert file in {b.file for b in found}
    if edit[1] and file.endswith(".py") and breach != "document":
        lines = (desks / file).read_text("utf-8").splitlines()
        assert all(b.line and lines[b.line - 1] for b in found)


def test_what_goes_in_a_later_version_is_told(desks: Path, monkeypatch: pytest.MonkeyPatch, app: Any) -> None:
    monkeypatch.setattr(HOOKS["check_write"], "crm_kernel_deprecated", None, raising=False)  # put back afterwards
    deprecated("Use before_write; it goes in 0.4.")(HOOKS["check_write"])
    (breach,) = check_plugin(desks)
    assert (breach.code, breach.hint) == ("deprecated", "Use before_write; it goes in 0.4.")
    app.plugin("demo", "@hookimpl\nasync def check_write(batch): ...")
    (state,) = [s for s in app.host().states() if s["name"] == "demo"]
    assert state["deprecated"] == [{"hook": "check_write", "instead": "Use before_write; it goes in 0.4."}]


def test_every_rule_has_a_breach() -> None:
    assert {code for _, code, _ in BREACHES.values()} >= {rule.__name__ for rule in RULES}
    assert all(rule.__doc__ for rule in RULES)


@pytest.mark.parametrize("folder", [file.parent for file in SHIPPED], ids=lambda folder: folder.name)
def test_shipped_plugins_have_none(folder: Path) -> None:
    assert [b.sentence() for b in check_plugin(folder)] == []


def test_the_command(desks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugin", "check", str(desks)]) == 0
    assert capsys.readouterr().out == "No faults.\n"
    changed(desks, (INDEX, 'name="desks"', 'name="chairs"'))
    assert run(["plugin", "check", "--json", str(desks)]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["code"], fault["file"]) == ("name", INDEX)
    assert fault["line"]
    assert run(["plugin", "check", str(desks / "nowhere")]) == 2


def test_a_folder_that_is_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    assert "manifest" in {b.code for b in check_plugin(tmp_path / "thing")}


@pytest.mark.parametrize("name", ["base", "Desks", "a b", "../x", "1st", "x" * 41])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(Error) as refused:
        make_plugin(tmp_path / "new", name)
    assert refused.value.code == "bad_value"
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_over(desks: Path) -> None:
    (desks / "README.md").write_text("mine", "utf-8")
    for file in desks.rglob("*.py"):
        file.unlink()
    with pytest.raises(Error, match=r"has .*README\.md already|already"):
        make_plugin(desks, "desks")
    assert (desks / "README.md").read_text("utf-8") == "mine"
    assert not list(desks.rglob("*.py"))


def test_names_that_clash_with_the_kernel_are_not_given(tmp_path: Path) -> None:
    make_plugin(tmp_path / "contacts", "contacts")
    assert check_plugin(tmp_path / "contacts") == []
    words: Callable[[str], str] = singular
    told = {n: words(n) for n in ("desks", "car_washes", "ferries", "boxes", "glass", "yoga", "as")}
    assert told == {"desks": "desk", "car_washes": "car_wash", "ferries": "ferry", "boxes": "box", "glass": "glass",
        "yoga": "yoga", "as": "as"}  # fmt: skip
