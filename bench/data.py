"""The made-up people both sides hold: 30 users in 6 teams, contacts with four custom fields. Same seed, same bytes."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

TEAMS = [f"Team {letter}" for letter in "ABCDEF"]
USERS = [(f"user{number:02}", TEAMS[number % len(TEAMS)]) for number in range(30)]
SEGMENTS = ["new", "warm", "hot", "customer", "partner", "former", "lost", "other"]

COLUMNS = [
    *("first_name", "last_name", "email", "phone", "job_title", "birthday", "language", "source", "external_id"),
    *("do_not_contact", "owner", "team", "score", "segment", "budget", "rating"),
]
"""The columns of the CSV file; the other members of a contact stay empty."""

FIELDS_DOCUMENT = {
    "kind": "fields",
    "name": "contact-bench",
    "entity": "contact",
    "schema": {
        "properties": {
            "score": {"type": "number", "minimum": 0, "x-crm": {"index": True}},
            "segment": {"enum": SEGMENTS, "x-crm": {"index": True}},
            "budget": {"type": "number", "minimum": 0},
            "rating": {"type": "integer", "minimum": 1, "maximum": 5},
        }
    },
}

REPORT_DOCUMENT = {
    "kind": "report",
    "name": "contacts-by-segment",
    "label": "Contacts by segment",
    "entity": "contact",
    "group_by": ["segment"],
    "measures": [{"count": "*", "as": "n"}, {"sum": "budget", "as": "budget"}],
}

_ACTIONS = ["create", "update"]
_FIELDS = {"readonly": ["source"]}
_MINE = "owner = @me or team in @my_teams"

ROLE_DOCUMENTS = [
    {
        "kind": "role",
        "name": "bench-desk",
        "grants": [{"entity": "contact", "actions": ["read", *_ACTIONS], "fields": _FIELDS}],
    },
    {
        "kind": "role",
        "name": "bench-agent",
        "grants": [
            {"entity": "contact", "actions": ["read"], "where": _MINE},
            {"entity": "contact", "actions": _ACTIONS, "where": _MINE, "fields": _FIELDS},
        ],
    },
]

_OWNER = 'owner = {field = "owner", match = "login"}'
IMPORT_MAPPING = "\n".join(
    [
        *('key = ["external_id"]', "[columns]"),
        *(_OWNER if name == "owner" else f'{name} = "{name}"' for name in COLUMNS if name != "team"),
    ]
)
"""A record's team is that of its owner by itself."""

NO_OP_PLUGIN = '''\
"""A plugin whose one hook does nothing: what a hook costs."""

from crm_kernel import Plugin, hookimpl

plugin = Plugin(name="nothing", title="Nothing", kernel=">=0.1,<1")


@hookimpl
async def before_write(batch):
    """Looks at nothing, changes nothing."""
'''

CRM_TOML = """\
[app]
region = "LV"

[database]
url = "{url}"

[plugins]
enabled = ["real_estate"]
path = "plugins"

[documents]
path = "documents"
"""

_FIRST = [
    "Anna",
    "Ilze",
    "Marta",
    "Jānis",
    "Pēteris",
    "Ольга",
    "Иван",
    "Елена",
    "John",
    "Mary",
    "Zoë",
    "Łukasz",
    "Chloé",
    "José",
    "Aylin",
    "Tomáš",
]
_LAST = [
    "Bērziņa",
    "Kalniņš",
    "Ozols",
    "Liepa",
    "Смирнов",
    "Петрова",
    "Smith",
    "Müller",
    "Nowak",
    "García",
    "Đorđević",
    "Šimek",
    "Kaya",
    "Rossi",
]
_JOBS = ["Engineer", "Teacher", "Architect", "Nurse", "Director", "Buyer", None]
_LANGUAGES = ["lv", "ru", "en", "pl"]


def contacts(count: int) -> Iterator[dict[str, str]]:
    """`count` rows as a CSV file has them: text, empty where there is nothing."""
    chance = random.Random(20260301)
    for number in range(count):
        login, team = USERS[chance.randrange(len(USERS))]
        birthday = f"{chance.randrange(1940, 2005)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        yield {
            "first_name": chance.choice(_FIRST),
            "last_name": chance.choice(_LAST),
            "email": f"person{number}@example.org",
            "phone": f"+371{20000000 + number}",
            "job_title": chance.choice(_JOBS) or "",
            "birthday": birthday,
            "language": chance.choice(_LANGUAGES),
            "source": "bench",
            "external_id": f"B-{number:07}",
            "do_not_contact": "true" if chance.random() < 0.02 else "false",
            "owner": login,
            "team": team,
            "score": f"{chance.random() * 1000:.2f}",
            "segment": chance.choice(SEGMENTS),
            "budget": str(chance.randrange(20, 900) * 1000),
            "rating": str(chance.randrange(1, 6)),
        }


def write_csv(file: Path, count: int) -> None:
    """Writes the rows, header first."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(contacts(count))


def write_app_files(app: Path, url: str) -> None:
    """Makes of the folder that `crm new` made the app to measure: `real_estate` and a no-op plugin beside `base`."""
    for folder, documents in (
        ("fields", [FIELDS_DOCUMENT]),
        ("reports", [REPORT_DOCUMENT]),
        ("roles", ROLE_DOCUMENTS),
    ):
        (app / "documents" / folder).mkdir(parents=True, exist_ok=True)
        for document in documents:
            text = json.dumps(document, indent=2, ensure_ascii=False)
            (app / "documents" / folder / f"{document['name']}.json").write_text(text + "\n", "utf-8")
    (app / "mapping.toml").write_text(IMPORT_MAPPING + "\n", "utf-8")
    (app / "crm.toml").write_text(CRM_TOML.format(url=url), "utf-8")
    (app / "plugins" / "nothing").mkdir(parents=True)
    (app / "plugins" / "nothing" / "__init__.py").write_text(NO_OP_PLUGIN, "utf-8")
