"""What all tests share. Fixtures of one part stand in the `conftest.py` of its folder."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines differ in speed and tests run two at a time: a slow example is no fault.
settings.register_profile("crm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crm")
