"""An environment of its own, for a plugin that is installed from its wheel: nothing is downloaded.

What the kernel needs is that of the environment which runs the tests, found by a path file; plugins are not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TOOLS = {
    "crm": "from crm_kernel.cli.main import main; main()",
    "pytest": "import pytest, sys; sys.exit(pytest.main())",
}


class CleanEnvironment:
    """A virtual environment in a folder, and commands run with it in a folder for work."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "env" / "bin"
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        venv.create(folder / "env", symlinks=True)
        self.python = self.bin / "python"
        found = self.run(f"{self.python} -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'").strip()
        kept = [sysconfig.get_path("purelib"), str(ROOT)]
        (Path(found) / "kernel.pth").write_text("\n".join(kept) + "\n", "utf-8")
        for name, code in _TOOLS.items():
            self._tool(name, f'exec "{self.python}" -c "{code}" "$@"')
        # pip installs what is at hand, into this environment alone
        self._tool("pip", f'exec "{self.python}" -m pip --disable-pip-version-check "$@"')

    def _tool(self, name: str, line: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        file.chmod(0o755)

    def environ(self) -> dict[str, str]:
        """What commands are given: nothing of the app or the tests that run them."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRM_", "PYTEST", "COV", "VIRTUAL", "PYTHON"))}
        more = {"PYTEST_ADDOPTS": "-p no:schemathesis -p no:xdist"}
        more |= {"PATH": f"{self.bin}:{Path(sys.executable).parent}:{kept['PATH']}", "PIP_NO_INDEX": "1"}
        return {**kept, **more, "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1"}

    def run(self, command: str, folder: Path | None = None) -> str:
        """What a command line says; it must succeed."""
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder or self.work,
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
        return run.stdout
