"""The public test kit for plugin authors; its fixtures come with pytest by themselves."""

from __future__ import annotations

from crm_kernel.testing.kit import TestCrm as TestCrm
