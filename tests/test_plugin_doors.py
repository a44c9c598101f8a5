"""What the hooks of routes, formats, commands and field types may give, and what of it leaves a plugin out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_kernel.errors import ConfigError

if TYPE_CHECKING:
    from conftest import PluginApp

HEAD = """
async def answer(request, crm): ...
async def short(request): ...
def plain(request, crm): ...
async def rows(file, crm): yield []
async def no_rows(file, crm): return []
async def pieces(records): yield b""
async def told(crm, quarter, since): ...
def goes(name="adf", write=pieces, suffix=".adf", **more):
    return Exporter(name=name, title="T", entity="lead", suffix=suffix, write=write, **more)
def says(*names, handle=told, name="forecast"):
    return Command(name=name, handle=handle, help="h", arguments=[Argument(name=n) for n in names])
def get(path, handle=answer, method="GET", **more):
    return Route(method=method, path=path, handle=handle, summary="s", **more)
def comes(name="adf", read=rows, **more):
    return Importer(name=name, **({"title": "T", "entity": "lead", "read": read} | more))
"""


def reason(app: PluginApp, hook: str, gives: str) -> str | None:
    app.plugin("garage", f"{HEAD}\n@hookimpl\ndef {hook}(): return {gives}")
    return app.host().states()[0]["reason"]


@pytest.mark.contract("hooks.md#register-type")
@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ("3", "got int 3, expected a list"),
        ("['x']", "got str x, expected a Route"),
        ("[get('/a', plain)]", "expected 'async def' with the arguments (request, crm)"),
        ("[get('/a', short)]", "got short(request), expected 'async def' with the arguments (request, crm)"),
        ("[get('/a', method='PUSH')]", "Invalid enum value 'PUSH'"),
        ("[get('a')]", "got the path 'a'. Hint: Write it like /vehicles/{vin}"),
        ("[get('/a/')]", "got the path '/a/'"),
        ("[get('/a/../b')]", "got the path '/a/../b'"),
        ("[get('/{a}/{a}')]", "got the path '/{a}/{a}'"),
        ("[get('/{a}'), get('/{b}')]", "two are called 'GET /{}'"),
        ("[get('/{a}'), get('/{b}', method='POST')]", "are one path with parameters of different names"),
        ("[get('/a', public=1)]", "Expected `bool`, got `int`"),
    ],
)
def test_a_wrong_route_leaves_the_plugin_out(app: PluginApp, gives: str, told: str) -> None:
    found = reason(app, "register_routes", gives) or ""
    assert found.startswith("Hook register_routes: ")
    assert told in found


@pytest.mark.contract("hooks.md#register-type")
@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ("[get('/a')]", "expected an Importer"),
        ("[comes('ADF')]", "got the name 'ADF', expected one like 'vcard'"),
        ("[comes('csv')]", "the format 'csv' is the kernel's"),
        ("[comes(read=no_rows)]", "expected 'async def' with 'yield' and the arguments (file, crm)"),
        ("[comes(suffixes=['adf'])]", "got the suffix 'adf', expected one like '.vcf'"),
        ("[comes(), comes()]", "two are called 'adf'"),
        ("[comes(title=3)]", "Expected `str`, got `int`"),
    ],
)
def test_a_wrong_importer_leaves_the_plugin_out(app: PluginApp, gives: str, told: str) -> None:
    found = reason(app, "register_importers", gives) or ""
    assert found.startswith("Hook register_importers: ")
    assert told in found


@pytest.mark.contract("hooks.md#register-type")
@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ("[3]", "expected an Exporter"),
        ("[goes('jsonl')]", "the format 'jsonl' is the kernel's"),
        ("[goes(write=rows)]", "expected 'async def' with 'yield' and the argument (records)"),
        ("[goes(suffix='adf')]", "got the suffix 'adf'"),
        ("[goes(media_type='a b')]", "got the media type 'a b'"),
        ("[goes(), goes()]", "two are called 'adf'"),
    ],
)
def test_a_wrong_exporter_leaves_the_plugin_out(app: PluginApp, gives: str, told: str) -> None:
    found = reason(app, "register_exporters", gives) or ""
    assert found.startswith("Hook register_exporters: ")
    assert told in found


@pytest.mark.contract("hooks.md#register-type")
@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ("[3]", "expected a Command"),
        ("[says('quarter')]", "got told(crm, quarter, since), expected 'async def' with the arguments (crm, quarter)"),
        ("[says('quarter', 'until')]", "got told(crm, quarter, since), expected (crm, quarter, until)"),
        ("[says('Quarter', 'since')]", "got the name 'Quarter'"),
        ("[says('json', 'since')]", "an argument of 'forecast' comes twice or is the kernel's"),
        ("[says('since', 'since')]", "an argument of 'forecast' comes twice or is the kernel's"),
        ("[says('quarter', 'since'), says('quarter', 'since')]", "two are called 'forecast'"),
    ],
)
def test_a_wrong_command_leaves_the_plugin_out(app: PluginApp, gives: str, told: str) -> None:
    found = reason(app, "register_commands", gives) or ""
    assert found.startswith("Hook register_commands: ")
    assert told in found


def test_two_plugins_cannot_have_one_format(app: PluginApp) -> None:
    for name in ("a", "b"):
        app.plugin(name, f"{HEAD}\n@hookimpl\ndef register_exporters(): return [goes()]")
    with pytest.raises(ConfigError, match="The plugins 'a' and 'b' both claim exporter 'adf'"):
        app.host()


def test_sound_ones_are_kept_in_their_order(app: PluginApp) -> None:
    gives = "[get('/a/{b}'), get('/a/{b}', method='POST'), get('/a.b/c-d')]"
    assert reason(app, "register_routes", gives) is None
    assert reason(app, "register_importers", "[comes(suffixes=['.adf', '.tar.gz'])]") is None
    assert reason(app, "register_exporters", "[goes(), goes('b', media_type='text/a; charset=utf-8')]") is None
    assert reason(app, "register_commands", "[says('quarter', 'since')]") is None


TYPE = """
class T(FieldType):
    name, kind, schema = {name}, {kind}, {schema}
@hookimpl
def register_field_types(): return {gives}
"""


@pytest.mark.contract("hooks.md#register-type", "hooks.md#field-types")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"gives": "[3]"}, "got int 3, expected a class derived from FieldType"),
        ({"gives": "[T()]"}, "expected a class derived from FieldType"),
        ({"name": "'Vin'"}, "got the name 'Vin', expected one like 'vin'"),
        ({"name": "'money'"}, "the type 'money' is the kernel's"),
        ({"kind": "Kind.LIST"}, "is of the kind <Kind.LIST: 'list'>, expected text or integer or number"),
        ({"schema": "3"}, "schema is no dict"),
        ({"schema": "{'type': 'nix'}"}, "/schema/type"),
        ({"gives": "[T, T]"}, "two are called 'vin'"),
    ],
)
def test_a_wrong_field_type_leaves_the_plugin_out(app: PluginApp, given: dict[str, str], told: str) -> None:
    usual = {"name": "'vin'", "kind": "Kind.TEXT", "schema": "{}", "gives": "[T]"}
    app.plugin("garage", TYPE.format(**(usual | given)))
    found = app.host().states()[0]["reason"] or ""
    assert found.startswith("Hook register_field_types")
    assert told in found
