"""Mistakes that somebody could make in the access rules and in the operations that ask them: each must be caught.

A mutation replaces a piece of a function's source in memory. Those of `mutations_of_ways` belong to them.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any, NamedTuple


class Mutation(NamedTuple):
    """`old` stands once in the source of the function `module:name`; `new` is put in its place."""

    what: str
    function: str
    old: str
    new: str


@contextmanager
def applied(mutation: Mutation) -> Iterator[None]:
    """The function with the mistake in it, wherever it is called from."""
    module, _, name = mutation.function.partition(":")
    found: Any = reduce(inspect.getattr_static, name.split("."), sys.modules[module])
    function = getattr(found, "__func__", None) or getattr(found, "fget", None) or found
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(mutation.old) != 1:  # no assertion: that is what a mistake is caught by
        raise LookupError(f"{mutation.what}: {mutation.old!r} does not stand once in {mutation.function}")
    changed = source.replace(mutation.old, mutation.new)
    names: dict[str, Any] = {}
    exec(compile(f"from __future__ import annotations\n{changed}", module, "exec"), vars(sys.modules[module]), names)
    mutant = names[name.rpartition(".")[2]]
    mutant = getattr(mutant, "__func__", None) or getattr(mutant, "fget", None) or mutant
    code = function.__code__
    function.__code__ = mutant.__code__
    try:
        yield
    finally:
        function.__code__ = code


_ACCESS, _READ, _PLAN = "crm_kernel.access", "crm_kernel.operations.read", "crm_kernel.operations.read_plan"
_RECORD, _LOAD = "crm_kernel.operations.record_reader", "crm_kernel.operations.write_load"
_RULES, _VALUES = "crm_kernel.operations.write_rules", "crm_kernel.operations.write_values"
_PLACES, _RESOLVER = "crm_kernel.filters.places", "crm_kernel.filters.resolver"

MUTATIONS = [
    Mutation(
        "`*` covers sensitive fields",
        f"{_ACCESS}:_covered",
        "if not field.explicit",
        "if True",
    ),
    Mutation(
        "`deny` is forgotten",
        f"{_ACCESS}:_grant",
        "(_covered(fields.read, model) - denied)",
        "_covered(fields.read, model)",
    ),
    Mutation(
        "`readonly` is forgotten",
        f"{_ACCESS}:_grant",
        " - set(fields.readonly)",
        "",
    ),
    Mutation(
        "a grant without `check` allows any new image",
        f"{_ACCESS}:_grant",
        "is not None else where",
        "is not None else None",
    ),
    Mutation(
        "`*` covers users and teams",
        f"{_ACCESS}:entities_of",
        "if name not in NOT_COVERED_BY_STAR",
        "if True",
    ),
    Mutation(
        "rows of another action",
        f"{_ACCESS}:Access.rows",
        "self.grants(entity, action)",
        'self.grants(entity, "update")',
    ),
    Mutation(
        "a field of one grant on the rows of all",
        f"{_ACCESS}:Access._given_rows",
        "if grants is None or giving == grants",
        "if True",
    ),
    Mutation(
        "no grant is all rows",
        f"{_ACCESS}:Access._any_of",
        "if wheres else NOTHING",
        "if wheres else None",
    ),
    Mutation(
        "one `where` of several",
        f"{_ACCESS}:Access._any_of",
        "list(wheres.values())",
        "list(wheres.values())[:1]",
    ),
    Mutation(
        "the scope of a token is forgotten",
        f"{_ACCESS}:Access.knows",
        "self._entities is not None and entity not in self._entities",
        "False",
    ),
    Mutation(
        "fields of whatever action",
        f"{_ACCESS}:Access.readable",
        'self.grants(entity, "read")',
        'self.grants(entity, "update")',
    ),
    Mutation(
        "grants of roles that are not his",
        f"{_ACCESS}:access_for",
        "sorted(caller.roles)",
        "sorted(roles)",
    ),
    Mutation(
        "what is hidden may be filtered by",
        f"{_PLACES}:Places._known",
        "self._scope.field_exists(entity.name, name)",
        "True",
    ),
    Mutation(
        "a list without row rules",
        f"{_PLAN}:Planner._compile",
        "where = (state, *rules, *filters)",
        "where = (state, *filters)",
    ),
    Mutation(
        "deleted rows without the right to delete",
        f"{_READ}:Reader._found",
        '(query.deleted and not access.allows(entity, "delete"))',
        "False",
    ),
    Mutation(
        "no masks",
        f"{_PLAN}:Planner.masks",
        "if conditions:",
        "if False:",
    ),
    Mutation(
        "sorted by masked values",
        f"{_PLAN}:Planner._order",
        "self.masks(access, model).get(sort.path)",
        "None",
    ),
    Mutation(
        "unreadable names in `fields`",
        f"{_PLAN}:Planner._names",
        "elif name in readable:",
        "elif name in model.fields:",
    ),
    Mutation(
        "sorted by unreadable names",
        f"{_PLAN}:Planner._order",
        "if sort.path not in readable:",
        "if sort.path not in model.fields:",
    ),
    Mutation(
        "references expanded past the rules",
        f"{_READ}:Reader._targets",
        "self.by_ids(target, ids, caller, reads=source)",
        "self.by_ids(target, ids, Caller(system=True), reads=source)",
    ),
    Mutation(
        "history of hidden records",
        f"{_RECORD}:RecordReader.in_hands",
        'rows = reading.rows if access.allows(entity, "read") else NOTHING',
        "rows = None",
    ),
    Mutation(
        "history of hidden fields",
        f"{_RECORD}:_entry",
        "if n in readable",
        "if True",
    ),
    Mutation(
        "history of masked fields",
        f"{_RECORD}:RecordReader.in_hands",
        "frozenset(reading.fields) - hidden",
        "frozenset(reading.fields)",
    ),
    Mutation(
        "the reason of a move to whom it is hidden",
        f"{_RECORD}:_move",
        'if "stage_reason" in readable',
        "if True",
    ),
    Mutation(
        "a written record without masks",
        f"{_RECORD}:RecordReader._seen_in_hand",
        "seen[name] = None",
        "pass",
    ),
    Mutation(
        "a report without row rules",
        "crm_kernel.operations.report:run_report",
        "rules = scope.rows(report.entity)",
        "rules = None",
    ),
    Mutation(
        "paths step onto hidden rows",
        f"{_PLACES}:Places._in_record",
        "self._scope.rows(target.name)",
        "None",
    ),
    Mutation(
        "filters read masked values",
        f"{_PLACES}:Places._scalar",
        "mask=self._scope.field_rows(entity.name, field.name)",
        "mask=None",
    ),
    Mutation(
        "hidden rows are found by writes",
        f"{_LOAD}:_load_named",
        "model, [c.id for c in changes], access, expressions",
        "model, [c.id for c in changes], work.system_access, expressions",
    ),
    Mutation(
        "an action given on other rows",
        f"{_LOAD}:holding",
        "if g.where is None or change.given.get(g.where.text)",
        "if True",
    ),
    Mutation(
        "a denied value can be guessed",
        f"{_LOAD}:sees",
        "if change.trusted:",
        "if True:",
    ),
    Mutation(
        "fields that may not be written",
        f"{_LOAD}:_may_write",
        "writable is None or field.name in writable",
        "True",
    ),
    Mutation(
        "the new image is not checked",
        f"{_RULES}:_allowing",
        "if g.check is None or work.holds(g.check, image)",
        "if True",
    ),
    Mutation(
        "a field of a grant whose check fails",
        f"{_RULES}:_expect_check",
        "not (names <= fields or names <= fields | _unwritable_faults(change))",
        "False",
    ),
    Mutation(
        "rules do not see what the kernel sets",
        f"{_RULES}:_allowing",
        "image = new_image(work, change)",
        "image = change.new",
    ),
    Mutation(
        "references to hidden records",
        f"{_VALUES}:check_references",
        "work.system_access if trusted else work.access",
        "work.system_access",
    ),
    Mutation(
        "a formula is there without its inputs",
        "crm_kernel.model:EntityModel.without_hidden",
        "names - hidden if hidden else names",
        "names",
    ),
    Mutation(
        "a formula on rows where an input is hidden",
        f"{_ACCESS}:Access.field_rows",
        "(field, *self._model[entity].inputs.get(field, ()))",
        "(field,)",
    ),
    Mutation(
        "a formula over a sensitive field is not sensitive",
        "crm_kernel.formulas.computed:_sensitive",
        "found.add(node)",
        "pass",
    ),
    Mutation(
        "`*` covers rollups",
        "crm_kernel.model:Field.explicit",
        " or self.options.rollup is not None",
        "",
    ),
    Mutation(
        "rules of writes see formulas as they were",
        "crm_kernel.operations.write:Writer._check",
        "for change in valued if work.registry.computed else ():",
        "for change in ():",
    ),
]
