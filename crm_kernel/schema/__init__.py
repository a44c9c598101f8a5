"""JSON Schemas of entities: their rules, the merged model, validation and description (floor 2)."""

from __future__ import annotations

from crm_kernel.schema.build import Part as Part
from crm_kernel.schema.build import build_entity as build_entity
from crm_kernel.schema.build import build_fields as build_fields
from crm_kernel.schema.build import reverse_clashes as reverse_clashes
from crm_kernel.schema.build import with_reverses as with_reverses
from crm_kernel.schema.check import check_schema as check_schema
from crm_kernel.schema.check import title_faults as title_faults
from crm_kernel.schema.describe import describe as describe
from crm_kernel.schema.describe import list_entities as list_entities
from crm_kernel.schema.names import RESERVED as RESERVED
from crm_kernel.schema.names import name_problem as name_problem
from crm_kernel.schema.patterns import is_linear as is_linear
from crm_kernel.schema.system import system_fields as system_fields
from crm_kernel.schema.validate import unknown_members as unknown_members
