"""The public test kit for plugin authors; its fixtures come with pytest by themselves.

`records` and `filters` need hypothesis, which comes with the extra `testing`.
"""

from __future__ import annotations

from importlib.util import find_spec

from crm_kernel.testing.access_matrix import assert_access as assert_access
from crm_kernel.testing.client import Answer as Answer
from crm_kernel.testing.conformance import PluginConformance as PluginConformance
from crm_kernel.testing.kit import TestCrm as TestCrm
from crm_kernel.testing.people import Person as Person
from crm_kernel.testing.scenario import Scenario as Scenario

if find_spec("hypothesis") is not None:
    from crm_kernel.testing.strategies import filters as filters
    from crm_kernel.testing.strategies import records as records
