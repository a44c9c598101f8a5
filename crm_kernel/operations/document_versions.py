"""The versions of a document as people read them: who changed what, and when (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_kernel.operations.answers import plain_json
from crm_kernel.operations.plan import diff
from crm_kernel.storage.documents import DocumentChange


def version_items(versions: Sequence[DocumentChange], names: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Stored versions, newest first, each with its difference from the one before. `names`: of users, by id."""
    bodies = [None if v.body is None else plain_json(v.body) for v in versions]
    return [
        {
            "version": version.version,
            "change": version.change,
            "at": version.at,
            "by": None if version.by is None else {"id": version.by, "name": names.get(version.by)},
            "diff": diff(before, body),
            "body": body,
        }
        for version, body, before in zip(versions, bodies, [*bodies[1:], None], strict=False)
    ]
