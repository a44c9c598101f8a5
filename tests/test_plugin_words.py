"""`register_translations`: labels and messages by language, and what of them leaves a plugin out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_kernel.plugin_words import message

if TYPE_CHECKING:
    from conftest import PluginApp

CODE = """
from pathlib import Path
from typing import Annotated, Literal

class Deal(Entity, name="deal", title="{name}"):
    name: Annotated[str, field(labels={"lv": "Savs"})]
    size: Literal["s", "l"] = "s"
    colours: list[Literal["red"]] | None = None

PIPELINE = {"kind": "pipeline", "name": "sales", "entity": "deal", "stages": [{"name": "Won it", "type": "won"}]}
REPORT = {"kind": "report", "name": "won", "label": "Won", "entity": "deal", "measures": [{"count": "*", "as": "n"}]}
MORE = {"kind": "fields", "name": "contact-size", "entity": "contact", "schema": {"properties": {"hat": {}}}}

@hookimpl
def register_entities(): return [Deal]
"""
REST = """
@hookimpl
def register_extensions(): return [MORE]
@hookimpl
def register_pipelines(): return [PIPELINE]
@hookimpl
def register_reports(): return [REPORT]
@hookimpl
def register_translations(): return GIVEN
"""


def write(app: PluginApp, given: str) -> Any:
    package = app.plugin("shop", f"{CODE}\nGIVEN = {given}\n{REST}")
    return package, app.host


@pytest.mark.contract("hooks.md#translations")
def test_labels_of_all_that_a_plugin_brings(app: PluginApp) -> None:
    package, host = write(app, "[Path(__file__).parent / 'locale', {'pl': {'entity.deal': 'Umowa'}}]")
    (package / "locale").mkdir()
    (package / "locale" / "lv.toml").write_text(
        "[entity]\ndeal = 'Darījums'\n[plural]\ndeal = 'Darījumi'\n[field.deal]\nname = 'Vārds'\nsize = 'Izmērs'\n"
        "[choice.deal.size]\ns = 'mazs'\n[choice.deal.colours]\nred = 'sarkans'\n[field.contact]\nhat = 'Cepure'\n"
        "[pipeline]\nsales = 'Pārdošana'\n[stage.sales]\n'Won it' = 'Iegūts'\n[column.won]\nn = 'Skaits'\n",
        "utf-8",
    )
    (package / "locale" / "ru.json").write_text('{"entity": {"deal": "Сделка"}}', "utf-8")
    bodies = {(d.kind, d.name): d.body for d in host().documents()}
    deal = bodies["entity", "deal"]
    assert deal["labels"] == {"lv": "Darījums", "ru": "Сделка", "pl": "Umowa"}
    assert deal["plurals"] == {"lv": "Darījumi"}
    fields = {name: schema["x-crm"] for name, schema in deal["schema"]["properties"].items()}
    assert fields["name"]["labels"] == {"lv": "Savs"}
    assert fields["size"]["labels"] == {"lv": "Izmērs"}
    assert fields["size"]["choices"]["s"] == {"labels": {"lv": "mazs"}}
    assert fields["colours"]["choices"]["red"] == {"labels": {"lv": "sarkans"}}
    assert bodies["fields", "contact-size"]["schema"]["properties"]["hat"]["x-crm"]["labels"] == {"lv": "Cepure"}
    pipeline = bodies["pipeline", "sales"]
    assert (pipeline["labels"], pipeline["stages"][0]["labels"]) == ({"lv": "Pārdošana"}, {"lv": "Iegūts"})
    assert bodies["report", "won"]["measures"][0]["labels"] == {"lv": "Skaits"}


def test_messages_are_told_in_the_language_or_in_english(app: PluginApp) -> None:
    texts = {"en": {"message": {"taken": "{name} is taken"}}, "lv": {"message.taken": "{name} ir aizņemts"}}
    _, host = write(app, repr([texts]))
    messages = host().messages("shop")
    told = [message(messages, locale, "taken", {"name": "A"}) for locale in ("lv", "lv-LV", "en", "kk")]
    assert told == ["A ir aizņemts", "A ir aizņemts", "A is taken", "A is taken"]
    with pytest.raises(KeyError, match="did you mean 'taken'"):
        message(messages, "en", "takn", {})


@pytest.mark.contract("hooks.md#register-type", "hooks.md#translations")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("3", "got int 3, expected a list"),
        ("[3]", "got int 3, expected the path of a folder, or a dict"),
        ("[{'lv': {'field.deal.nam': 'x'}}]", "unknown key 'field.deal.nam'; did you mean 'field.deal.name'"),
        ("[{'lv': {'field.contact.first_name': 'x'}}]", "unknown key 'field.contact.first_name'"),
        ("[{'lv': {'choice.deal.size.m': 'x'}}]", "unknown key 'choice.deal.size.m'; did you mean"),
        ("[{'Latvian': {}}]", "'Latvian' is no language like 'lv'"),
        ("[{'lv': {'entity.deal': 3}}]", "entity.deal is '3', expected a text"),
        ("[{'lv': 3}]", "got '3', expected a table of texts"),
        ("[{'lv': {'message.a': 'x'}}]", "message.a has no text in English"),
        ("[{'en': {'message.a': '{x}'}, 'lv': {'message.a': '{y}'}}]", "message.a in 'lv' has other {names}"),
        ("[{'en': {'message.a': '{x.__class__}'}}]", "write what is filled in like {name}"),
        ("[{'en': {'message.a': '{'}}]", "message.a: "),
        ("[Path(__file__).parent]", "has no file like lv.toml or lv.json"),
    ],
)
def test_what_leaves_the_plugin_out(app: PluginApp, given: str, told: str) -> None:
    _, host = write(app, given)
    assert told in (host().states()[0]["reason"] or "")


def test_a_file_that_cannot_be_read_is_named(app: PluginApp) -> None:
    package, host = write(app, "[Path(__file__).parent / 'locale']")
    (package / "locale").mkdir()
    (package / "locale" / "lv.toml").write_text("[", "utf-8")
    assert "lv.toml: Hook register_translations: it cannot be read" in (host().states()[0]["reason"] or "")
