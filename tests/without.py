"""Runs the tests where one plugin is not installed: `python -m tests.without sales [arguments of pytest]`.

Its own tests are left out, and those that say that they need it (`@pytest.mark.needs("sales")`): all others must pass.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "CRM_TEST_WITHOUT"
"""The plugin that is not there, for the collection of tests."""


def environment(folder: Path, plugin: str) -> Path:
    """A virtual environment with all that this one has, but the plugin; where its programs are."""
    venv.create(folder, symlinks=True)
    programs, packages = folder / "bin", Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if f"crm_{plugin}" not in entry.name and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    for program in Path(sys.executable).parent.iterdir():
        if not (programs / program.name).exists():
            _take(program, programs / program.name)
    return programs


def _take(program: Path, to: Path) -> None:
    """A program that runs in the other environment."""
    text = program.read_bytes() if program.is_file() else b""
    head, _, rest = text.partition(b"\n")
    if head.startswith(b"#!") and b"python" in head:
        to.write_bytes(b"#!" + bytes(to.with_name("python")) + b"\n" + rest)
        to.chmod(0o755)
    else:
        to.symlink_to(program)


def main(arguments: Sequence[str]) -> int:
    """The exit status of pytest."""
    plugin, *others = arguments
    if not (ROOT / "plugins" / plugin / "pyproject.toml").exists():
        print(f"There is no plugin {plugin!r} in plugins/.", file=sys.stderr)
        return 2
    with TemporaryDirectory(prefix="crm-without-") as folder:
        programs = environment(Path(folder) / "env", plugin)
        look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('crm_{plugin}') is not None)"
        subprocess.run([programs / "python", "-c", look], check=True, cwd=folder)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        line = [programs / "python", "-m", "pytest", f"--ignore=plugins/{plugin}", *others]
        return subprocess.run(
            line, cwd=ROOT, env={**os.environ, VARIABLE: plugin, "PATH": path}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
