"""The contract of plugins, held by this one."""

from __future__ import annotations

from typing import ClassVar

from crm_kernel.testing import PluginConformance


class TestConformance(PluginConformance):
    """Viewings are of listings that may be shown."""

    plugin = "real_estate"
    samples: ClassVar = {"listing": {"stage": "Active"}}
