"""The routes of shares with good, bad, unauthenticated and denied input."""

from __future__ import annotations

from tests.acceptance.http.conftest import Case, World, cases

GET = "GET /api/records/{entity}/{id}"
LIST = "GET /api/records/{entity}/{id}/shares"
SHARE = "POST /api/records/{entity}/{id}/shares"
END = "DELETE /api/records/{entity}/{id}/shares/{share}"

MINE = "/api/records/contact/{contact}/shares"
HIDDEN = "/api/records/contact/{hidden}/shares"
NEVER = "01900000-0000-7000-8000-000000000999"
WITH_EVE = {"user": "eve", "actions": ["read", "update"], "expires_at": "2999-01-31T00:00:00Z"}
NOBODY = {"who": None, "code": "unauthenticated"}


@cases(
    Case(LIST, "good", 200, who="ann", path=MINE, has={"items": []}),
    Case(LIST, "bad", 400, who="ann", path=f"{MINE}?x=1", code="unknown_parameter"),
    Case(LIST, "bad", 404, who="ann", path=f"/api/records/contact/{NEVER}/shares", code="not_found"),
    Case(LIST, "unauthenticated", 401, path=MINE, **NOBODY),
    Case(LIST, "denied", 403, path=MINE, code="forbidden"),
    Case(LIST, "denied", 404, path=HIDDEN, code="not_found"),
    Case(SHARE, "good", 201, who="ann", path=MINE, body=WITH_EVE, has={"expires_at": "2999-01-31T00:00:00Z"}),
    Case(SHARE, "bad", 422, who="ann", path=MINE, body={"user": "nobody"}, code="invalid"),
    Case(SHARE, "bad", 422, who="ann", path=MINE, body={"user": "eve", "fields": {"read": "x"}}, code="invalid"),
    Case(SHARE, "bad", 422, who="ann", path=MINE, body={**WITH_EVE, "actions": ["create"]}, code="invalid"),
    Case(SHARE, "bad", 422, who="ann", path=MINE, body={**WITH_EVE, "expires_at": "2001-01-31"}, code="invalid"),
    Case(SHARE, "unauthenticated", 401, path=MINE, body=WITH_EVE, **NOBODY),
    Case(SHARE, "denied", 403, path=MINE, body=WITH_EVE, code="forbidden"),
    Case(SHARE, "denied", 403, who="reader", path=MINE, body=WITH_EVE, code="read_only_token"),
    Case(SHARE, "denied", 404, path=HIDDEN, body=WITH_EVE, code="not_found"),
    Case(END, "bad", 404, who="ann", path=f"{MINE}/{NEVER}", code="not_found"),
    Case(END, "unauthenticated", 401, path=f"{MINE}/{NEVER}", **NOBODY),
    Case(END, "denied", 403, path=f"{MINE}/{NEVER}", code="forbidden"),
)
def test_shares(world: World, case: Case) -> None:
    world.run(case)


def test_a_share_from_its_beginning_to_its_end(world: World) -> None:
    contact = world.contact("ann", name="Shared")
    path = f"/api/records/contact/{contact['id']}"
    get = Case(GET, "good", 200, who="eve", path=path)
    world.run(get._replace(kind="denied", status=404, code="not_found"))
    share = world.run(Case(SHARE, "good", 201, who="ann", path=f"{path}/shares", body=WITH_EVE)).json()
    assert share["user"]["name"] == "eve"
    world.run(get)
    listed = world.run(Case(LIST, "good", 200, who="ann", path=f"{path}/shares")).json()
    assert listed["items"] == [share]
    world.run(Case(END, "good", 204, who="ann", path=f"{path}/shares/{share['id']}"))
    world.run(get._replace(kind="denied", status=404, code="not_found"))
