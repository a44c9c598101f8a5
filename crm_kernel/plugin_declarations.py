"""Calls the `register_*` hooks of one plugin and verifies what they give (floor 6)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec
from packaging.version import InvalidVersion, Version

from crm_kernel.cron import cron_fault
from crm_kernel.document_check import document_faults
from crm_kernel.document_files import FileDocument, read_document, read_documents
from crm_kernel.documents import KINDS, PipelineDocument
from crm_kernel.entities import Entity, declaration, is_entity
from crm_kernel.errors import Fault
from crm_kernel.extensions import Extension, extension_declaration, is_extension
from crm_kernel.manifest import Check, Job, Listener, Migration, Restriction
from crm_kernel.pipelines import pipeline_faults
from crm_kernel.plugin_fault import PluginFault
from crm_kernel.schema.check import check_schema

DOCUMENT_HOOKS: Mapping[str, str] = MappingProxyType(
    {
        "register_entities": "entity",
        "register_extensions": "fields",
        "register_pipelines": "pipeline",
        "register_roles": "role",
        "register_reports": "report",
        "register_views": "view",
    }
)
"""Hooks that give documents, and the kind each of them gives."""


FILES = "register_documents"
LISTENERS = "register_listeners"
CHECKS = "register_checks"
RESTRICTIONS = "register_restrictions"
JOBS = "register_jobs"
MIGRATIONS = "register_migrations"

_NAME = re.compile("[a-z][a-z0-9_-]{0,63}")


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One declared document: the plugin that brings it, its JSON, and the class or file it comes from."""

    plugin: str
    kind: str
    name: str
    body: Mapping[str, Any]
    cls: type | None = None
    file: FileDocument | None = None


def verified(plugin: str, hook: str, given: object) -> tuple[list[Any], list[Declared]]:
    """The items of one hook's answer and the documents among them. Raises `PluginFault` with hook, got, expected."""
    if not isinstance(given, list | tuple):
        raise _wrong(hook, given, "a list")
    items = list(cast("Sequence[Any]", given))
    if hook in DOCUMENT_HOOKS:
        return items, [_document(plugin, hook, item) for item in items]
    if hook == FILES:
        files = [document for item in items for document in _files(hook, item)]
        return files, [_of_file(plugin, file) for file in files]
    _SINGLE[hook](hook, items)
    return items, []


def _document(plugin: str, hook: str, item: object) -> Declared:
    kind = DOCUMENT_HOOKS[hook]
    if isinstance(item, Mapping):
        body = cast("Mapping[str, Any]", item)
    else:
        body = _of_class(hook, kind, item)
    shown = f"{kind} {body.get('name')!r}"
    if body.get("kind") != kind:
        raise PluginFault(f"Hook {hook}: got kind {body.get('kind')!r} in {shown}, expected {kind!r}.", hook=hook)
    faults = structural_faults(body)
    if faults:
        raise PluginFault(f"Hook {hook}, {shown}: {_sentences(faults)}", hook=hook)
    cls = item if isinstance(item, type) else None
    return Declared(plugin=plugin, kind=kind, name=body["name"], body=body, cls=cls)


def _of_class(hook: str, kind: str, item: object) -> Mapping[str, Any]:
    try:
        if is_extension(item) and kind == "fields":
            return extension_declaration(cast("type[Extension]", item))
        if is_entity(item) and not is_extension(item) and kind == "entity":
            return declaration(cast("type[Entity]", item))
    except (TypeError, ValueError, NameError) as error:
        raise PluginFault(f"Hook {hook}: {error}", hook=hook) from error
    classes = {"entity": "an Entity class or ", "fields": "an Extension class or "}
    raise _wrong(hook, item, f"{classes.get(kind, '')}a document of kind {kind!r}")


def structural_faults(body: Mapping[str, Any]) -> list[Fault]:
    """The faults of a document that show without the others: its structure, an entity's fields, a pipeline's stages."""
    faults = document_faults(body)
    if not faults and body["kind"] == "pipeline":
        return pipeline_faults(cast("PipelineDocument", msgspec.convert(body, KINDS["pipeline"])))
    if not faults and body["kind"] == "entity":
        return check_schema(body["schema"])
    return faults


