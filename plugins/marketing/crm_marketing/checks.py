"""What is refused before it is written: filters that do not resolve, fields that the plugin keeps."""

from crm_kernel import Batch, Error

from .entities import Campaign, Segment
from .members import written

_KEPT = ("launched_by", "recipients_at")


async def filters(batch: Batch) -> None:
    """A segment's filter resolves, for whoever writes it: he cannot choose people by what he may not read."""
    for change in written(batch.of(Segment)):
        before, text = change.before, change.after.filter
        if text is None or (before is not None and before.filter == text):
            continue
        try:
            await batch.find(change.after.entity, text, limit=0, as_actor=True)
        except Error as error:
            change.refuse("/filter", error.detail, code=error.code)


def kept(batch: Batch) -> None:
    """People do not set what the plugin keeps."""
    if batch.actor.system:
        return
    for change in written(batch.of(Campaign)):
        for name in set(_KEPT) - change.amended_names:
            if getattr(change.after, name) != (None if change.before is None else getattr(change.before, name)):
                change.refuse(f"/{name}", f"The field {name!r} is kept by the plugin.", code="read_only")


def launched(batch: Batch) -> None:
    """Whoever schedules or sends a campaign chooses its recipients, with his rights and no others."""
    for change in written(batch.of(Campaign)):
        before, after = change.before, change.after
        if before is not None and before.stage == "draft" and after.stage in ("scheduled", "sending"):
            change.amend(launched_by=batch.actor.id)
        if after.stage == "scheduled" and after.starts_at is None:
            change.refuse("/starts_at", "A campaign is scheduled for a moment.", code="required")
        if after.stage == "sending" and after.starts_at is None:
            change.amend(starts_at=batch.now())
