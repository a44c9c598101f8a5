"""Log-in, cookies, CSRF and tokens over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from crm_kernel.api.app import create_app
from tests.api.conftest import Office

PASSWORD = "correct horse"
ORIGIN = {"Origin": "https://crm"}
LOG_IN = {"login": "bob", "password": PASSWORD}


class Browser:
    """What a browser keeps and sends: the cookie and the CSRF token; `peer` is its address."""

    def __init__(self, office: Office, host: str = "crm", peer: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app=create_app(office.kernel), client=(peer, 1))
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{host}")
        self.cookie = ""
        self.csrf = ""

    async def __call__(self, method: str, path: str, headers: Any = None, **sent: Any) -> httpx.Response:
        self.client.cookies.clear()
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, **(headers or {})}
        answer = await self.client.request(method, path, headers={k: v for k, v in headers.items() if v}, **sent)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    async def log_in(self, **headers: str) -> httpx.Response:
        answer = await self("POST", "/api/session", json=LOG_IN, headers={"Cookie": self.cookie, **headers})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer


@pytest.fixture
async def browser(office: Office) -> Browser:
    await office.kernel.identity.set_password("bob", PASSWORD)
    return Browser(office)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.contract("security.md#cookie", "http-api.md#session")
async def test_a_log_in_gives_a_cookie_that_no_page_can_read(browser: Browser) -> None:
    answer = await browser.log_in(**ORIGIN)
    assert answer.status_code == 200
    name, *flags = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-crm_session=")
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=604800"} == set(flags)
    me = answer.json()
    assert (me["user"]["login"], me["roles"], me["teams"]) == ("bob", ["agent"], [])
    assert (await browser("GET", "/api/session")).json() == me
    assert (await browser("GET", "/api/records/lease")).status_code == 200


@pytest.mark.contract("security.md#cookie")
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
async def test_secure_is_off_on_localhost_only(office: Office, browser: Browser, host: str) -> None:
    local = Browser(office, host)
    answer = await local.log_in(Origin=f"http://{host}")
    assert answer.headers["set-cookie"].startswith("crm_session=")
    assert "Secure" not in answer.headers["set-cookie"]
    assert (await local("GET", "/api/session")).status_code == 200
    browser.cookie = local.cookie  # a name that a neighbour could set is worth nothing elsewhere
    assert code(await browser("GET", "/api/session")) == (401, "unauthenticated")
    far = Browser(office, host, peer="1.2.3.4")
    assert "Secure" in (await far.log_in()).headers["set-cookie"]


@pytest.mark.contract("security.md#csrf")
async def test_a_change_needs_the_csrf_token_and_an_origin_of_ours(office: Office, browser: Browser) -> None:
    await browser.log_in()
    contact = (await office.contact())["id"]
    path, right = f"/api/records/contact/{contact}", browser.csrf

    async def change(method: str = "PATCH", path: str = path, **headers: str) -> tuple[int, str]:
        answer = await browser(method, path, headers=headers, json={"first_name": "Anna"})
        return answer.status_code, answer.json().get("code", "")

    for wrong in ("", "x", right[:-1], right.upper() + "0"):
        browser.csrf = wrong
        for method, target in (("PATCH", path), ("POST", "/api/records/contact"), ("PUT", "/api/documents/role/x")):
            assert await change(method, target) == (403, "csrf")
        assert code(await browser("DELETE", path)) == (403, "csrf")
    browser.csrf = right
    for origin in ("https://evil.example", "null", "http://crm", "https://crm:8443", "https://crm.evil.example"):
        assert await change(Origin=origin) == (403, "csrf")
    assert await change(**{"Sec-Fetch-Site": "cross-site"}) == (403, "csrf")
    assert await change(**{"Sec-Fetch-Site": "same-site"}) == (403, "csrf")
    for good in (ORIGIN, {"Sec-Fetch-Site": "same-origin"}, {}):
        assert (await change(**good))[0] == 200
    assert (await browser("GET", path, headers={"Origin": "https://evil.example"})).status_code == 200


@pytest.mark.contract("security.md#csrf")
async def test_the_csrf_token_of_another_session_is_worth_nothing(office: Office, browser: Browser) -> None:
    other = Browser(office)
    await other.log_in()
    await browser.log_in()
    assert other.csrf != browser.csrf
    browser.csrf = other.csrf
    assert code(await browser("POST", "/api/records/contact", json={"first_name": "A"})) == (403, "csrf")


@pytest.mark.contract("security.md#csrf")
async def test_another_site_cannot_log_anybody_in(browser: Browser) -> None:
    assert code(await browser.log_in(Origin="https://evil.example")) == (403, "csrf")
    form = await browser("POST", "/api/session", content=b'{"login":"bob"}', headers={"Content-Type": "text/plain"})
    assert code(form) == (400, "bad_json")


async def test_a_token_needs_no_csrf_token_and_comes_first(office: Office, browser: Browser) -> None:
    await browser.log_in()
    browser.csrf = ""
    token = {"Authorization": f"Bearer {office.tokens['bob']}"}
    assert (await browser("POST", "/api/records/contact", json={"first_name": "A"}, headers=token)).status_code == 201
    assert (await browser("GET", "/api/session", headers=token)).json()["csrf"] is None


@pytest.mark.contract("security.md#session-rotated")
async def test_the_cookie_is_made_anew_when_the_rights_change(office: Office, browser: Browser) -> None:
    await browser.log_in()
    before, bob = browser.cookie, (await browser("GET", "/api/session")).json()["user"]["id"]
    path = f"/api/records/user/{bob}"
    assert (await office("ann", "PATCH", path, json={"roles": ["agent", "clerk"]})).status_code == 200
    refused = await browser("POST", "/api/records/contact", json={}, headers={"X-CSRF-Token": "wrong"})
    assert code(refused) == (403, "csrf")
    assert browser.cookie not in ("", before)  # said though the request was refused
    after = browser.cookie
    created = await browser("POST", "/api/records/contact", json={"first_name": "A"})
    assert created.status_code == 201
    assert "set-cookie" not in created.headers
    assert browser.cookie == after


async def test_logging_out_takes_the_cookie_away(browser: Browser) -> None:
    await browser.log_in()
    cookie = browser.cookie
    answer = await browser("DELETE", "/api/session")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    browser.cookie = cookie
    assert code(await browser("GET", "/api/session")) == (401, "unauthenticated")


@pytest.mark.contract("security.md#session-rotated")
async def test_a_log_in_ends_the_session_before(browser: Browser) -> None:
    await browser.log_in()
    before = browser.cookie
    await browser.log_in()
    browser.cookie = before
    assert code(await browser("GET", "/api/session")) == (401, "unauthenticated")


async def test_a_password_is_changed_in_a_session_only(office: Office, browser: Browser) -> None:
    await browser.log_in()
    body = {"current": PASSWORD, "new": "battery staple"}
    assert code(await office("bob", "PUT", "/api/session/password", json=body)) == (403, "forbidden")
    before = browser.cookie
    assert (await browser("PUT", "/api/session/password", json=body)).status_code == 200
    assert browser.cookie != before
    assert (await browser("GET", "/api/session")).status_code == 200


@pytest.mark.parametrize(
    "cookie", ["", "x", "=", ";;", "__Host-crm_session=", "__Host-crm_session=" + "x" * 513, "crm_session=x", "\xff=1"]
)
async def test_cookies_that_name_nobody(browser: Browser, cookie: str) -> None:
    answer = await browser("GET", "/api/session", headers={b"Cookie": cookie.encode("latin-1")})
    assert code(answer) == (401, "unauthenticated")


@pytest.mark.contract("security.md#attempts-limited", "security.md#real-peer")
async def test_the_real_peer_is_limited_behind_a_trusted_proxy_only(office: Office, browser: Browser) -> None:
    wrong = {"login": "bob", "password": "wrong"}

    async def attempts(browser: Browser, **headers: str) -> list[int]:
        """The statuses of attempts until one is limited."""
        found: list[int] = []
        while not found or (found[-1] == 401 and len(found) < 15):
            found.append((await browser("POST", "/api/session", json=wrong, headers=headers)).status_code)
        return found

    limited = [401] * 10 + [429]
    assert await attempts(browser) == limited
    refused = await browser("POST", "/api/session", json=LOG_IN, headers={"X-Forwarded-For": "9.9.9.9"})
    assert code(refused) == (429, "rate_limited")  # what a client says of itself is not believed
    assert 0 < int(refused.headers["Retry-After"]) <= 90
    assert await attempts(Browser(office, peer="1.2.3.4")) == limited
    settings: Any = office.kernel.settings
    object.__setattr__(office.kernel, "settings", trusting(settings, "10.0.0.0/8"))
    proxy = Browser(office, peer="10.0.0.1")
    assert await attempts(proxy, **{"X-Forwarded-For": "5.5.5.5, 1.2.3.4"}) == [429]
    assert await attempts(proxy, **{"X-Forwarded-For": "1.2.3.4, 5.5.5.5, 10.0.0.7"}) == limited


def trusting(settings: Any, *proxies: str) -> Any:
    """The settings with proxies that are trusted."""
    fields = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return type(settings)(**{**fields, "server": type(settings.server)(trusted_proxies=proxies)})


@pytest.mark.contract("security.md#tokens-unlimited")
async def test_a_false_token_is_401_each_time_and_locks_nobody_out(office: Office) -> None:
    for number in range(200):
        answer = await office("bob", "GET", "/api/session", headers={"Authorization": f"Bearer crm_{number}"})
        assert code(answer) == (401, "unauthenticated")
    assert (await office("bob", "GET", "/api/session")).status_code == 200


@pytest.mark.contract("http-api.md#tokens")
async def test_own_tokens(office: Office) -> None:
    body = {"name": "laptop", "read_only": True, "entities": ["lease"], "expires_at": "2099-01-01T00:00:00Z"}
    made = await office("bob", "POST", "/api/tokens", json=body)
    assert made.status_code == 201
    token = made.json()
    assert {name: token[name] for name in body} == body
    office.tokens["new"] = token.pop("token")
    listed = (await office("bob", "GET", "/api/tokens")).json()["items"]
    assert token["id"] in [item["id"] for item in listed]
    assert office.tokens["new"] not in str(listed)
    assert (await office("new", "GET", "/api/records/lease")).status_code == 200
    assert code(await office("new", "GET", "/api/records/contact")) == (404, "not_found")
    assert code(await office("cid", "DELETE", f"/api/tokens/{token['id']}")) == (404, "not_found")
    assert (await office("bob", "DELETE", f"/api/tokens/{token['id']}")).status_code == 204
    assert (await office("new", "GET", "/api/session")).status_code == 401


@pytest.mark.contract("http-api.md#tokens", "security.md#own-grants")
async def test_a_token_makes_none_that_is_more(office: Office) -> None:
    short = {"name": "short", "expires_at": "2099-01-01T00:00:00Z"}
    office.tokens["short"] = (await office("bob", "POST", "/api/tokens", json=short)).json()["token"]
    for body in ({"name": "x"}, {"name": "x", "expires_at": "2099-01-02T00:00:00Z"}):
        assert code(await office("short", "POST", "/api/tokens", json=body)) == (403, "forbidden")
    assert (await office("short", "POST", "/api/tokens", json=short)).status_code == 201
    assert code(await office("reader", "POST", "/api/tokens", json=short)) == (403, "read_only_token")
    for method, path in (("POST", "/api/tokens"), ("GET", "/api/tokens"), ("GET", "/api/sessions")):
        assert code(await office("scoped", method, path, json=short)) == (403, "forbidden")
    unknown = await office("cid", "POST", "/api/tokens", json={"name": "x", "entities": ["company"]})
    assert [(fault["pointer"], fault["code"]) for fault in unknown.json()["errors"]] == [("/entities/0", "enum")]
    over = await office("bob", "POST", "/api/tokens", json={"name": "x", "expires_at": "2020-01-01T00:00:00Z"})
    assert [(fault["pointer"], fault["code"]) for fault in over.json()["errors"]] == [("/expires_at", "minimum")]


@pytest.mark.contract("security.md#same-work")
async def test_log_ins_beside_each_other_are_all_answered(browser: Browser) -> None:
    answers = await asyncio.gather(*(browser("POST", "/api/session", json=LOG_IN) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.contract("security.md#security-headers")
@pytest.mark.parametrize("path", ["/api/session", "/health/live", "/nothing", "/api/records/contact"])
async def test_every_answer_forbids_scripts_and_frames(browser: Browser, path: str) -> None:
    headers = (await browser("GET", path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
