"""What stands in the repository belongs there: no places of one machine, no unfinished work, verbs that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

TEXT = {".py", ".md", ".toml", ".json", ".txt", ".lock", ".cfg", ".ini", ".csv", ""}
PLACES = re.compile(
    "|".join(
        [r"/" + r"work/", r"/" + r"root/", r"/" + r"tmp/", r"/" + r"home/", "pypi" + r"\.org", "python" + "hosted"]
    )
)
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b|# XX" + r"X|Not" + r"ImplementedError")
ESCAPES = re.compile(
    "pragma: no " + "cover|time" + r"\.sleep\(|pytest" + r"\.(skip|mark\.skip\b|mark\.xfail)|assert " + "True"
)


@pytest.fixture(scope="module")
def tracked(root: Path) -> dict[str, str]:
    """The text of each file that git knows or would add, by its path."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    files = {name: root / name for name in names if name and Path(name).suffix in TEXT}
    return {name: file.read_text("utf-8", "replace") for name, file in files.items() if file.is_file()}


def found(files: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern occurs."""
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_place_of_one_machine(tracked: dict[str, str]) -> None:
    assert not found(tracked, PLACES)


def test_no_unfinished_work(tracked: dict[str, str]) -> None:
    assert not found({name: text for name, text in tracked.items() if name.endswith(".py")}, UNFINISHED)


def test_tests_do_not_dodge(tracked: dict[str, str]) -> None:
    """Only a `conftest.py` may skip: for public samples that stand beside the repository, not in it."""
    tests = {name: text for name, text in tracked.items() if Path(name).name.startswith("test_")}
    assert not found(tests, ESCAPES)


@pytest.mark.parametrize("verb", ["install", "demo", "test", "fix", "bench", "lint", "types", "schemas", "docs"])
def test_the_makefile_has_the_verbs(root: Path, verb: str) -> None:
    assert re.search(rf"^{verb}:.* ## ", (root / "Makefile").read_text("utf-8"), re.M)


def test_ci_runs_the_tests(root: Path) -> None:
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text("utf-8")
    assert re.search(r"^make test$", script.read_text("utf-8"), re.M)


def test_links_lead_somewhere(root: Path, tracked: dict[str, str]) -> None:
    broken = [
        f"{name}: {target}"
        for name, text in tracked.items()
        if name.endswith(".md")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        if "://" not in target and not (root / name).parent.joinpath(target).exists()
    ]
    assert not broken, "\n".join(broken)
