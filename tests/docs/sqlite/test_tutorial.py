"""The tutorial, step by step as it stands, in an environment of its own: from `crm plugin new` to answers over HTTP.

Marks stand in the line before a fenced block. `<!-- file: path -->` writes it, `<!-- run -->` runs its lines,
`<!-- ask -->` sends its `curl` lines to the served app, and `<!-- answers -->` has a line of members for each of them.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.clean_environment import ROOT, CleanEnvironment

PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"^<!-- (file|run|ask|answers)(?:: (\S+))? -->\n```\w*\n(.*?)^```$", re.M | re.S)
PLAIN = "http://127.0.0.1:8000"
PATIENCE = 60.0
"""Seconds that a server may take beside other tests: five, which clients have by default, are at times too few."""


@contextmanager
def served(clean: CleanEnvironment) -> Iterator[str]:
    """The URL of the app that the tutorial made. What the server says on stderr is shown where it does not come up."""
    log = clean.work / "server.log"
    with (
        log.open("w") as err,
        subprocess.Popen(
            [str(clean.bin / "crm"), "serve", "--port", "0", "--app", "harbour"],
            cwd=clean.work,
            env=clean.environ(),
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if "listening on" in line), None)
            assert line is not None, log.read_text("utf-8")
            yield line.rpartition(" ")[2].strip()
        finally:
            process.terminate()
            process.wait(PATIENCE)


def ask(line: str, url: str, token: str) -> Any:
    """What a `curl` line gets."""
    words = shlex.split(line.replace("$TOKEN", token).replace(PLAIN, url))
    assert words[0] == "curl", line
    given = dict(zip(words[1:-1:2], words[2:-1:2], strict=True))
    name, _, value = given["-H"].partition(": ")
    headers = {name: value, "Content-Type": "application/json"}
    method, body = ("POST", given["-d"]) if "-d" in given else ("GET", None)
    return httpx.request(method, words[-1], headers=headers, content=body, timeout=PATIENCE).json()


def has(got: Any, wanted: Any) -> bool:
    """Whether an answer has the members that are wanted."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(key in got and has(got[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(has, got, wanted))
    return got == wanted


@pytest.mark.contract("hooks.md#tutorial")
def test_the_tutorial_works_in_a_clean_environment(tmp_path: Path) -> None:
    clean = CleanEnvironment(tmp_path)
    asked: list[str] = []
    for kind, path, text in BLOCK.findall(PAGE):
        if kind == "file":
            (clean.work / path).parent.mkdir(parents=True, exist_ok=True)
            (clean.work / path).write_text(text, "utf-8")
        elif kind == "run":
            for line in text.splitlines():
                clean.run(line)
        elif kind == "ask":
            asked = text.splitlines()
        else:
            token = (clean.work / "token").read_text("utf-8").strip()
            with served(clean) as url:
                answers = [ask(line, url, token) for line in asked]
            for answer, line in zip(answers, text.splitlines(), strict=True):
                assert has(answer, json.loads(line)), answer


def test_every_block_of_it_is_run() -> None:
    assert len(BLOCK.findall(PAGE)) == PAGE.count("```") // 2
