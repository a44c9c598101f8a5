"""Names that plugins claim: of the kernel, of `base`, of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_kernel.errors import ConfigError
from crm_kernel.plugins import PluginHost

if TYPE_CHECKING:
    from conftest import PluginApp

ROLE = '{"kind": "role", "name": "%s"}'


def state(host: PluginHost, name: str) -> dict[str, Any]:
    return next(s for s in host.states() if s["name"] == name)


def claiming(app: PluginApp, name: str, *documents: str, **manifest: Any) -> None:
    hooks = {"role": "roles", "entity": "entities", "fields": "extensions"}
    code = ""
    for kind, hook in hooks.items():
        own = [d for d in documents if f'"kind": "{kind}"' in d]
        if own:
            code += f"@hookimpl\ndef register_{hook}(): return [{', '.join(own)}]\n"
    app.plugin(name, code, **manifest)


def fields(name: str, entity: str, properties: str) -> str:
    return f'{{"kind": "fields", "name": "{name}", "entity": "{entity}", "schema": {{"properties": {properties}}}}}'


@pytest.mark.contract("hooks.md#clash-stops")
def test_two_plugins_with_one_action_stop_the_start(app: PluginApp) -> None:
    claiming(app, "one", actions=["publish"])
    claiming(app, "two", actions=["publish"])
    with pytest.raises(ConfigError) as caught:
        app.host()
    assert "The plugins 'one' and 'two' both claim action 'publish'." in str(caught.value)


@pytest.mark.contract("hooks.md#clash-stops", "documents.md#plugin-against-plugin")
@pytest.mark.parametrize(
    ("one", "two", "claim"),
    [
        (ROLE % "agent", ROLE % "agent", "role 'agent'"),
        (fields("x", "e", '{"a": {}}'), fields("y", "e", '{"a": {}}'), "e.a"),
        (
            fields("x", "lease", '{"tenant": {"x-crm": {"reference": "party"}}}'),
            fields("y", "party", '{"lease_by_tenant": {}}'),
            "party.lease_by_tenant",
        ),
        (
            fields("x", "lease", '{"tenant": {"x-crm": {"reference": "party", "reverse": "leases"}}}'),
            fields("y", "party", '{"leases": True}'),
            "party.leases",
        ),
    ],
)
def test_a_clash_of_two_sound_plugins_names_both(app: PluginApp, one: str, two: str, claim: str) -> None:
    claiming(app, "a", one)
    claiming(app, "b", two)
    with pytest.raises(ConfigError) as stopped:
        app.host()
    assert stopped.value.problems == [f"The plugins 'a' and 'b' both claim {claim}. Hint: Disable one of the plugins."]


def test_a_clash_with_a_plugin_that_is_left_out_is_none(app: PluginApp) -> None:
    claiming(app, "a", ROLE % "agent", requires=["nobody"])
    claiming(app, "b", ROLE % "agent")
    assert state(app.host(), "b")["state"] == "active"


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ([ROLE % "admin"], "It claims role 'admin', a name of kernel."),
        ([fields("x", "e", '{"owner": {}}')], "It claims e.owner, a reserved name."),
        ([fields("x", "e", '{"a": {}}'), fields("y", "e", '{"a": {}}')], "It claims e.a twice."),
    ],
)
def test_a_name_of_the_kernel_leaves_the_plugin_out(app: PluginApp, documents: list[str], reason: str) -> None:
    claiming(app, "demo", *documents)
    app.plugin("other", requires=["demo"])
    host = app.host()
    assert (
        state(host, "demo")["reason"]
        == f"{reason} Hint: Choose another name{' for one of them' * ('twice' in reason)}."
    )
    assert state(host, "other")["state"] == "failed"


def test_a_name_of_the_base_leaves_the_plugin_out(app: PluginApp) -> None:
    claiming(app, "demo", '{"kind": "entity", "name": "contact", "schema": {}}')
    assert state(PluginHost(app.settings()), "demo")["reason"].startswith("It claims entity 'contact', a name of base.")
