"""What plugins declare, and what is said of a wrong declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_kernel.plugins import PluginHost

if TYPE_CHECKING:
    from conftest import PluginApp

ROLE = '{"kind": "role", "name": "%s"}'


def state(host: PluginHost, name: str) -> dict[str, Any]:
    return next(s for s in host.states() if s["name"] == name)


def refused(app: PluginApp, code: str, **manifest: Any) -> str:
    """The reason why a plugin with this code is left out."""
    app.plugin("demo", code, **manifest)
    found = state(app.host(), "demo")
    assert found["state"] == "failed"
    return str(found["reason"])


DECLARING = """
    class Listing(Entity, title="{address}"):
        '''A property.'''
        address: str
        seller: Ref["contact"] | None = None

    class ContactBuyer(Extension, entity="contact"):
        budget: int | None = None

    @hookimpl
    def register_entities(): return [Listing, {"kind": "entity", "name": "lease", "schema": {"properties": {}}}]
    @hookimpl
    def register_extensions(): return [ContactBuyer, {"kind": "fields", "name": "f", "entity": "contact", "schema": {}}]
    @hookimpl
    def register_pipelines():
        return [{"kind": "pipeline", "name": "p", "entity": "listing", "stages": [{"name": "a", "type": "open"}]}]
    @hookimpl
    def register_roles(): return ({"kind": "role", "name": "agent"},)
    @hookimpl
    def register_reports():
        measures = [{"count": "*", "as": "n"}]
        return [{"kind": "report", "name": "r", "label": "R", "entity": "listing", "measures": measures}]
    @hookimpl
    def register_views(): return [{"kind": "view", "name": "v", "entity": "listing"}]
    async def told(event, crm): ...
    async def asked(crm): return []
    @hookimpl
    def register_listeners():
        return [Listener(event="record.moved", handle=told), Listener(event="record.moved", handle=told, name="two")]
    @hookimpl
    def register_checks(): return [Check(name="feed", run=asked)]
