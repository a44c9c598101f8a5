"""How a case of the conformance suite is written: a schema, and records with the faults that each channel must tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A record and the faults it has, each as "pointer code". `stored`: those of the same members sent to a record
    that is stored already, where they differ: a default fills on create only, a merge patch takes nested nulls out."""

    record: Mapping[str, Any]
    faults: tuple[str, ...]
    stored: tuple[str, ...]


class Group(NamedTuple):
    """Records that are held to one `fields` document."""

    name: str
    schema: Mapping[str, Any]
    rows: Sequence[Row]


class Stored(tuple[str, ...]):
    """The faults of a record that is stored already."""

    __slots__ = ()


Case = tuple[Any, ...]
"""A value, then the faults it has: "code", or "/pointer code" below it; a `Stored` of them may come last."""


def one(name: str, schema: Any, *cases: Case, **document: Any) -> Group:
    """Values of one field `v`. `document`: further members of the document's schema."""
    rows = [_row({"v": value}, *faults, at="/v") for value, *faults in cases]
    return Group(name, {"properties": {"v": schema}, **document}, rows)


def whole(name: str, schema: Mapping[str, Any], *cases: Case) -> Group:
    """Records of several fields; pointers of faults are whole."""
    return Group(name, schema, [_row(record, *faults) for record, *faults in cases])


def _row(record: Mapping[str, Any], *faults: Any, at: str = "") -> Row:
    stored = next((fault for fault in faults if isinstance(fault, Stored)), None)
    told = _pointed((fault for fault in faults if not isinstance(fault, Stored)), at)
    return Row(record, told, told if stored is None else _pointed(stored, at))


def _pointed(faults: Any, at: str) -> tuple[str, ...]:
    return tuple(at + fault if " " in fault else f"{at} {fault}" for fault in faults)
