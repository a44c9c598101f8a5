"""Builds the registry from what plugins declare and what documents say (floor 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, cast

import msgspec

from crm_kernel.access import builtin_grants, compile_role
from crm_kernel.callers import ADMIN
from crm_kernel.document_check import document_faults
from crm_kernel.documents import KINDS, PipelineDocument, Report, Role, View
from crm_kernel.errors import Error, Fault, missing
from crm_kernel.fields import BUILTIN_TYPES
from crm_kernel.fields.base import FieldType, ValueContext
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.resolver import resolve
from crm_kernel.formulas.computed import Computed, Problem, resolve_computed
from crm_kernel.listener_faults import listener_fault
from crm_kernel.manifest import Listener, Restriction
from crm_kernel.model import EntityModel, Model, Source, Validator
from crm_kernel.pipelines import (
    Pipeline,
    default_faults,
    default_first,
    pipeline_faults,
    pipeline_of,
    requires_faults,
    with_rotting,
)
from crm_kernel.registry import BoundListener, Broken, Declaration, Registry
from crm_kernel.registry_clashes import clashes, override_faults, own_names
from crm_kernel.reports import report_faults
from crm_kernel.restrictions import Narrowing, compile_restriction
from crm_kernel.role_faults import role_faults, unknown_roles
from crm_kernel.schema.build import Part, build_entity, rules_beside, with_reverses
from crm_kernel.schema.check import check_schema
from crm_kernel.schema.describe import ACTIONS
from crm_kernel.schema.validate import SchemaValidator
from crm_kernel.views import view_faults

_versions = count(1)


def build_registry(
    declarations: Iterable[Declaration],
    listeners: Sequence[tuple[str, Listener]],
    context: ValueContext,
    restrictions: Sequence[tuple[str, Restriction]] = (),
    actions: Sequence[str] = (),
    types: Sequence[type[FieldType]] = (),
) -> Registry:
    """The registry of all declarations: plugins' first, in their order, then stored documents.

    A later declaration of the same kind and name replaces the earlier one as a whole where it says `overrides`;
    otherwise it is broken. Whatever does not fit is left out and named in `broken`. Of plugins are `restrictions`,
    `actions` and field `types`.
    """
    builder = _Builder(context, (*ACTIONS, *actions), (*types, *BUILTIN_TYPES))
    builder.take(declarations)
    builder.build()
    roles = builder.roles()
    reports = builder.typed("report", Report, report_faults)
    views = builder.typed("view", View, partial(view_faults, roles=builder.role_names))
    return Registry(
        version=next(_versions),
        entities=builder.entities,
        pipelines=builder.pipelines,
        guards=builder.guards,
        requirements=builder.requirements,
        roles=roles,
        builtin_grants=builtin_grants(builder.entities),
        narrowings=builder.narrowings(restrictions),
        actions=builder.actions,
        reports=reports,
        views=views,
        listeners=builder.listeners(listeners),
        computed=builder.computed,
        declarations=builder.declared,
        broken=builder.broken,
        aside=frozenset(builder.aside),
        adopted=frozenset(builder.adopted),
        value_context=context,
        types=builder.types,
    )


class _Builder:
    def __init__(self, context: ValueContext, actions: Sequence[str], types: Sequence[type[FieldType]]) -> None:
        self._context = context
        self.types = types
        self.actions = actions
        self.declared: dict[tuple[str, str], Declaration] = {}
        self.role_names = {ADMIN}  # of those that are broken too: what names one need not break with it
        self.broken: list[Broken] = []
        self.aside: set[tuple[str, str]] = set()
        self.adopted: set[tuple[str, str]] = set()
        self.entities: Model = {}
        self.pipelines: dict[str, Pipeline] = {}
        self.guards: dict[tuple[str, int], Expression] = {}
        self.requirements: dict[tuple[str, str], Validator] = {}
        self.computed: Mapping[str, Computed] = {}

    # ---- which documents are in force -----------------------------------------------------------------------------
    def take(self, declarations: Iterable[Declaration]) -> None:
        """Keep what is structurally sound; settle overrides."""
        for declaration in declarations:
            self.role_names |= {declaration.name} if declaration.kind == "role" else set()
            faults = [] if declaration.checked else structural_faults(declaration.body)
            first = self.declared.get((declaration.kind, declaration.name))
            if not faults and first is not None:
                faults = override_faults(declaration, first)
            if faults:
                self._leave_out(declaration, faults)
            else:
                self.declared[declaration.kind, declaration.name] = declaration

    def _leave_out(self, declaration: Declaration, faults: Sequence[Fault]) -> None:
        self.broken.append(Broken(declaration.source, declaration.kind, declaration.name, tuple(faults)))
        held = self.declared.get((declaration.kind, declaration.name))
        if held is declaration:
            del self.declared[declaration.kind, declaration.name]

    def _of_kind(self, kind: str) -> list[Declaration]:
        return [d for (k, _), d in self.declared.items() if k == kind]

    # ---- what depends on each other ---------------------------------------------------------------------------------
    def build(self) -> None:
        """Entities, pipelines and what is computed; where that does not fit, all again without its documents."""
        while True:
            self.build_entities()
            self.build_pipelines()
            self.resolve_guards()
            resolved = resolve_computed(self.entities, self._context)
            if not resolved.problems:
                self.entities, self.computed = resolved.model, resolved.computed
                return
            faults: dict[tuple[str, str], list[Fault]] = {}
            for problem in resolved.problems:
                fault = problem.fault.at(prefix=f"/schema/properties/{problem.field}")
                faults.setdefault(self._declaring(problem), []).append(fault)
            for key, found in faults.items():
                self._leave_out(self.declared[key], found)

    def _declaring(self, problem: Problem) -> tuple[str, str]:
        """The document that declares a field."""
        source = self.entities[problem.entity].fields[problem.field].source
        return next(
            key
            for key, d in self.declared.items()
            if d.source == source
            and (key == ("entity", problem.entity) or (d.kind == "fields" and d.body["entity"] == problem.entity))
            and problem.field in own_names(d)
        )

    # ---- entities and their fields --------------------------------------------------------------------------------
    def build_entities(self) -> None:
        """Entities without those whose schema is faulty, and `fields` documents that extend what is there."""
        for declaration in self._of_kind("entity"):
            faults = check_schema(declaration.body["schema"], entities=self._entity_names(), types=self.types)
            if faults:
                self._leave_out(declaration, faults)
        fields = sorted(self._of_kind("fields"), key=lambda d: (d.source.kind == "document", d.name))
        known = {d.name: own_names(d) for d in self._of_kind("entity")}
        for declaration in fields:
            faults = self._fields_faults(declaration, known)
            if faults:
                self._leave_out(declaration, faults)
            else:
                known[declaration.body["entity"]].update(own_names(declaration))

    def _entity_names(self) -> set[str]:
        return {d.name for d in self._of_kind("entity")}

    def _fields_faults(self, declaration: Declaration, known: Mapping[str, dict[str, Source]]) -> list[Fault]:
        entity = declaration.body["entity"]
        if entity not in known:
            return [missing("entity", entity, known, "/entity")]
        names = known[entity]
        if declaration.source.kind == "document":
            taken = {n for n in own_names(declaration) if n in names and names[n].kind != "document"}
            names = {name: source for name, source in names.items() if name not in taken}
            self._set_aside(declaration, taken, known[entity])
        schema = declaration.body["schema"]
        return check_schema(schema, known=names, entities=self._entity_names(), types=self.types)

    def _set_aside(self, declaration: Declaration, taken: set[str], known: Mapping[str, Source]) -> None:
        """Fields of a stored document whose names a plugin has taken: the plugin gets them, the document says so."""
        entity = declaration.body["entity"]
        clash = clashes(declaration, {name: known[name] for name in sorted(taken)}, self.declared.values(), self.types)
        aside = {(entity, name) for name in clash.aside} - self.aside  # else it was told already
        self.adopted |= {(entity, name) for name in clash.adopted}
        self.aside |= aside
        if aside:
            self.broken.append(Broken(declaration.source, declaration.kind, declaration.name, clash.faults))

    def _assemble(self, pipelines: Mapping[str, Sequence[Pipeline]]) -> None:
        """All entities with the fields of their documents and, once known, their pipelines."""
        models: dict[str, EntityModel] = {}
        for declaration in self._of_kind("entity"):
            mine = [d for d in self._of_kind("fields") if d.body["entity"] == declaration.name]
            extensions = [Part(d.source, d.body["schema"]) for d in mine if d.source.kind != "document"]
            documents = [Part(d.source, d.body["schema"]) for d in mine if d.source.kind == "document"]
            lines = default_first(pipelines.get(declaration.name, ()))
            model = build_entity(
                declaration.body,
                source=declaration.source,
                extensions=extensions,
                documents=documents,
                pipelines={p.name: p.stage_names for p in lines},
                types=self.types,
                cls=declaration.cls,
            )
            models[declaration.name] = with_rotting(model, lines)
        self.entities = with_reverses(models)

    # ---- pipelines ------------------------------------------------------------------------------------------------
    def build_pipelines(self) -> None:
        """Pipelines of entities that are there, one default each; then the entities, with their stages."""
        self.pipelines, self.requirements, self.guards = {}, {}, {}
        by_entity: dict[str, list[Pipeline]] = {}
        known = self._entity_names()
        for declaration in self._of_kind("pipeline"):
            entity = declaration.body["entity"]
            if entity not in known:
                self._leave_out(declaration, [missing("entity", entity, known, "/entity")])
                continue
            document = cast("PipelineDocument", msgspec.convert(declaration.body, KINDS["pipeline"]))
            by_entity.setdefault(entity, []).append(pipeline_of(document))
        for lines in by_entity.values():
            for pipeline, fault in default_faults(lines):
                self._leave_out(self.declared["pipeline", pipeline.name], [fault])
                lines.remove(pipeline)
        self._assemble(by_entity)
        for lines in by_entity.values():
            for pipeline in lines:
                self._take_pipeline(pipeline)
        sound = {entity: [p for p in lines if p.name in self.pipelines] for entity, lines in by_entity.items()}
        if sound != by_entity:  # no entity has a pipeline that is left out
            self._assemble(sound)

    def _take_pipeline(self, pipeline: Pipeline) -> None:
        faults = requires_faults(pipeline, self.entities[pipeline.entity])
        if faults:
            self._leave_out(self.declared["pipeline", pipeline.name], faults)
            return
        self.pipelines[pipeline.name] = pipeline
        model = self.entities[pipeline.entity]
        for stage in pipeline.stages:
            required = [r.schema for r in pipeline.required_in(stage.name)]
            parts = rules_beside(model, required, f"{pipeline.name}/requires")
            if parts:
                self.requirements[pipeline.name, stage.name] = SchemaValidator(model.fields, parts)

    def resolve_guards(self) -> None:
        """The guards and roles of transitions; a pipeline with a faulty one is left out."""
        for pipeline in list(self.pipelines.values()):
            faults = unknown_roles(pipeline.named_roles(), self.role_names)
            for index, transition in enumerate(pipeline.transitions or ()):
                if transition.guard is None:
                    continue
                try:
                    guard = resolve(transition.guard, pipeline.entity, self.entities, context=self._context)
                except Error as error:
                    at = f"/transitions/{index}/guard"
                    faults.append(Fault(pointer=at, code=error.code, detail=error.detail, hint=error.hint))
                else:
                    self.guards[pipeline.name, index] = guard
            if faults:
                self._drop_pipeline(pipeline, faults)

    def _drop_pipeline(self, pipeline: Pipeline, faults: Sequence[Fault]) -> None:
        """Leave a pipeline out; its entity keeps the columns, records keep their stage."""
        self._leave_out(self.declared["pipeline", pipeline.name], faults)
        del self.pipelines[pipeline.name]
        self.guards = {key: guard for key, guard in self.guards.items() if key[0] != pipeline.name}
        by_entity: dict[str, list[Pipeline]] = {}
        for line in self.pipelines.values():
            by_entity.setdefault(line.entity, []).append(line)
        self._assemble(by_entity)

    # ---- the rest -------------------------------------------------------------------------------------------------
    def roles(self) -> dict[str, Any]:
        """The compiled grants of each role, the role `admin` without any (it may do everything)."""
        compiled: dict[str, Any] = {ADMIN: {}}
        for declaration in self._of_kind("role"):
            role = msgspec.convert(declaration.body, Role)
            faults = role_faults(role, self.entities, self.actions)
            if faults:
                self._leave_out(declaration, faults)
            else:
                compiled[role.name] = compile_role(role, self.entities)
        return compiled

    def narrowings(self, restrictions: Sequence[tuple[str, Restriction]]) -> dict[str, list[Narrowing]]:
        """What restrictions leave of each entity's rows; a faulty one is broken, and gives none."""
        found: dict[str, list[Narrowing]] = {}
        for plugin, restriction in restrictions:
            narrowing, faults = compile_restriction(plugin, restriction, self.entities, self.actions)
            if faults:
                name = f"{plugin}.{restriction.label}"
                self.broken.append(Broken(Source("plugin", plugin), "restriction", name, faults))
            if narrowing is not None:
                found.setdefault(narrowing.entity, []).append(narrowing)
        return found

    def typed(self, kind: str, cls: type[Any], faults_of: Callable[..., list[Fault]]) -> dict[str, Any]:
        """The documents of a kind as structs, without those that do not resolve."""
        found: dict[str, Any] = {}
        for declaration in self._of_kind(kind):
            document = msgspec.convert(declaration.body, cls)
            faults = faults_of(document, self.entities, context=self._context)
            if faults:
                self._leave_out(declaration, faults)
            else:
                found[declaration.name] = document
        return found

    def listeners(self, listeners: Sequence[tuple[str, Listener]]) -> list[BoundListener]:
        """Listeners with their conditions; one whose condition does not resolve is broken."""
        bound: list[BoundListener] = []
        for plugin, listener in listeners:
            name = f"{plugin}.{listener.label}"
            fault = listener_fault(listener, self.entities, self._context)
            if fault is not None:
                self.broken.append(Broken(Source("plugin", plugin), "listener", name, [fault]))
                continue
            where = None
            if listener.where is not None and listener.entity is not None:
                where = resolve(listener.where, listener.entity, self.entities, event=True, context=self._context)
            bound.append(BoundListener(name=name, plugin=plugin, listener=listener, where=where))
        return bound


def structural_faults(body: Mapping[str, Any]) -> list[Fault]:
    """The faults of a document that show without any other."""
    faults = document_faults(body)
    if not faults and body["kind"] == "pipeline":
        return pipeline_faults(cast("PipelineDocument", msgspec.convert(body, KINDS["pipeline"])))
    return faults
