"""Returns nonsense from a `register_*` hook."""

from crm_kernel import Plugin, hookimpl

plugin = Plugin(name="babble", title="Declares nonsense", kernel=">=0.1,<1")


@hookimpl
def register_listeners():
    return "all of them"
