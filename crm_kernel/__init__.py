"""The names a plugin may import; beside them only `crm_kernel.base` and `crm_kernel.testing` are public."""

from __future__ import annotations

from crm_kernel.doors import Argument as Argument
from crm_kernel.doors import Command as Command
from crm_kernel.doors import Exporter as Exporter
from crm_kernel.doors import Importer as Importer
from crm_kernel.doors import Route as Route
from crm_kernel.entities import Entity as Entity
from crm_kernel.errors import Error as Error
from crm_kernel.errors import Fault as Fault
from crm_kernel.events import Event as Event
from crm_kernel.extensions import Extension as Extension
from crm_kernel.fields.address import Address as Address
from crm_kernel.fields.base import Faulty as Faulty
from crm_kernel.fields.base import FieldType as FieldType
from crm_kernel.fields.base import Kind as Kind
from crm_kernel.fields.base import ValueContext as ValueContext
from crm_kernel.fields.declare import Email as Email
from crm_kernel.fields.declare import Phone as Phone
from crm_kernel.fields.declare import Ref as Ref
from crm_kernel.fields.declare import Url as Url
from crm_kernel.fields.declare import field as field
from crm_kernel.fields.money import Money as Money
from crm_kernel.hookspecs import hookimpl as hookimpl
from crm_kernel.manifest import Check as Check
from crm_kernel.manifest import Job as Job
from crm_kernel.manifest import Listener as Listener
from crm_kernel.manifest import Migration as Migration
from crm_kernel.manifest import Plugin as Plugin
from crm_kernel.manifest import Restriction as Restriction
from crm_kernel.manifest import concerns as concerns
from crm_kernel.operations.apply_hooks import DocumentPlan as DocumentPlan
from crm_kernel.operations.batch import Batch as Batch
from crm_kernel.operations.changes import Change as Change
from crm_kernel.operations.crm import Crm as Crm
from crm_kernel.operations.routes import Answer as Answer
from crm_kernel.operations.routes import Request as Request
from crm_kernel.operations.uninstall import UninstallPlan as UninstallPlan
