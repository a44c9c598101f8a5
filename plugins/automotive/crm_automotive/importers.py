"""Leads from files: `crm import auto_lead FILE --format adf`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO

from crm_kernel import Change, Crm, Error, Importer

from . import adf, intake
from .adf_text import MAX_BYTES
from .entities import AutoLead


async def read_adf(file: BinaryIO, crm: Crm) -> AsyncIterator[Sequence[Change[AutoLead]] | Error]:
    """The prospects of an ADF file or of a mail, one source record each. Raises `Error("invalid")` for another file."""
    try:
        prospects = adf.read(file.read(MAX_BYTES + 1))
    except adf.AdfError as error:
        raise intake.refused(error) from None
    for prospect in intake.folded(prospects):
        fault = intake.nobodys(prospect)
        yield [await intake.lead_change(prospect, crm)] if fault is None else Error("invalid", faults=[fault])


ALL = [
    Importer(
        name="adf",
        title="ADF 1.0",
        entity="auto_lead",
        suffixes=(".adf", ".xml", ".eml"),
        media_types=("application/x-adf+xml", "application/xml", "text/xml", "message/rfc822"),
        read=read_adf,
    )
]
