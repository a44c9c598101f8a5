"""What must hold for the doors that one plugin declares (floor 6)."""

from __future__ import annotations

import inspect
import re
from typing import Any

from crm_kernel.doors import Command, Exporter, Importer, Route
from crm_kernel.fields import BUILTIN_TYPES
from crm_kernel.fields.base import FieldType
from crm_kernel.fields.plugin_type import BASES
from crm_kernel.plugin_fault import PluginFault, arguments, told_apart, typed, wrong
from crm_kernel.schema.check import draft_faults

KERNEL_FORMATS = ("csv", "jsonl", "json", "table")
"""Formats of the kernel's own: none of a plugin may be called so."""

_PATH = re.compile(r"(/(\{[a-z][a-z0-9_]*\}|[A-Za-z0-9._~-]+)){1,16}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_FIELD_TYPE = re.compile(r"[a-z][a-z0-9_]{0,47}")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,16}){1,3}")
_MEDIA = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+(; ?charset=[a-z0-9-]+)?")
_GIVEN = {"app", "json", "as", "help", "login"}
"""Options that every command has."""


def format_name(hook: str, name: str) -> None:
    """Raises `PluginFault` for a name that no format can have."""
    if not _NAME.fullmatch(name):
        raise PluginFault(f"Hook {hook}: got the name {name!r}, expected one like 'vcard'.", hook=hook)
    if name in KERNEL_FORMATS:
        raise PluginFault(f"Hook {hook}: the format {name!r} is the kernel's.", hook=hook, hint="Choose another name.")


def check_routes(hook: str, items: list[Any]) -> None:
    """What `register_routes` gave. Raises `PluginFault`."""
    for item in items:
        typed(hook, item, Route, "a Route")
        arguments(hook, item.handle, ["request", "crm"])
        names = [part for part in item.segments if part.startswith("{")]
        if not _PATH.fullmatch(item.path) or {".", ".."} & {*item.segments} or len({*names}) < len(names):
            hint = "Write it like /vehicles/{vin}, each name once."
            raise PluginFault(f"Hook {hook}: got the path {item.path!r}.", hook=hook, hint=hint)
    told_apart(hook, [f"{item.method} {_shape(item)}" for item in items])
    named: dict[str, str] = {}
    for item in items:
        other = named.setdefault(_shape(item), item.path)
        if other != item.path:
            detail = f"Hook {hook}: {item.path!r} and {other!r} are one path with parameters of different names."
            raise PluginFault(detail, hook=hook, hint="Call them the same.")


def _shape(route: Route) -> str:
    return re.sub(r"\{\w+\}", "{}", route.path)


def check_importers(hook: str, items: list[Any]) -> None:
    """What `register_importers` gave. Raises `PluginFault`."""
    for item in items:
        typed(hook, item, Importer, "an Importer")
        format_name(hook, item.name)
        if not inspect.isasyncgenfunction(item.read) or len(inspect.signature(item.read).parameters) != 2:
            raise wrong(hook, item.read, "'async def' with 'yield' and the arguments (file, crm)")
        for suffix in item.suffixes:
            if not _SUFFIX.fullmatch(suffix):
                raise PluginFault(f"Hook {hook}: got the suffix {suffix!r}, expected one like '.vcf'.", hook=hook)
    told_apart(hook, [item.name for item in items])


def check_exporters(hook: str, items: list[Any]) -> None:
    """What `register_exporters` gave. Raises `PluginFault`."""
    for item in items:
        typed(hook, item, Exporter, "an Exporter")
        format_name(hook, item.name)
        if not inspect.isasyncgenfunction(item.write) or len(inspect.signature(item.write).parameters) != 1:
            raise wrong(hook, item.write, "'async def' with 'yield' and the argument (records)")
        if not _SUFFIX.fullmatch(item.suffix):
            raise PluginFault(f"Hook {hook}: got the suffix {item.suffix!r}, expected one like '.vcf'.", hook=hook)
        if not _MEDIA.fullmatch(item.media_type):
            raise PluginFault(f"Hook {hook}: got the media type {item.media_type!r}.", hook=hook)
    told_apart(hook, [item.name for item in items])


def check_commands(hook: str, items: list[Any]) -> None:
    """What `register_commands` gave. Raises `PluginFault`."""
    for item in items:
        typed(hook, item, Command, "a Command")
        names = [argument.name for argument in item.arguments]
        for name in (item.name, *names):
            if not _NAME.fullmatch(name):
                raise PluginFault(f"Hook {hook}: got the name {name!r}, expected one like 'forecast'.", hook=hook)
        if {*names} & _GIVEN or len({*names}) < len(names):
            kernels = ", ".join(sorted(_GIVEN))
            detail = f"Hook {hook}: an argument of {item.name!r} comes twice or is the kernel's ({kernels})."
            raise PluginFault(detail, hook=hook, hint="Call it something else.")
        arguments(hook, item.handle, ["crm", *names])
        _called_so(hook, item.handle, names)
    told_apart(hook, [item.name for item in items])


def _called_so(hook: str, handle: Any, names: list[str]) -> None:
    got = [*inspect.signature(handle).parameters][1:]
    if sorted(got) != sorted(name.replace("-", "_") for name in names):
        shown = ", ".join(["crm", *(name.replace("-", "_") for name in names)])
        raise PluginFault(f"Hook {hook}: got {handle.__name__}(crm, {', '.join(got)}), expected ({shown}).", hook=hook)


def check_field_types(hook: str, items: list[Any]) -> None:
    """What `register_field_types` gave. Raises `PluginFault`."""
    for item in items:
        if not isinstance(item, type) or not issubclass(item, FieldType):
            raise wrong(hook, item, "a class derived from FieldType")
        if not isinstance(item.name, str) or not _FIELD_TYPE.fullmatch(item.name):
            raise PluginFault(f"Hook {hook}: got the name {item.name!r}, expected one like 'vin'.", hook=hook)
        if item.name in {builtin.name for builtin in BUILTIN_TYPES}:
            raise PluginFault(f"Hook {hook}: the type {item.name!r} is the kernel's.", hook=hook)
        if item.kind not in BASES:
            detail = f"Hook {hook}: the type {item.name!r} is of the kind {item.kind!r}, expected {' or '.join(BASES)}."
            raise PluginFault(detail, hook=hook)
        faults = draft_faults(dict(item.schema), at="/schema") if isinstance(item.schema, dict) else []
        if faults or not isinstance(item.schema, dict):
            told = f"{faults[0].pointer}: {faults[0].detail}" if faults else "schema is no dict."
            raise PluginFault(f"Hook {hook}, type {item.name!r}: {told}", hook=hook)
    told_apart(hook, [item.name for item in items])
