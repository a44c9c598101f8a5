"""The postal address of `base` and of every plugin that wants one."""

from __future__ import annotations

from typing import Annotated

import msgspec

from crm_kernel.fields.declare import field


class Address(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A postal address; `country` is an ISO 3166-1 code of two letters."""

    street: Annotated[str | None, field(max_length=200)] = None
    street2: Annotated[str | None, field(max_length=200)] = None
    city: Annotated[str | None, field(max_length=100)] = None
    region: Annotated[str | None, field(max_length=100)] = None
    postal_code: Annotated[str | None, field(max_length=20)] = None
    country: Annotated[str | None, field(pattern="^[A-Z]{2}$")] = None
    latitude: Annotated[float | None, field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, field(ge=-180, le=180)] = None
