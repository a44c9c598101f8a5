"""Calls the `register_*` hooks of one plugin and verifies what they give (floor 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec

from crm_kernel.document_check import document_faults
from crm_kernel.document_files import FileDocument, read_document, read_documents
from crm_kernel.documents import KINDS, PipelineDocument
from crm_kernel.entities import Entity, declaration, is_entity
from crm_kernel.errors import Fault
from crm_kernel.extensions import Extension, extension_declaration, is_extension
from crm_kernel.manifest import Check, Listener, Restriction
from crm_kernel.pipelines import pipeline_faults
from crm_kernel.plugin_doors import check_importers, check_routes
from crm_kernel.plugin_fault import PluginFault, arguments, told_apart, wrong
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
ROUTES = "register_routes"
IMPORTERS = "register_importers"
FORMATS: Mapping[str, str] = MappingProxyType({IMPORTERS: "importer"})
"""Hooks whose items have a name that is one of all plugins, and what these are called."""


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
        raise wrong(hook, given, "a list")
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
    raise wrong(hook, item, f"{classes.get(kind, '')}a document of kind {kind!r}")


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
        raise wrong(hook, item, "the path of a file or folder")
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
            raise wrong(hook, item, "a Listener")
        arguments(hook, item.handle, ["event", "crm"])
    told_apart(hook, [item.label for item in items])


def _checks(hook: str, items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, Check):
            raise wrong(hook, item, "a Check")
        arguments(hook, item.run, ["crm"])
    told_apart(hook, [item.name for item in items])


def _restrictions(hook: str, items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, Restriction):
            raise wrong(hook, item, "a Restriction")
        try:
            msgspec.convert(msgspec.structs.asdict(item), Restriction)
        except msgspec.ValidationError as error:
            raise PluginFault(f"Hook {hook}: {error}.", hook=hook) from error
    told_apart(hook, [item.label for item in items])


_SINGLE: Mapping[str, Callable[[str, list[Any]], None]] = MappingProxyType(
    {
        LISTENERS: _listeners,
        CHECKS: _checks,
        RESTRICTIONS: _restrictions,
        ROUTES: check_routes,
        IMPORTERS: check_importers,
    }
)


def _sentences(faults: list[Fault]) -> str:
    shown = " ".join(f"{f.pointer}: {f.detail}" for f in faults[:3])
    return shown if len(faults) <= 3 else f"{shown} And {len(faults) - 3} more."
