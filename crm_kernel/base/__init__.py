"""The built-in plugin `base`: users, teams, companies, contacts, activities, files."""

from __future__ import annotations

from crm_kernel.base.entities import Activity as Activity
from crm_kernel.base.entities import Company as Company
from crm_kernel.base.entities import Contact as Contact
from crm_kernel.base.entities import File as File
from crm_kernel.base.entities import Team as Team
from crm_kernel.base.entities import User as User
