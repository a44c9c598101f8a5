"""Reading records page by page through the read door (floor 10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.kernel import Kernel
from crm_kernel.operations.list_query import MAX_LIMIT, ListQuery


async def pages(
    kernel: Kernel, entity: str, caller: Caller, query: ListQuery, limit: int | None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The pages of a list, until `limit` records were given (None: all)."""
    left = limit
    while True:
        size = MAX_LIMIT if left is None else min(left, MAX_LIMIT)
        page = await kernel.reader.list(entity, caller, msgspec.structs.replace(query, limit=size))
        yield page.items
        if left is not None:
            left -= len(page.items)
        if page.next is None or left == 0:
            return
        query = msgspec.structs.replace(query, cursor=page.next)


async def every_record(kernel: Kernel, entity: str, sort: str) -> list[dict[str, Any]]:
    """All live records of a small entity, with system rights."""
    caller = kernel.system("cli")
    return [item async for page in pages(kernel, entity, caller, ListQuery(sort=sort), None) for item in page]
