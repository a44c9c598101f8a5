"""What people type into a search box, read as a filter: any text is a search, none of it is syntax."""

from __future__ import annotations

from crm_kernel.fields.base import Kind
from crm_kernel.fields.folding import words
from crm_kernel.filters.scope import Scope
from crm_kernel.model import EntityModel

MAX_CHARACTERS = 200
MAX_WORDS = 16
"""What comes behind either limit is not read: the last word is a beginning anyway, as if it were being typed."""


def search_words(text: str) -> tuple[str, ...]:
    """The folded words that have to match, the last one as the beginning of a word; () where there is none."""
    found = words(text[:MAX_CHARACTERS])[:MAX_WORDS]
    return (*dict.fromkeys(word for word in found[:-1] if word != found[-1]), *found[-1:])


def as_filter(wanted: tuple[str, ...]) -> str:
    """The filter that finds them. Words are letters and digits, so there is nothing in them to escape."""
    return f"* matches '{' '.join(wanted)}'"


def searched_fields(entity: EntityModel, scope: Scope) -> tuple[str, ...]:
    """The texts that a search looks into: those marked for it, and those of the title; never a sensitive one."""
    return tuple(
        field.name
        for field in entity.fields.values()
        if field.type.kind is Kind.TEXT
        and not field.options.sensitive
        and (field.options.search or f"{{{field.name}}}" in entity.title)
        and scope.field_exists(entity.name, field.name)
    )
