"""A filter whose names and types are known: what SQL, predicates and words are made from."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Union

import msgspec

from crm_kernel.fields.base import Kind, Storage
from crm_kernel.fields.rotting import Limit
from crm_kernel.filters import syntax
from crm_kernel.filters.scope import Nothing, Rows
from crm_kernel.filters.shapes import Part
from crm_kernel.filters.values import Value

ROOTS = Literal["record", "before", "event", "element"]


class Hop(NamedTuple):
    """One way from records to related ones: `lookup` from `field` to the `target` it names, or `referring`: to the
    records of `target` whose `field` names the record, or `before`: to the state before an event."""

    how: Literal["lookup", "referring", "before"]
    field: str
    target: str


BEFORE = Hop("before", "", "")
"""The hop to the record before an event (`Environment.before`)."""

Need = tuple[Hop, ...]
"""A chain of hops from the record whose last rows a predicate will ask for; its beginnings are needs of their own."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that a path steps through: onto rows of `target` that `rows` gives, where `mask` lets it be read."""

    field: str
    target: str
    mask: Rows = None
    rows: Rows = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value stands: `steps`, then `field`, then `member` of its object (or amount, currency of its money).

    Below `any` over a list the root is its element, without field. `fold` is the suffix of the column with folded
    text, `scale` the decimals of a decimal, `element` what a list holds, `mask` the rows where it may be read.
    """

    root: ROOTS = "record"
    steps: tuple[Step, ...] = ()
    field: str = ""
    member: tuple[str, ...] = ()
    kind: Kind
    storage: Storage = "text"
    fold: str = ""
    scale: int = 0
    money: bool = False
    element: Part | None = None
    choices: tuple[str, ...] = ()
    limits: tuple[Limit, ...] | None = None
    mask: Rows = None
    label: str = ""


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """A place against values: `operator` is a key of `operators.OPERATORS` or `DERIVED`."""

    place: Place
    operator: str
    values: tuple[Value, ...] = ()
    listed: bool = False


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A place against another one."""

    left: Place
    operator: str
    right: Place


class AnyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Some record of `target` that refers by `field` to the record at the end of `steps` satisfies `inner`.

    `any_entity` is the entity's name where `field` refers to records of any entity.
    """

    steps: tuple[Step, ...]
    target: str
    field: str
    any_entity: str | None
    mask: Rows
    rows: Rows
    inner: Tree


class AnyElement(msgspec.Struct, frozen=True, kw_only=True):
    """Some element of the list at `place` satisfies `inner`."""

    place: Place
    inner: Tree


class All(msgspec.Struct, frozen=True):
    """Each of the items (true for none)."""

    items: tuple[Tree, ...]


class Some(msgspec.Struct, frozen=True):
    """One of the items (false for none)."""

    items: tuple[Tree, ...]


class Negated(msgspec.Struct, frozen=True):
    """The item is false."""

    item: Tree


Leaf = Union[Test, Compared, AnyRow, AnyElement]  # noqa: UP007 - a name for isinstance
Tree = Union[Leaf, All, Some, Negated]  # noqa: UP007 - as above


class Expression(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A filter resolved against one entity and one scope; immutable, to be cached by its text.

    `paths` are all paths in it as written from the record (`viewings.stage` for what stands inside `any`),
    `variables` the names it takes from the environment (`me`, `now`, `zone`, `param.x` …), `needs` what a predicate
    asks `lookup` and `referring` for, `levels` how deep its subqueries nest. `labels` name the paths for people, by
    the column at which they stand.
    """

    text: str
    entity: str
    root: Tree
    written: syntax.Node
    paths: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()
    needs: tuple[Need, ...] = ()
    levels: int = 0
    labels: dict[int, str] = {}

    @property
    def uses_related(self) -> bool:
        """Whether a predicate needs other records than the one it is asked about."""
        return bool(self.needs)


def tree_of(rows: Rows) -> Tree | None:
    """The condition of `rows` as a tree; None for all rows, an empty `Some` for no row."""
    if isinstance(rows, Nothing):
        return Some(())
    return rows.root if rows is not None else None


def conditions(*rows: Rows) -> list[Any]:
    """The trees of those that limit anything."""
    return [tree for tree in map(tree_of, rows) if tree is not None]
