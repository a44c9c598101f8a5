"""The nodes of a formula as it was written; its conditions, paths and literals are those of filters."""

from __future__ import annotations

from typing import Union

from crm_kernel.filters import syntax
from crm_kernel.filters.syntax import Span


class Operation(Span, frozen=True):
    """`left operator right` with one of + - * /."""

    left: Node
    operator: str
    right: Node


class Call(Span, frozen=True):
    """A function of some values; `-` stands for the sign before a value."""

    name: str
    arguments: tuple[Node, ...]


class Choice(Span, frozen=True):
    """`if(condition, then, otherwise)`."""

    condition: syntax.Node
    then: Node
    otherwise: Node


Node = Union[Operation, Call, Choice, syntax.Path, syntax.Literal]  # noqa: UP007 - msgspec structs are named below
