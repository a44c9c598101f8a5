"""What is wrong with a saved list, judged against the entities that are declared (floor 4)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from crm_kernel.documents import View
from crm_kernel.errors import Error, Fault, missing
from crm_kernel.fields.base import ValueContext
from crm_kernel.filters.path_sql import find_place, is_sortable
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.model import Model
from crm_kernel.role_faults import unknown_roles


def view_faults(view: View, entities: Model, *, roles: Collection[str], context: ValueContext) -> list[Fault]:
    """What of a view does not resolve: entity, filter, columns, sort, roles; what stands twice or sorts nothing."""
    if view.entity not in entities:
        return [missing("entity", view.entity, entities, "/entity")]
    faults = unknown_roles(((f"/roles/{index}", name) for index, name in enumerate(view.roles)), roles)

    def check(at: str, find: Callable[[], Any]) -> Any:
        try:
            return find()
        except Error as error:
            faults.append(Fault(pointer=at, code=error.code, detail=error.detail, hint=error.hint))
            return None

    text = view.filter
    if text is not None:
        check("/filter", lambda: resolve(text, view.entity, entities, context=context))
    for at, path in _columns(view):
        check(at, lambda path=path: find_place(path, view.entity, entities, SYSTEM_SCOPE))
    for at, key in _keys(view):
        path = key.removeprefix("-")
        place = check(at, lambda path=path: find_place(path, view.entity, entities, SYSTEM_SCOPE))
        if place is not None and not is_sortable(place):
            detail = f"{view.entity} cannot be sorted by {path!r}, a {place.kind}."
            faults.append(Fault(pointer=at, code="not_sortable", detail=detail))
    return faults + _repeated(_columns(view)) + _repeated([(at, key.removeprefix("-")) for at, key in _keys(view)])


def _columns(view: View) -> list[tuple[str, str]]:
    return [(f"/columns/{index}", path) for index, path in enumerate(view.columns)]


def _keys(view: View) -> list[tuple[str, str]]:
    """The sort keys with their pointers: a list of them, or the comma list that the route of lists takes."""
    if isinstance(view.sort, str):
        return [("/sort", key.strip()) for key in view.sort.split(",") if key.strip()]
    return [(f"/sort/{index}", key.strip()) for index, key in enumerate(view.sort)]


def _repeated(places: list[tuple[str, str]]) -> list[Fault]:
    seen: set[str] = set()
    return [
        Fault(pointer=at, code="unique", detail=f"{path!r} stands there already.")
        for at, path in places
        if path in seen or seen.add(path)
    ]
