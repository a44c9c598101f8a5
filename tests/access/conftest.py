"""One app for all worlds of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from crm_kernel.testing.kit import NewDatabase, Template, TestCrm
from tests.access.app import Worlds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds(
    crm_template: Template, kept_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Worlds]:
    """Takes one world after the other; its tests run in the loop of the module."""
    kernel = await crm_template.open(tmp_path_factory.mktemp("worlds"), (), (), kept_database)
    found = Worlds(TestCrm(kernel))
    await found.prepare()
    yield found
    await kernel.close()
