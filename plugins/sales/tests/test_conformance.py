"""The contract of plugins, held by this one."""

from __future__ import annotations

from typing import ClassVar

from crm_kernel.testing import PluginConformance


class TestConformance(PluginConformance):
    """An open deal was not closed, and a lead is somebody."""

    plugin = "sales"
    samples: ClassVar = {"deal": {"closed_at": None}, "lead": {"name": "Anna"}}
