"""Leads over HTTP: `POST /api/x/automotive/adf`, with the token of whoever sends them."""

from __future__ import annotations

from crm_kernel import Answer, Crm, Error, Request, Route

from . import adf, intake
from .entities import AutoLead

AT_MOST = 500
"""Prospects in one message; a file of more is imported."""


async def receive_adf(request: Request, crm: Crm) -> Answer:
    """The leads of a message, all or none, with the rights of the sender (role `lead_feed`).

    The body is ADF as XML, or the mail that has it. Answers 201 with a lead made, 200 with known ones brought up to
    date: `{"leads": [{"id", "outcome": "created" | "updated"}]}`, one for each prospect, in order.
    Raises `Error("invalid")` with all that is wrong, `forbidden` where the sender may write no leads.
    """
    if request.caller is None or request.caller.id is None:
        raise Error("unauthenticated")
    try:
        prospects = intake.folded(adf.read(request.body))
    except adf.AdfError as error:
        raise intake.refused(error) from None
    if len(prospects) > AT_MOST:
        raise Error("too_large", f"The message has {len(prospects)} prospects; at most {AT_MOST} are taken at once.")
    if faults := [fault for prospect in prospects if (fault := intake.nobodys(prospect))]:
        raise Error("invalid", faults=faults)
    keys = [key for prospect in prospects if (key := intake.key_of(prospect))]
    known = {
        lead.id for lead in await crm.find(AutoLead, "external_key in @param.keys", limit=AT_MOST, keys=keys or [""])
    }
    changes = [await intake.lead_change(prospect, crm) for prospect in prospects]
    known |= {change.id for change in changes if change.id}
    written = await crm.as_user(request.caller.id).write(changes)
    leads = [{"id": lead["id"], "outcome": "updated" if lead["id"] in known else "created"} for lead in written]
    made = any(lead["outcome"] == "created" for lead in leads)
    return Answer({"leads": leads}, status=201 if made else 200)


ALL = [
    Route(
        method="POST",
        path="/adf",
        handle=receive_adf,
        summary="Takes the leads of an ADF message, as XML or as a mail",
        accepts="application/xml",
    )
]
