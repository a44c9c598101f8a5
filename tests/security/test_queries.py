"""What stands in a query string is a name that the caller knows, or a value; it is never SQL, and never takes long."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.security.cases import hostile
from tests.security.conftest import Fort

EVERYWHERE = {
    "a parameter that is none": "x=1",
    "a parameter in another case": "FILTER=id+is+null&Limit=1",
    "a parameter of Python": "__class__=x&self=1",
    "a parameter twice": "limit=1&limit=2&format=csv&format=csv",
    "a parameter in brackets": "filter[id]=1&id[$ne]=x",
    "no UTF-8": "x=%ff%fe",
    "101 parameters": "&".join(f"a{n}=1" for n in range(101)),
    "20,000 letters": "x=" + "a" * 20_000,
    "a name that is SQL": quote("id' OR '1'='1") + "=1",
}


@pytest.mark.contract("http-api.md#unknown-parameter")
@hostile(3, EVERYWHERE)
def test_no_route_takes_a_parameter_that_it_does_not_know(fort: Fort, case: str) -> None:
    for operation in fort.routes:
        body = {"json": {}} if operation.body else {}
        who = None if operation.open else "ann"
        answer = fort.send(who, operation.method, f"{fort.address(operation)}?{case}", **body)
        assert answer.status_code in (400, 422), (operation.name, answer.text)


VALUES: dict[str, tuple[str, str]] = {
    "SQL after a bracket": ("filter", "1=1) OR (1=1"),
    "SQL that is always true": ("filter", "name = '' OR '1'='1'"),
    "SQL after a comment": ("filter", "name = 'x' -- and owner = @me"),
    "SQL in a comment": ("filter", "name /**/ = /**/ 'x'"),
    "a second statement": ("filter", "name = 'x'; DROP TABLE e_contact"),
    "a subquery": ("filter", "id in (select id from e_contact)"),
    "a function that waits": ("filter", "pg_sleep(9) = 1"),
    "a function that reads files": ("filter", "readfile('/etc/passwd') = 'x'"),
    "a column in quotes": ("filter", "\"national_id\" = 'x'"),
    "a column beside the fields": ("filter", "bank__fold = 'x'"),
    "a table": ("filter", "e_contact.bank = 'x'"),
    "a member of Python": ("filter", "name.__class__ = 'x'"),
    "a parameter of statements": ("filter", "name = ?1"),
    "10,000 brackets": ("filter", "(" * 4000 + "name = 'x'" + ")" * 4000),
    "10,000 nots": ("filter", "not " * 2500 + "name = 'x'"),
    "1,000 conditions": ("filter", " or ".join(["name = 'x'"] * 1000)),
    "a list of 5,000": ("filter", f"name in ({','.join(['1'] * 5000)})"),
    "a path of ten steps": ("filter", "owner." * 10 + "name = 'x'"),
    "a denied field": ("filter", "national_id = 'canarydenied'"),
    "a denied field of a reference": ("filter", "any(leases, tenant.national_id = 'canarydenied')"),
    "a secret": ("filter", "owner.password = 'x'"),
    "sort by SQL": ("sort", "(select 1)"),
    "sort by a word of SQL": ("sort", "name desc"),
    "sort by a second statement": ("sort", "name;drop table e_contact"),
    "sort by a function": ("sort", "random()"),
    "sort by a number": ("sort", "1"),
    "sort by a column beside the fields": ("sort", "bank__fold"),
    "sort by a denied field": ("sort", "national_id"),
    "sort by a denied field of a reference": ("sort", "company.annual_revenue"),
    "sort by five": ("sort", "name,email,bank,code,id"),
    "fields: all": ("fields", "*"),
    "fields: a denied one": ("fields", "name,national_id"),
    "fields: a hash": ("fields", "owner.password,owner.hash"),
    "fields: of Python": ("fields", "__dict__"),
    "fields: SQL": ("fields", "id from crm_secret --"),
    "fields: a path without end": ("fields", "owner." * 20 + "name"),
    "expand what is no reference": ("expand", "national_id"),
    "expand SQL": ("expand", "owner) --"),
    "expand of Python": ("expand", "owner.__class__"),
    "a limit of 0": ("limit", "0"),
    "a limit below 0": ("limit", "-1"),
    "a limit of 501": ("limit", "501"),
    "a limit with an exponent": ("limit", "1e2"),
    "a limit of other digits": ("limit", "５"),
    "a limit of 5,000 digits": ("limit", "9" * 5000),
    "a limit that is SQL": ("limit", "1; --"),
    "a cursor that is none": ("cursor", "x"),
    "a cursor that is signed by nobody": ("cursor", "eyJhIjoxfQ.Zm9v.YmFy"),
    "a cursor that is SQL": ("cursor", "' OR 1=1 --"),
    "a cursor of 10,000 letters": ("cursor", "A" * 10_000),
    "to count otherwise": ("count", "all"),
    "deleted of others": ("deleted", "true"),
    "another format": ("format", "xml"),
    "lossless: 1": ("lossless", "1"),
    "purge: yes": ("purge", "yes"),
    "dry run: TRUE": ("dry_run", "TRUE"),
}


@pytest.mark.contract("http-api.md#no-500")
@hostile(3, VALUES)
def test_parameters_are_names_and_values(fort: Fort, case: tuple[str, str]) -> None:
    name, text = case
    taking = [operation for operation in fort.routes if name in operation.queries]
    who = "ann" if name in ("purge", "dry_run") else "bob"
    given = {"mine": fort.ids["mine"]}
    fort.each(
        taking,
        lambda o: fort.send(
            who if "/export" not in o.path else "bob",
            o.method,
            fort.address(o, **({"id": given["mine"]} if who == "bob" and "contact/" in o.path else {})),
            params={name: text},
            **({"json": {"kind": "view", "name": "mine"}} if o.body else {}),
        ),
        400,
        *((404,) if name in ("format",) else ()),
    )


FOUND: dict[str, tuple[str, str]] = {
    "a search that is FTS": ("q", '" OR * NOT ('),
    "a search by column": ("q", "national_id:canarydenied OR bank:*"),
    "a search near": ("q", "NEAR(canaryrow canaryrow, 5)"),
    "a search of tsquery": ("q", "canaryrow:* | !x <-> y & ("),
    "a search that is SQL": ("q", "'; DELETE FROM e_contact; --"),
    "a search for a secret": ("q", "canaryrow"),
    "a search for a denied value": ("q", "canarydenied"),
    "a search of 5,000 words": ("q", "a " * 3000),
    "a pattern of stars": ("filter", f"name matches '{'*a' * 100}b'"),
    "a pattern of question marks": ("filter", f"name matches '{'?' * 500}'"),
    "a pattern of wildcards of SQL": ("filter", "name matches '%'"),
    "what all texts contain": ("filter", "name contains ''"),
}


@hostile(1, FOUND)
def test_what_is_found_is_what_may_be_read(fort: Fort, case: tuple[str, str]) -> None:
    name, text = case
    for operation in fort.all:
        if name in operation.queries:
            for who in ("bob", "eve", "cid", "dan", "scoped"):
                answer = fort.send(who, operation.method, fort.address(operation), params={name: text})
                assert answer.status_code in (200, 400, 403, 404), (operation.name, answer.text)


@hostile(1, {"of another": "eve", "of more rights": "ann", "of less rights": "cid"})
def test_a_cursor_is_for_who_got_it(fort: Fort, case: str) -> None:
    for _ in range(2):
        fort.contact("bob", language="lv")
    page = fort.get("bob", "/api/records/contact", limit="1", sort="name")
    asked = {"limit": "1", "sort": "name", "cursor": page["next"]}
    answer = fort.send(case, "GET", "/api/records/contact", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
