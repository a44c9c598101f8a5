"""What is asked of the jobs and data migrations of a plugin (floor 6)."""

from __future__ import annotations

from typing import Any

from packaging.version import InvalidVersion, Version

from crm_kernel.cron import cron_fault
from crm_kernel.manifest import Job, Migration
from crm_kernel.plugin_fault import PluginFault, arguments, named, told_apart, typed


def check_jobs(hook: str, items: list[Any]) -> None:
    """Raises `PluginFault` for the first job that cannot be one."""
    for item in items:
        typed(hook, item, Job, "a Job")
        named(hook, item.name)
        arguments(hook, item.handle, ["crm"])
        fault = cron_fault(item.every)
        if fault is not None:
            what = f"job {item.name!r}: got every={item.every!r} ({fault}), expected a cron expression"
            raise PluginFault(f"Hook {hook}, {what}.", hook=hook, hint='Each day at six is "0 6 * * *".')
        if item.timeout <= 0:
            what = f"job {item.name!r}: got timeout={item.timeout}, expected seconds above 0"
            raise PluginFault(f"Hook {hook}, {what}.", hook=hook)
    told_apart(hook, [item.name for item in items])


def check_migrations(hook: str, items: list[Any]) -> None:
    """Raises `PluginFault` for the first migration that cannot be one."""
    for item in items:
        typed(hook, item, Migration, "a Migration")
        named(hook, item.name)
        arguments(hook, item.run, ["crm"])
        try:
            Version(item.version)
        except InvalidVersion as error:
            what = f"migration {item.name!r}: got version={item.version!r}, expected one like '0.2.0'"
            raise PluginFault(f"Hook {hook}, {what}.", hook=hook) from error
    told_apart(hook, [item.name for item in items])
