"""The house keeps its shape: floors, small files, one door to SQL, nothing imported late or kept for ever."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PUBLIC = {"crm_kernel", "crm_kernel.base", "crm_kernel.testing"}
MAX_LINES = 350
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|ALTER\s+TABLE|CREATE\s+(UNIQUE\s+)?(TABLE|INDEX)"
    r"|PRAGMA\s)",
    re.I | re.S,
)
ALL_AT_ONCE = """
import importlib, sys, warnings
warnings.simplefilter("error")
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules(folder: Path) -> list[Path]:
    """Python files, without tests."""
    return [file for file in sorted(folder.rglob("*.py")) if "tests" not in file.parts]


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names, [] for any other node."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def texts(module: ast.Module) -> Iterator[str]:
    """The texts of a module that are no docstrings, those between the braces of an f-string put as `?`."""
    inside: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in node.values)
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
        elif isinstance(node, ast.Expr):
            inside.add(id(node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def fillable(module: ast.Module) -> Iterator[int]:
    """Lines where a module keeps an empty container, which only makes sense to fill it later."""
    for node in module.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is not None and ast.unparse(value) in {"{}", "[]", "dict()", "list()", "set()"}:
            yield node.lineno


@pytest.mark.needs(*(file.parent.name for file in Path(__file__).parents[2].glob("plugins/*/pyproject.toml")))
def test_imports_go_down(root: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_no_late_imports_of_own_modules(root: Path) -> None:
    late = [
        f"{file.relative_to(root)}:{node.lineno}"
        for folder in ("crm_kernel", "plugins")
        for file in modules(root / folder)
        for function in functions(tree(file))
        for node in ast.walk(function)
        if any(name.startswith("crm_") for name in imported(node)) or (isinstance(node, ast.ImportFrom) and node.level)
    ]
    assert not late, f"imports of own modules inside functions: {late}"


@pytest.mark.contract("hooks.md#public-names")
def test_plugins_import_public_names_only(root: Path) -> None:
    wrong = [
        f"{file.relative_to(root)}:{node.lineno} imports {name}"
        for folder in ("plugins", "crm_kernel/base", "examples")
        for file in modules(root / folder)
        for node in ast.walk(tree(file))
        for name in imported(node)
        if name.partition(".")[0] == "crm_kernel" and name not in PUBLIC
        if not (folder == "crm_kernel/base" and name.startswith("crm_kernel.base."))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_new_plugin_is_held_to_the_floors_too(root: Path) -> None:
    """Contracts of import-linter name packages; a plugin that they do not name would be held to none of them."""
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    packages = {folder.name for folder in root.glob("plugins/*/crm_*") if (folder / "__init__.py").is_file()}
    assert set(settings["root_packages"]) == {"crm_kernel", *packages}
    named = [set(c.get("forbidden_modules") or c.get("modules") or packages) for c in settings["contracts"]]
    assert all(names == packages for names in named)


def module_name(root: Path, file: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_needs_another_to_be_imported_first(root: Path) -> None:
    """No cycles at import time: each module can be imported alone."""
    files = {module_name(root, file): file for file in modules(root / "crm_kernel")}
    graph: dict[str, set[str]] = {}
    for name, file in files.items():
        for node in tree(file).body:
            if isinstance(node, ast.ImportFrom):
                inside = {f"{node.module}.{alias.name}" for alias in node.names} & set(files)
                graph.setdefault(name, set()).update(inside or {str(node.module)} & set(files))
    TopologicalSorter(graph).prepare()


def test_all_modules_import_without_a_warning(root: Path) -> None:
    names = [module_name(root, file) for file in modules(root / "crm_kernel") if file.name != "__main__.py"]
    run = subprocess.run([sys.executable, "-c", ALL_AT_ONCE, *names], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_files_are_small(root: Path) -> None:
    files = [
        file for folder in ("crm_kernel", "plugins", "tests", "bench", "docs") for file in (root / folder).rglob("*.py")
    ]
    counts = {str(file.relative_to(root)): len(file.read_text("utf-8").splitlines()) for file in files}
    long = {name: count for name, count in counts.items() if count > MAX_LINES}
    assert not long, f"files over {MAX_LINES} lines: {long}"


def test_the_tree_is_flat(root: Path) -> None:
    deep = [str(file) for file in modules(root / "crm_kernel") if len(file.relative_to(root / "crm_kernel").parts) > 2]
    assert not deep, f"deeper than two: {deep}"


def test_sql_has_one_door(root: Path) -> None:
    outside = [
        f"{file.relative_to(root)}: {text[:80]!r}"
        for folder in ("crm_kernel", "plugins")
        for file in modules(root / folder)
        if "storage" not in file.parts and "filters" not in file.parts
        for text in texts(tree(file))
        if SQL.search(text)
    ]
    assert not outside, "SQL outside storage/ and filters/:\n" + "\n".join(outside)


def test_nothing_is_kept_for_ever(root: Path) -> None:
    kept = []
    for folder in ("crm_kernel", "plugins"):
        for file in modules(root / folder):
            module = tree(file)
            kept += [f"{file.name}:{node.lineno} global" for node in ast.walk(module) if isinstance(node, ast.Global)]
            kept += [f"{file.relative_to(root)}:{line}" for line in fillable(module)]
    assert not kept, f"state of a process: {kept}"


def test_user_mistakes_are_no_assertions(root: Path) -> None:
    asserts = [
        f"{file.relative_to(root)}:{node.lineno}"
        for folder in ("crm_kernel", "plugins")
        for file in modules(root / folder)
        if "testing" not in file.parts
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Assert)
    ]
    assert not asserts, f"assert in code that users reach: {asserts}"


def test_the_page_shows_the_floors_there_are(root: Path) -> None:
    page = (root / "docs" / "architecture.md").read_text("utf-8")
    block = page.partition("<!-- floors -->\n```\n")[2].partition("```")[0]
    shown = {name for names in re.findall(r"^(?:F\d+|—)\s+(.+)$", block, re.M) for name in names.split()}
    tree = {
        file.stem for file in (root / "crm_kernel").iterdir() if file.suffix == ".py" or (file / "__init__.py").exists()
    }
    assert shown == tree - {"__init__"}


def test_tests_mirror_the_tree(root: Path) -> None:
    """`tests/filters/` tests `filters/`; a test at the top tests the modules that begin with its name."""
    of_their_own = {"acceptance", "bench", "conformance", "contracts", "differential", "docs", "examples"}
    of_their_own |= {"faults", "hostile", "security"}
    known = {file.stem for file in (root / "crm_kernel").iterdir()}
    folders = {file.parent.name for file in (root / "tests").glob("*/test_*.py")}
    assert folders - of_their_own <= known
    names = [file.stem.removeprefix("test_") for file in (root / "tests").glob("test_*.py")]
    lost = [name for name in names if not any(name == one or one.startswith(f"{name}_") for one in known)]
    assert not lost, f"tests that mirror no module: {lost}"
