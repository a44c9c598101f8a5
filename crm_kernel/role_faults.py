"""What is wrong with a role document, or with the names of roles in others, judged against all that is declared."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from crm_kernel.access import entities_of
from crm_kernel.callers import ADMIN
from crm_kernel.documents import GrantFields, Role
from crm_kernel.errors import Error, Fault, missing, near
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.resolver import resolve
from crm_kernel.model import EntityModel, Model
from crm_kernel.restrictions import action_faults

_MOST = 100


def role_faults(role: Role, entities: Model, actions: Collection[str]) -> list[Fault]:
    """What is wrong with a role document against the model: entities, actions, fields and expressions that are not
    known or do not resolve."""
    faults: list[Fault] = []
    if role.name == ADMIN:
        hint = "Give the role another name: what it grants would mean nothing."
        faults.append(Fault(pointer="/name", code="unique", detail=f"The role {ADMIN!r} is built in.", hint=hint))
    for index, doc in enumerate(role.grants):
        at = f"/grants/{index}"
        names = entities_of(doc, entities)
        if not names:
            faults.append(missing("entity", doc.entity, entities, f"{at}/entity"))
            continue
        faults.extend(action_faults(doc.actions, actions, at))
        faults.extend(_expression_faults(doc, names, entities, at))
        if doc.entity != "*" and doc.fields is not None:
            faults.extend(_field_faults(doc.fields, entities[doc.entity], at))
    return faults


def unknown_roles(named: Iterable[tuple[str, str]], roles: Collection[str]) -> list[Fault]:
    """Of the (pointer, role) that another document names those that are no role, a hundred at the most."""
    absent = islice(((at, name) for at, name in named if name not in roles), _MOST)
    return [missing("role", name, roles, at) for at, name in absent]


def _expression_faults(doc: Any, names: list[str], entities: Model, at: str) -> list[Fault]:
    faults: list[Fault] = []
    for member in ("where", "check"):
        text: str | None = getattr(doc, member)
        if text is None:
            continue
        for name in names:
            try:
                expression = resolve(text, name, entities)
            except Error as error:
                faults.append(Fault(pointer=f"{at}/{member}", code=error.code, detail=error.detail, hint=error.hint))
                break
            others = _not_system(expression, entities[name]) if doc.entity == "*" else []
            if others:
                detail = f'a grant for "*" may use system fields only, not {", ".join(others)}'
                faults.append(Fault(pointer=f"{at}/{member}", code="bad_filter", detail=detail))
                break
    return faults


def _not_system(expression: Expression, model: EntityModel) -> list[str]:
    first_steps = {path.partition(".")[0] for path in expression.paths}
    return sorted(p for p in first_steps if p not in model.fields or model.fields[p].source.kind != "system")


def _field_faults(fields: GrantFields, model: EntityModel, at: str) -> list[Fault]:
    return [
        Fault(
            pointer=f"{at}/fields/{member}/{index}",
            code="unknown_field",
            detail=f"{model.name} has no field {name!r};{near(name, model.fields) or ' see GET /api/schema.'}",
        )
        for member in ("read", "write", "deny", "readonly")
        for index, name in enumerate(getattr(fields, member))
        if name != "*" and name not in model.fields
    ]
