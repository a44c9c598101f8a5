"""What stays when the plugin is taken out: the law wants proof of consent, and that objections go on being kept to."""

from crm_kernel import UninstallPlan

from .pipelines import IN_WORK


async def leave(plan: UninstallPlan) -> None:
    """Refuses while something is being sent; tells what must not be purged afterwards."""
    sending = await plan.crm.count("campaign", IN_WORK)
    if sending:
        plan.refuse(f"{sending} campaigns are scheduled or being sent; finish or cancel them first.")
    plan.keep("consent", "Whoever writes to people has to prove that they agreed (Art. 7(1) GDPR).")
    plan.keep("suppression", "Who objected must not be written to again, by whatever sends next (Art. 21 GDPR).")
