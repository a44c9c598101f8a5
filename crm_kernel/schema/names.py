"""Which names fields may have."""

from __future__ import annotations

import re

NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,47}")

SYSTEM_FIELDS = (
    "id",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "owner",
    "team",
    "deleted_at",
)
"""The fields of every record, in order."""

PIPELINE_FIELDS = ("pipeline", "stage", "stage_since", "stage_reason", "rotting")
"""The further system fields of entities that have a pipeline."""

FILTER_WORDS = frozenset(
    ("and", "or", "not", "any", "none", "in", "between", "is", "null", "contains", "starts", "ends", "with", "matches")
).union(("true", "false"))
"""The keywords of the filter language."""

RESERVED = FILTER_WORDS.union(SYSTEM_FIELDS, PIPELINE_FIELDS, ["event", "before", "param", "value"])
"""Names that no field and no reverse name may have."""


def name_problem(name: str) -> tuple[str, str] | None:
    """(code, sentence) of what is wrong with the name of a new field, None where nothing is."""
    if not NAME.fullmatch(name):
        sentence = "names are lower-case letters, digits and single underscores, at most 48, and begin with a letter"
        return "pattern", f"{name[:60]!r} cannot be a name: {sentence}."
    if name in RESERVED:
        return "reserved", f"{name!r} is reserved."
    return None
