"""What `crm check` asks of an office, and what its log says of it."""

from crm_kernel import Check, Crm, UninstallPlan

from .pipelines import SHOWN

_SHOWN = ", ".join(f"'{stage}'" for stage in SHOWN)
_ORPHANED = f"stage in ({_SHOWN}) and list_agent.active = false"


async def agents_can_sign_in(crm: Crm) -> list[str]:
    """Listings on the market whose agent has left: nobody answers for them."""
    listings = await crm.find("listing", _ORPHANED, sort="listing_id", limit=20)
    return [
        f"Listing {listing['listing_id']} is on the market and its agent can no longer sign in."
        " Hint: give it another list_agent."
        for listing in listings
    ]


async def opened(crm: Crm) -> None:
    """Tells how the office works now."""
    hours, minutes = crm.settings.viewing_notice_hours, crm.settings.viewing_minutes
    crm.log.info("open: viewings take %s minutes and need %s hours' notice", minutes, hours)


async def closed(crm: Crm) -> None:
    """Tells how many viewings people expect while the app is down."""
    waiting = await crm.count("viewing", "stage in ('requested', 'confirmed') and starts_at >= @now")
    crm.log.info("closed: %s viewings are to come", waiting)


async def to_be_kept(plan: UninstallPlan) -> None:
    """What an office answers for is not removed with the plugin: offers that were accepted, sales that were closed."""
    accepted = await plan.crm.count("offer", "stage = 'accepted'")
    if accepted:
        plan.keep("offer", f"{accepted:,} accepted offers are contracts that the office answers for.")


ALL = [Check(name="agents", title="Listings have an agent", run=agents_can_sign_in)]