def _files(hook: str, item: object) -> list[FileDocument]:
    if not isinstance(item, str | Path):
        raise _wrong(hook, item, "the path of a file or folder")
    path = Path(item)
    if path.is_dir():
        files, problems = read_documents(path)
    else:
        file, problems = read_document(path, str(path))
        files = [file] if file else []
    problems += [file.problem(fault) for file in files for fault in structural_faults(file.body)]
    if problems:
        raise PluginFault(f"Hook {hook}: {' '.join(p.sentence() for p in problems)}", file=str(path), hook=hook)
    return files


def _of_file(plugin: str, file: FileDocument) -> Declared:
    return Declared(plugin=plugin, kind=file.kind, name=file.name, body=file.body, file=file)


def _listeners(hook: str, items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, Listener):
            raise _wrong(hook, item, "a Listener")
        _arguments(hook, item.handle, ["event", "crm"])
    _told_apart(hook, [item.label for item in items])


def _checks(hook: str, items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, Check):
            raise _wrong(hook, item, "a Check")
        _arguments(hook, item.run, ["crm"])
    _told_apart(hook, [item.name for item in items])


def _restrictions(hook: str, items: list[Any]) -> None:
    for item in items:
        _typed(hook, item, Restriction, "a Restriction")
    _told_apart(hook, [item.label for item in items])


def _jobs(hook: str, items: list[Any]) -> None:
    for item in items:
        _typed(hook, item, Job, "a Job")
        _named(hook, item.name)
        _arguments(hook, item.handle, ["crm"])
        fault = cron_fault(item.every)
        if fault is not None:
            what = f"job {item.name!r}: got every={item.every!r} ({fault}), expected a cron expression"
            raise PluginFault(f"Hook {hook}, {what}.", hook=hook, hint='Each day at six is "0 6 * * *".')
        if item.timeout <= 0:
            what = f"job {item.name!r}: got timeout={item.timeout}, expected seconds above 0"
            raise PluginFault(f"Hook {hook}, {what}.", hook=hook)
    _told_apart(hook, [item.name for item in items])


def _migrations(hook: str, items: list[Any]) -> None:
    for item in items:
        _typed(hook, item, Migration, "a Migration")
        _named(hook, item.name)
        _arguments(hook, item.run, ["crm"])
        try:
            Version(item.version)
        except InvalidVersion as error:
            what = f"migration {item.name!r}: got version={item.version!r}, expected one like '0.2.0'"
            raise PluginFault(f"Hook {hook}, {what}.", hook=hook) from error
    _told_apart(hook, [item.name for item in items])


_SINGLE: Mapping[str, Callable[[str, list[Any]], None]] = MappingProxyType(
    {
        LISTENERS: _listeners,
        CHECKS: _checks,
        RESTRICTIONS: _restrictions,
        JOBS: _jobs,
        MIGRATIONS: _migrations,
    }
)


def _typed(hook: str, item: Any, kind: type[msgspec.Struct], words: str) -> None:
    """Raises `PluginFault` for what is none of a kind, or has a member of another type."""
    if not isinstance(item, kind):
        raise _wrong(hook, item, words)
    try:
        msgspec.convert(msgspec.structs.asdict(item), kind)
    except msgspec.ValidationError as error:
        raise PluginFault(f"Hook {hook}: {error}.", hook=hook) from error


def _named(hook: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        what = f"got the name {name!r}, expected lower-case letters, digits, - and _, beginning with a letter"
        raise PluginFault(f"Hook {hook}: {what}.", hook=hook)


def _arguments(hook: str, function: object, names: list[str]) -> None:
    expected = f"'async def' with the arguments ({', '.join(names)})"
    if not callable(function) or not inspect.iscoroutinefunction(function):
        raise _wrong(hook, function, expected)
    if len(inspect.signature(function).parameters) != len(names):
        shown = f"{function.__name__}{inspect.signature(function)}"
        raise PluginFault(f"Hook {hook}: got {shown}, expected {expected}.", hook=hook)


def _told_apart(hook: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PluginFault(f"Hook {hook}: two are called {name!r}.", hook=hook, hint="Give each its own name=….")


def _wrong(hook: str, got: object, expected: str) -> PluginFault:
    what = "None" if got is None else f"{type(got).__name__} {str(got)[:80]}"
    return PluginFault(f"Hook {hook}: got {what}, expected {expected}.", hook=hook)


def _sentences(faults: list[Fault]) -> str:
    shown = " ".join(f"{f.pointer}: {f.detail}" for f in faults[:3])
    return shown if len(faults) <= 3 else f"{shown} And {len(faults) - 3} more."
