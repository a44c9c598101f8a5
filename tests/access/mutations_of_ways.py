"""Mistakes in search, exports, timelines, upserts and whole batches, and in what explains them."""

from __future__ import annotations

from tests.access.mutations import Mutation

_ACCESS, _READ = "crm_kernel.access", "crm_kernel.operations.read"
_PLAN, _SEARCH = "crm_kernel.operations.read_plan", "crm_kernel.operations.search"
_LOAD, _VEIL = "crm_kernel.operations.write_load", "crm_kernel.operations.write_veil"

MUTATIONS_OF_WAYS = [
    Mutation(
        "an export of all that may be read",
        f"{_PLAN}:Planner._compile",
        "    if query.export:",
        "    if False:",
    ),
    Mutation(
        "an export without the right to it",
        f"{_READ}:Reader._found",
        'query.export and not access.allows(entity, "export")',
        "False",
    ),
    Mutation(
        "an export of sensitive fields that nobody named",
        "crm_kernel.operations.export_fields:exported",
        "if name in readable and not f.options.sensitive",
        "if name in readable",
    ),
    Mutation(
        "an export with columns that he may not read",
        "crm_kernel.operations.export_fields:exported",
        "if name in readable and not",
        "if not",
    ),
    Mutation(
        "what is exported follows the grants to export",
        "crm_kernel.operations.explain:_Answer._is_given",
        "if self._asked.action in _READING:",
        "if False:",
    ),
    Mutation(
        "search looks into fields that do not exist for him",
        "crm_kernel.filters.searching:searched_fields",
        "and scope.field_exists(entity.name, field.name)",
        "",
    ),
    Mutation(
        "search looks into sensitive fields",
        "crm_kernel.filters.searching:searched_fields",
        "and not field.options.sensitive",
        "",
    ),
    Mutation(
        "titles of fields that do not exist for him",
        f"{_SEARCH}:_of_entity",
        "reader.existing(model, [*named], caller)",
        "tuple(named)",
    ),
    Mutation(
        "search reads with the rights of the system",
        f"{_SEARCH}:_of_entity",
        "reader.list(model.name, caller,",
        'reader.list(model.name, __import__("crm_kernel.callers").callers.system("api"),',
    ),
    Mutation(
        "the index of words decides by itself",
        f"{_PLAN}:Planner._compile",
        "FewPlan(found, where, page(model, read, order, where, found.ids)",
        "FewPlan(found, where[:-1], page(model, read, order, where[:-1], found.ids)",
    ),
    Mutation(
        "the index of words keeps what was",
        "crm_kernel.storage.records:RecordStore._put_words",
        "if compiled.search and found:",
        "if False:",
    ),
    Mutation(
        "a timeline with all activities",
        "crm_kernel.operations.timeline:_activities",
        "reader.list(ACTIVITY, caller, query)",
        'reader.list(ACTIVITY, __import__("crm_kernel.callers").callers.system("api"), query)',
    ),
    Mutation(
        "a timeline of hidden activities' subjects",
        "crm_kernel.operations.timeline:_activities",
        "about = '{id}' and created_at is not null",
        "created_at is not null",
    ),
    Mutation(
        "an upsert finds hidden records",
        f"{_ACCESS}:Access.key_rows",
        "[self.rows(entity), *(",
        "[*(",
    ),
    Mutation(
        "an upsert finds records by hidden values",
        f"{_ACCESS}:Access.key_rows",
        "*(self.field_rows(entity, name) for name in names)",
        "",
    ),
    Mutation(
        "an upsert by fields that do not exist for him",
        f"{_LOAD}:_can_be_key",
        "if field is None or not (change.trusted or _exists(work, change, name)):",
        "if field is None:",
    ),
    Mutation(
        "only the first refused row of a batch is told",
        "crm_kernel.errors:winner",
        "else faults\n",
        "else faults[:1]\n",
    ),
    Mutation(
        "a batch is refused as its first row is",
        "crm_kernel.errors:winner",
        "min((f.status for f in faults), key=lambda s: _PRECEDENCE.get(s, 9))",
        "faults[0].status",
    ),
    Mutation(
        "a refusal names hidden fields",
        f"{_VEIL}:_may_be_told",
        "return sees(work, change, name)",
        "return True",
    ),
    Mutation(
        "a refusal names no field that is read",
        f"{_VEIL}:_may_be_told",
        "return sees(work, change, name)",
        "return False",
    ),
    Mutation(
        "one record is referred to in one way only",
        "crm_kernel.operations.write_values:_existing",
        "if (target, id) not in existing",
        "if id not in {found for _, found in existing}",
    ),
]
