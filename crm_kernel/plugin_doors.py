"""What must hold for the doors that one plugin declares (floor 6)."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from crm_kernel.doors import Importer, Route
from crm_kernel.plugin_fault import PluginFault, arguments, told_apart, wrong

KERNEL_FORMATS = ("csv", "jsonl", "json", "table")
"""Formats of the kernel's own: none of a plugin may be called so."""

_PATH = re.compile(r"(/(\{[a-z][a-z0-9_]*\}|[A-Za-z0-9._~-]+)){1,16}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,16}){1,3}")


def typed(hook: str, item: object, expected: type[msgspec.Struct]) -> None:
    """Raises `PluginFault` for what is no instance of `expected`, or has a member of another type than declared."""
    if not isinstance(item, expected):
        raise wrong(hook, item, f"{'an' if expected.__name__[0] in 'AEIO' else 'a'} {expected.__name__}")
    try:
        msgspec.convert(msgspec.structs.asdict(item), expected)
    except msgspec.ValidationError as error:
        raise PluginFault(f"Hook {hook}: {error}.", hook=hook) from error


def format_name(hook: str, name: str) -> None:
    """Raises `PluginFault` for a name that no format can have."""
    if not _NAME.fullmatch(name):
        raise PluginFault(f"Hook {hook}: got the name {name!r}, expected one like 'vcard'.", hook=hook)
    if name in KERNEL_FORMATS:
        raise PluginFault(f"Hook {hook}: the format {name!r} is the kernel's.", hook=hook, hint="Choose another name.")


def check_routes(hook: str, items: list[Any]) -> None:
    """What `register_routes` gave. Raises `PluginFault`."""
    for item in items:
        typed(hook, item, Route)
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
        typed(hook, item, Importer)
        format_name(hook, item.name)
        if not inspect.isasyncgenfunction(item.read) or len(inspect.signature(item.read).parameters) != 2:
            raise wrong(hook, item.read, "'async def' with 'yield' and the arguments (file, crm)")
        for suffix in item.suffixes:
            if not _SUFFIX.fullmatch(suffix):
                raise PluginFault(f"Hook {hook}: got the suffix {suffix!r}, expected one like '.vcf'.", hook=hook)
    told_apart(hook, [item.name for item in items])
