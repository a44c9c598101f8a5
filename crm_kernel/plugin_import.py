"""Imports plugins that are not installed, without a lasting trace on `sys.path` (floor 6).

A folder plugin is always imported as `crm_<name>`, so that plugins that require it, its tests and a later installation
see one module. While plugins load, a finder on `sys.meta_path` answers for these names only; afterwards it is gone.
Where a module of that name was imported from another place before (another app in the same process), that one leaves
`sys.modules`: whoever holds it keeps it, and each kernel calls the functions of its own copy. The same folder again
gives the same module.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType, TracebackType

_MARK = "crm_kernel folder plugin"


class FolderImports(AbstractContextManager[None]):
    """Makes packages importable by name inside a `with` block. `packages` maps the name to the package's folder."""

    def __init__(self, packages: Mapping[str, Path]) -> None:
        self._packages = packages

    def __enter__(self) -> None:
        for name, folder in self._packages.items():
            if name in sys.modules and _file(sys.modules[name]) != (folder / "__init__.py").resolve():
                _forget(name)
        importlib.invalidate_caches()
        sys.meta_path.insert(0, self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.meta_path.remove(self)

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The protocol of `sys.meta_path`: where one of the packages lies."""
        folder = self._packages.get(name)
        if folder is None:
            return None
        spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
        if spec is not None:
            spec.loader_state = _MARK
        return spec


def import_installed(name: str, *, folder_copy: bool = True) -> ModuleType:
    """The module of a plugin. With `folder_copy` false a copy that came from a folder before does not count."""
    top = name.partition(".")[0]
    spec = getattr(sys.modules.get(top), "__spec__", None)
    if not folder_copy and spec is not None and spec.loader_state == _MARK:
        _forget(top)
    before = set(sys.modules)
    try:
        return importlib.import_module(name)
    except BaseException:
        # Submodules that were imported before the fault would hide it from the next try.
        for left in [n for n in sys.modules if n.startswith(f"{top}.") and n not in before]:
            del sys.modules[left]
        raise


def import_builtin(name: str) -> ModuleType:
    """The module of a plugin of the kernel."""
    return importlib.import_module(name)


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _forget(top: str) -> None:
    for name in [n for n in sys.modules if n == top or n.startswith(f"{top}.")]:
        del sys.modules[name]
