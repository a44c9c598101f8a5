"""Routes: what channels and campaigns are worth, by a model of the caller's choice."""

from datetime import date, datetime, time
from typing import get_args
from zoneinfo import ZoneInfo

from crm_kernel import Answer, Crm, Error, Request, Route

from .attribution import MODELS, Model
from .figures import By, attribute

PARAMETERS = ("model", "by", "since", "until")


async def credits(request: Request, crm: Crm) -> Answer:
    """`?model=linear&by=channel&since=2026-01-01&until=2026-02-01`: the days are those of the caller's zone, `until`
    the first that no longer counts. Only what the caller may read counts."""
    if request.caller is None or request.caller.id is None:
        raise Error("unauthenticated")
    unknown = [name for name in request.query if name not in PARAMETERS]
    if unknown:
        raise Error("unknown_parameter", f"{unknown[0]!r} is none of {', '.join(PARAMETERS)}.")
    model = _model(request.query.get("model", "linear"))
    by = _by(request.query.get("by", "channel"))
    zone = ZoneInfo(request.caller.timezone)
    since, until = (_day(name, request.query.get(name), zone) for name in ("since", "until"))
    found = await attribute(crm, model, by=by, since=since, until=until, as_user=request.caller.id)
    return Answer({"model": model, "by": by, "items": [one._asdict() for one in found]})


def _model(sent: str) -> Model:
    for model in MODELS:
        if model == sent:
            return model
    raise Error("bad_value", f"There is no model {sent[:100]!r}; expected one of {', '.join(MODELS)}.")


def _by(sent: str) -> By:
    for by in get_args(By):
        if by == sent:
            return by
    raise Error("bad_value", f"Credit is given by channel or by campaign, not by {sent[:100]!r}.")


def _day(name: str, sent: str | None, zone: ZoneInfo) -> datetime | None:
    if sent is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(sent), time(), zone)
    except ValueError:
        raise Error("bad_value", f"{name} is a day like 2026-01-31, got {sent[:100]!r}.") from None


ROUTES = [Route(method="GET", path="/attribution", handle=credits, summary="Credit of channels or campaigns, by model")]
