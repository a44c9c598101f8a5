"""What `register_routes` and `register_importers` may give, and what of it leaves a plugin out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import PluginApp

HEAD = """
async def answer(request, crm): ...
async def short(request): ...
def plain(request, crm): ...
async def rows(file, crm): yield []
async def no_rows(file, crm): return []
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


def test_sound_ones_are_kept_in_their_order(app: PluginApp) -> None:
    gives = "[get('/a/{b}'), get('/a/{b}', method='POST'), get('/a.b/c-d')]"
    assert reason(app, "register_routes", gives) is None
    assert reason(app, "register_importers", "[comes(suffixes=['.adf', '.tar.gz'])]") is None
