"""Rules that refuse changes of the configuration."""

from __future__ import annotations

from crm_kernel import DocumentPlan

NEEDED = {"deal": ("won", "lost"), "lead": ("won",)}
"""Types of stages that a pipeline of these entities must have: deals end, and a lead is converted in a won stage."""


def stages_end(plan: DocumentPlan) -> None:
    """A pipeline of deals has a won and a lost stage, one of leads a won one: figures of sales rest on them."""
    for document in plan.of("pipeline"):
        after = document.after or {}
        types = {stage.get("type") for stage in after.get("stages", ())}
        for type_ in NEEDED.get(after.get("entity", ""), ()):
            if type_ not in types:
                detail = f"A pipeline of {after['entity']} records needs a stage of the type {type_!r}."
                plan.refuse(document, "/stages", detail, code=f"sales.no_{type_}_stage")
