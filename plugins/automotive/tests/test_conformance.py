"""The contract of plugins, held by this one."""

from __future__ import annotations

from typing import ClassVar

from crm_kernel.testing import PluginConformance


class TestConformance(PluginConformance):
    """A VIN has a check digit, and a drive ends with more on the odometer: no schema tells."""

    plugin = "automotive"
    samples: ClassVar = {"vehicle": {"vin": None}, "test_drive": {"odometer_in": None}}
