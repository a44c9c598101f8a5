"""Writes the pages that come from the code: `python docs/generate.py [--check]`.

docs/errors.md from `crm_kernel/errors.py`, docs/hooks.md from `crm_kernel/hookspecs.py`, the table of commands in
docs/cli.md from the commands. With `--check` nothing is written; the exit status is 1 where a page is not what would be
written.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from crm_kernel import hookspecs
from crm_kernel.cli.main import crm
from crm_kernel.errors import CATALOGUE, FAULT_CODES

DOCS = Path(__file__).resolve().parent
PARTS = ("Called when", "Return", "Order and errors", "Example")
GENERATED = "<!-- Written by docs/generate.py from {source}: change it there, then `make docs`. -->"


def table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def errors() -> Iterator[str]:
    """The page of error codes."""
    yield "# Error codes"
    yield GENERATED.format(source="crm_kernel/errors.py")
    yield ""
    yield "A refusal over HTTP is `application/problem+json` with one of these codes, whose meaning never changes."
    yield ""
    rows = [[f"`{code}`", str(entry.status), entry.title, entry.hint] for code, entry in CATALOGUE.items()]
    yield from table(["code", "status", "means", "what to do"], rows)
    yield ""
    yield "## Faults"
    yield ""
    yield "Each entry of `errors` points at one value. Its `code` is a JSON Schema keyword (`minimum`, `required`,"
    yield "`enum`, `format` …), a plugin's own (`plugin.code`), or one of these:"
    yield ""
    yield from table(["code", "means"], [[f"`{code}`", text] for code, text in FAULT_CODES.items()])


def parts(docstring: str) -> tuple[str, dict[str, str]]:
    """The first sentence of a hook's docstring, and its four parts by name."""
    first, *rest = re.split(rf"^({'|'.join(PARTS)}):\s*", inspect.cleandoc(docstring), flags=re.M)
    found = zip(rest[::2], rest[1::2], strict=True)
    return " ".join(first.split()), {name: " ".join(text.split()) for name, text in found}


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """`before_write(batch)`, with `async` where it is."""
    arguments = ", ".join(argument.arg for argument in node.args.args)
    return f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}{node.name}({arguments})"


def hooks() -> Iterator[str]:
    """The page of hooks, under the banners of the specification."""
    yield "# Hooks"
    yield GENERATED.format(source="crm_kernel/hookspecs.py")
    yield ""
    yield "Every hook a plugin can implement, by moment. [plugins.md](plugins.md) says how a plugin is made."
    source = inspect.getsource(hookspecs)
    banners = {number: line for number, line in enumerate(source.splitlines(), 1) if re.match(r"# .+ -{8,}$", line)}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for number in [number for number in banners if number < node.lineno]:
            yield f"\n## {banners.pop(number).strip('# -')}"
        first, described = parts(ast.get_docstring(node) or "")
        yield f"\n### `{signature(node)}`\n\n{first}\n"
        for name in PARTS:
            yield f"- **{name}**: {described[name]}"


COMMON = {"--app", "--json", "--as"}
"""Options that the text above the table tells of."""


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    """All commands that do something, with the words that call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        elif command is not None:
            yield f"{prefix} {name}", command


def usage(words: str, command: click.Command) -> str:
    """`crm user add LOGIN [--role …]`."""
    said = [words]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            said.append(parameter.make_metavar(click.Context(command)))
        elif isinstance(parameter, click.Option) and parameter.opts[0] not in COMMON:
            option = parameter.opts[-1] + ("" if parameter.is_flag else " …")
            said.append(option if parameter.required else f"[{option}]")
    return f"`{' '.join(said)}`"


def command_table() -> Iterator[str]:
    """Every command with its options and what it does."""
    rows = [[usage(words, command), " ".join((command.help or "").split())] for words, command in commands(crm, "crm")]
    yield from table(["command", "what it does"], rows)


PAGES = {"errors.md": errors, "hooks.md": hooks}
REGIONS = {"cli.md": command_table}


def wanted() -> Iterator[tuple[Path, str]]:
    """The generated pages and what they should say."""
    for name, lines in PAGES.items():
        yield DOCS / name, "\n".join(lines()) + "\n"
    for name, lines in REGIONS.items():
        before, mark, rest = (DOCS / name).read_text("utf-8").partition("<!-- generated -->\n")
        after = rest[rest.index("<!-- end -->") :]
        yield DOCS / name, before + mark + "\n".join(lines()) + "\n" + after


def main(check: bool) -> int:
    """Writes (or compares) all pages; the exit status."""
    stale: list[str] = []
    for file, text in wanted():
        if not file.exists() or file.read_text("utf-8") != text:
            stale.append(file.name)
            if not check:
                file.write_text(text, "utf-8")
    if check and stale:
        print(f"not current: {', '.join(stale)}; run: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
