"""The pytest plugin for plugin authors: fixtures of the public test kit.

`crm` is a kernel of its own for each test. Override `crm_plugins` (names of installed plugins) and `crm_documents`
(documents to apply) in a `conftest.py` to say what it is composed of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel.testing.kit import Template, TestCrm


@pytest.fixture(scope="session")
def crm_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The databases that tests begin with, made once in a session."""
    return Template(tmp_path_factory.mktemp("crm"))


@pytest.fixture
def crm_plugins() -> Sequence[str]:
    """The installed plugins of the kernel that `crm` gives, beside `base`."""
    return ()


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    """The documents that are applied to it."""
    return ()


@pytest_asyncio.fixture
async def crm(
    crm_template: Template, crm_plugins: Sequence[str], crm_documents: Sequence[Mapping[str, Any]], tmp_path: Path
) -> AsyncIterator[TestCrm]:
    """A kernel on a temporary SQLite file, with all rights; events are delivered by `await crm.deliver()`."""
    folder = tmp_path / "crm"
    folder.mkdir()
    kernel = await crm_template.open(folder, crm_plugins, crm_documents)
    yield TestCrm(kernel)
    await kernel.close()