"""


@pytest.mark.contract("hooks.md#register-documents", "hooks.md#register-extensions")
def test_classes_and_dicts_are_declared_alike(app: PluginApp) -> None:
    app.plugin("demo", DECLARING)
    host = app.host()
    assert host.faulty() == []
    assert [(d.plugin, d.kind, d.name) for d in host.documents()] == [
        ("demo", "entity", "listing"),
        ("demo", "entity", "lease"),
        ("demo", "fields", "contact-buyer"),
        ("demo", "fields", "f"),
        ("demo", "pipeline", "p"),
        ("demo", "role", "agent"),
        ("demo", "report", "r"),
        ("demo", "view", "v"),
    ]
    listing, buyer = host.documents()[0], host.documents()[2]
    assert listing.cls is host.declared("register_entities")[0][1]
    assert listing.body["schema"]["required"] == ["address"]
    assert buyer.body["entity"] == "contact"
    assert list(buyer.body["schema"]["properties"]) == ["budget"]
    assert [(plugin, listener.label) for plugin, listener in host.listeners()] == [("demo", "told"), ("demo", "two")]
    assert [(plugin, check.name) for plugin, check in host.checks()] == [("demo", "feed")]


def test_documents_come_from_files_and_folders(app: PluginApp) -> None:
    folder = app.plugin(
        "demo",
        """
        from pathlib import Path
        HERE = Path(__file__).parent
        @hookimpl
        def register_documents(): return [HERE / "documents", str(HERE / "more.json")]
        """,
    )
    (folder / "documents" / "roles").mkdir(parents=True)
    (folder / "documents" / "roles" / "a.json").write_text(ROLE % "a")
    (folder / "more.json").write_text(ROLE % "b")
    declared = app.host().documents()
    assert [d.name for d in declared] == ["a", "b"]
    assert declared[0].file is not None
    assert declared[0].file.file == "roles/a.json"


@pytest.mark.contract("hooks.md#register-type")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def register_entities(): return None", "Hook register_entities: got None, expected a list."),
        ("def register_entities(): return {}", "Hook register_entities: got dict {}, expected a list."),
        (
            "def register_entities(): return [int]",
            "Hook register_entities: got type <class 'int'>, expected an Entity class or a document of kind 'entity'.",
        ),
        (
            "def register_extensions(): return [type('X', (Entity,), {})]",
            "expected an Extension class or a document of kind 'fields'.",
        ),
        ("def register_roles(): return ['x']", "Hook register_roles: got str x, expected a document of kind 'role'."),
        (
            "def register_roles(): return [{'kind': 'view', 'name': 'v'}]",
            "Hook register_roles: got kind 'view' in role 'v', expected 'role'.",
        ),
        (
            "def register_roles(): return [{'kind': 'role', 'name': 'R'}]",
            "Hook register_roles, role 'R': /name: Got \"R\", expected a name",
        ),
        (
            "def register_views(): return [{'kind': 'view', 'name': 'v', 'a': 1, 'b': 1, 'c': 1}]",
            "/a: Unknown member 'a';",
        ),
        (
            "def register_pipelines(): return [{'kind': 'pipeline', 'name': 'p', 'entity': 'e', 'stages': "
            "[{'name': 'a', 'type': 'open'}, {'name': 'a', 'type': 'won'}]}]",
            "Hook register_pipelines, pipeline 'p': /stages/1/name: The stage 'a' stands twice.",
        ),
        (
            "def register_entities(): return [{'kind': 'entity', 'name': 'e', 'schema': {'properties': {'id': {}}}}]",
            "Hook register_entities, entity 'e': /schema/properties/id",
        ),
        (
            "def register_entities(): return [type('X', (Entity,), {'__annotations__': {'a': 'Nope'}})]",
            "Hook register_entities: name 'Nope' is not defined",
        ),
        ("def register_extensions(): return [type('X', (Extension,), {})]", "Hook register_extensions: X: the class"),
        ("def register_documents(): return [3]", "got int 3, expected the path of a file or folder."),
        ("def register_documents(): return ['/none.json']", "/none.json: cannot be read: No such file or directory."),
        ("def register_listeners(): return [3]", "Hook register_listeners: got int 3, expected a Listener."),
        (
            "def register_listeners(): return [Listener(event='x', handle=print)]",
            "expected 'async def' with the arguments (event, crm).",
        ),
        (
            "def register_listeners():\n        async def f(event): ..."
            "\n        return [Listener(event='x', handle=f)]",
            "Hook register_listeners: got f(event), expected 'async def' with the arguments (event, crm).",
        ),
        (
            "def register_listeners():\n        async def f(e, c): ..."
            "\n        return [Listener(event='x', handle=f)] * 2",
            "Hook register_listeners: two are called 'f'.",
        ),
        ("def register_checks(): return [3]", "Hook register_checks: got int 3, expected a Check."),
        ("def register_views(): return 1 / 0", "Hook register_views failed: ZeroDivisionError: division by zero."),
    ],
)
def test_a_wrong_declaration_names_hook_got_and_expected(app: PluginApp, code: str, reason: str) -> None:
    assert reason in refused(app, f"    @hookimpl\n    {code}")


def test_a_faulty_file_is_named_with_its_place(app: PluginApp) -> None:
    folder = app.plugin(
        "demo", "from pathlib import Path\n@hookimpl\ndef register_documents(): return [Path(__file__).parent]"
    )
    (folder / "x.json").write_text('{\n "kind": "rle"}')
    reason = state(app.host(), "demo")["reason"]
    assert "x.json, line 2, column 10: There is no kind 'rle'; did you mean 'role'?" in reason


JOB = """
    async def work(crm): ...
    def plain(crm): ...
    @hookimpl
    def register_jobs(): return [%s]
"""


@pytest.mark.parametrize(
    ("jobs", "reason"),
    [
        ("work", "Hook register_jobs: got function <function work at "),
        ("Job(name='n', every='0 6 * *', handle=work)", "Hook register_jobs, job 'n': got every='0 6 * *' (it"),
        (
            "Job(name='n', every='61 6 * * *', handle=work)",
            "='61 6 * * *' (bad minute), expected a cron expression.",
        ),
        ("Job(name='n', every=6, handle=work)", "Hook register_jobs: Expected `str`, got `int` - at `$.every`."),
        (
            "Job(name='N n', every='0 6 * * *', handle=work)",
            "Hook register_jobs: got the name 'N n', expected",
        ),
        ("Job(name='n', every='0 6 * * *', handle=plain)", "expected 'async def' with the arguments (crm)."),
        (
            "Job(name='n', every='0 6 * * *', handle=work, timeout=0)",
            "got timeout=0, expected seconds above 0.",
        ),
        ("*[Job(name='n', every='0 6 * * *', handle=work)] * 2", "Hook register_jobs: two are called 'n'."),
    ],
)
def test_a_wrong_job_leaves_the_plugin_out(app: PluginApp, jobs: str, reason: str) -> None:
    assert reason in refused(app, JOB % jobs)


@pytest.mark.parametrize(
    ("migration", "reason"),
    [
        ("Migration(version='one', name='n', run=work)", "got version='one', expected one like '0.2.0'."),
        ("Migration(version='1', name='n', run=print)", "expected 'async def' with the arguments (crm)."),
        ("*[Migration(version='1', name='n', run=work)] * 2", "Hook register_migrations: two are called 'n'."),
        ("3", "Hook register_migrations: got int 3, expected a Migration."),
    ],
)
def test_a_wrong_migration_leaves_the_plugin_out(app: PluginApp, migration: str, reason: str) -> None:
    assert reason in refused(app, JOB.replace("jobs", "migrations") % migration)
