"""Each promise of the contract pages is held by a test that names it.

`sentences/<page>.txt` lists the promises, one a line: `key | what is promised`. A test names the one it holds by
`@pytest.mark.contract("<page>.md#key")`. `pending.txt` lists the promises that no test names yet; it only shrinks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "sentences"


def lines(file: Path) -> Iterator[str]:
    """The lines of a list, without comments and blanks."""
    for line in file.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def promised() -> dict[str, str]:
    """All promises: `page.md#key` -> statement."""
    found: dict[str, str] = {}
    for file in sorted(FOLDER.glob("*.txt")):
        for line in lines(file):
            key, _, statement = line.partition(" | ")
            name = f"{file.stem}.md#{key.strip()}"
            assert statement, f"{file.name}: {line!r} is not `key | statement`"
            assert name not in found, f"{name} stands twice"
            found[name] = statement
    return found


def named(root: Path) -> dict[str, list[str]]:
    """What the tests say they hold: `page.md#key` -> places `file:line`."""
    places: dict[str, list[str]] = {}
    files = [*root.glob("tests/**/test_*.py"), *root.glob("plugins/*/tests/**/test_*.py")]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.contract":
                place = f"{file.relative_to(root)}:{node.lineno}"
                for argument in node.args:
                    name = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
                    places.setdefault(str(name), []).append(place)
    return places


def pending() -> list[str]:
    """The promises that no test names yet."""
    return list(lines(Path(__file__).parent / "pending.txt"))


@pytest.fixture(scope="module")
def held(root: Path) -> dict[str, list[str]]:
    return named(root)


def test_every_marker_names_a_promise(held: dict[str, list[str]]) -> None:
    known = promised()
    wrong = [f"{places[0]}: {name}" for name, places in held.items() if name not in known]
    assert not wrong, "markers that name no line of tests/contracts/sentences:\n" + "\n".join(wrong)


def test_every_promise_has_a_test(held: dict[str, list[str]]) -> None:
    bare = [f"{name} ({text})" for name, text in promised().items() if name not in held and name not in pending()]
    assert not bare, "promises that no test names:\n" + "\n".join(bare)


def test_pending_only_shrinks(held: dict[str, list[str]]) -> None:
    gone = [name for name in pending() if name in held or name not in promised()]
    assert not gone, "remove these lines from tests/contracts/pending.txt:\n" + "\n".join(gone)
