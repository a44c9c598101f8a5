"""The built-in plugin `base`: users, teams, companies, contacts, activities, files."""

from __future__ import annotations

from collections.abc import Sequence

from crm_kernel import Batch, Plugin, concerns, hookimpl
from crm_kernel.base import checks, rights, teams
from crm_kernel.base.entities import Activity as Activity
from crm_kernel.base.entities import Company as Company
from crm_kernel.base.entities import Contact as Contact
from crm_kernel.base.entities import File as File
from crm_kernel.base.entities import Team as Team
from crm_kernel.base.entities import User as User

plugin = Plugin(name="base", title="Base entities", kernel=">=0.1,<1")


@hookimpl
def register_entities() -> Sequence[type]:
    return [User, Team, Company, Contact, Activity, File]


@hookimpl
@concerns(Contact, User, Team)
async def before_write(batch: Batch) -> None:
    await checks.fill_contact_name(batch)
    if not (batch.of(User) or batch.of(Team)):
        return
    await teams.check_memberships(batch)
    await teams.refuse_circles(batch)
    await rights.refuse_foreign_roles(batch)
    await rights.refuse_foreign_teams(batch)


@hookimpl
@concerns(User)
async def check_write(batch: Batch) -> None:
    await rights.keep_an_admin(batch)
