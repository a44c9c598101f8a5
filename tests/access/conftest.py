"""One app for all worlds of a test."""

from __future__ import annotations

import pytest_asyncio

from crm_kernel.testing import TestCrm
from tests.access.app import Worlds


@pytest_asyncio.fixture
async def worlds(crm: TestCrm) -> Worlds:
    found = Worlds(crm)
    await found.prepare()
    return found
