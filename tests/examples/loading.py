"""The examples with their data: by their sample, or by files in the form of those that they import."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import importlib.util
import io
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from crm_kernel.cli.main import run
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from tests.examples.b2b_figures import write_files

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SECRET = "a secret for tests only, of forty characters"
LEADS = 60


def copied(example: str, folder: Path, url: str) -> Path:
    """The folder of an example, on a database of the test's own."""
    app = folder / example
    shutil.copytree(EXAMPLES / example, app, ignore=shutil.ignore_patterns("data", "__pycache__", "crm.lock"))
    toml = app / "crm.toml"
    text, found = re.subn(r'url = "[^"]*"', f'url = "{url}"', toml.read_text("utf-8"))
    assert found == 1
    toml.write_text(text, "utf-8")
    return app


def told(app: Path, *arguments: str, status: int = 0) -> str:
    """What a command line printed."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = run([*arguments, "--app", str(app)])
    for stream in (out, err):
        stream.seek(0)
    printed = out.read()
    assert ended == status, f"{arguments}\n{printed}{err.read()}"
    return printed


def load(app: Path) -> None:
    """Let an example have its data."""
    told(app, "apply", "--yes")
    if (app / "sample").is_dir():
        asyncio.run(_sample(app))
    elif app.name == "crm_b2b":
        write_files(app, deals=120)
        readme = (app / "README.md").read_text("utf-8")
        lines = [line for line in readme.splitlines() if line.startswith("crm import ")]
        _imported(app, [shlex.split(line)[1:] for line in lines])
    else:
        _funnel(app)
        readme = (app / "README.md").read_text("utf-8")
        lines = [line.strip() for line in readme.splitlines() if re.match(r" +crm import \w+ +(leads|deals)", line)]
        _imported(app, [shlex.split(line)[1:] for line in lines])
    told(app, "deliver")  # what listeners make of it is there too


def _imported(app: Path, lines: Sequence[Sequence[str]]) -> None:
    assert lines
    for line in lines:
        there = [str(app / word) if (app / word).is_file() else word for word in line]
        assert there != line
        told(app, *there)


async def _sample(app: Path) -> None:
    name, folder = f"{app.name}_loaded", app / "sample"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    kernel = await Kernel.open(load_settings(app, {"CRM_SECRET": SECRET}), strict=True)
    try:
        spec.loader.exec_module(module)
        await module.load(kernel.crm())
    finally:
        await kernel.close()
        for loaded in [n for n in sys.modules if n.partition(".")[0] == name]:
            del sys.modules[loaded]


def _funnel(app: Path) -> None:
    """Leads of which every fourth became a deal."""
    origins = ("social", "paid_search", "", "email", "unknown")
    leads = [(f"{n:032x}", f"{n % 12 + 1}/{n % 28 + 1}/2018", origins[n % 5]) for n in range(LEADS)]
    deals = [(f"{n:032x}", f"{n:032x}", "12/30/2018 19:58", "pet", "online_big", "cat", "") for n in range(0, LEADS, 4)]
    columns = ("mql_id", "seller_id", "won_date", "business_segment", "lead_type", "lead_behaviour_profile")
    _write(app / "leads.csv", ("mql_id", "first_contact_date", "origin"), leads)
    _write(app / "deals.csv", (*columns, "business_type"), deals)


def _write(file: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])
