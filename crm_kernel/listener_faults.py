"""What is wrong with a plugin's listener (floor 4)."""

from __future__ import annotations

from crm_kernel.errors import Error, Fault, missing
from crm_kernel.fields.base import ValueContext
from crm_kernel.filters.resolver import resolve
from crm_kernel.manifest import Listener
from crm_kernel.model import Model


def listener_fault(listener: Listener, entities: Model, context: ValueContext) -> Fault | None:
    """Why a listener cannot be called: its entity is not there, or its condition does not resolve."""
    if listener.entity is None:
        if listener.where is None:
            return None
        return Fault(pointer="/entity", code="required", detail="A listener with `where` names its entity.")
    if listener.entity not in entities:
        return missing("entity", listener.entity, entities, "/entity")
    try:
        if listener.where is not None:
            resolve(listener.where, listener.entity, entities, event=True, context=context)
    except Error as error:
        return Fault(pointer="/where", code=error.code, detail=error.detail, hint=error.hint)
    return None
