"""What handlers read of a request: parameters, preconditions, bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.api.problems import Disconnected
from crm_kernel.api.request import ApiRequest, choice, flag, no_object, read_value
from crm_kernel.errors import Error


def request(
    *, query: bytes = b"", headers: dict[str, str] | None = None, parts: tuple[bytes, ...] = (b"",), cut: bool = False
) -> ApiRequest:
    """A request with a query string, headers and a body that comes in parts, or is cut off."""
    messages: list[Any] = [
        {"type": "http.request", "body": part, "more_body": cut or number + 1 < len(parts)}
        for number, part in enumerate(parts)
    ]

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    by_name = {name.encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
    scope: Any = {"type": "http", "query_string": query, "headers": [*by_name.items()], "headers_by_name": by_name}
    return ApiRequest(scope, receive=receive)


def test_parameters_are_decoded_once() -> None:
    found = request(query=b"filter=name%20%3D+%27%C4%8D%27&sort=").parameters({"filter", "sort"})
    assert found == {"filter": "name = 'č'", "sort": ""}


@pytest.mark.contract("http-api.md#unknown-parameter")
def test_an_unknown_parameter_is_named_with_near_ones() -> None:
    with pytest.raises(Error) as refused:
        request(query=b"limits=3").parameters({"limit", "sort"})
    assert refused.value.code == "unknown_parameter"
    assert "'limit'" in refused.value.detail
    assert "limit, sort" in refused.value.hint


@pytest.mark.parametrize(
    "query",
    [b"a=%FF", b"a=%ED%A0%80", b"\xff", b"a=1&a=2", b"a=1&a=", b"&".join(b"a%d=1" % n for n in range(200))],
)
def test_a_query_that_cannot_be_meant_is_refused(query: bytes) -> None:
    with pytest.raises(Error) as refused:
        request(query=query).parameters(None)
    assert refused.value.code == "bad_value"


def test_any_name_may_be_allowed() -> None:
    assert request(query=b"a=1&b=2").parameters(None) == {"a": "1", "b": "2"}


@pytest.mark.contract("http-api.md#if-match")
@pytest.mark.parametrize(
    ("sent", "version"),
    [(None, None), ("*", None), (' "3" ', 3), ('W/"3"', 3), ('"0"', 0), ('"abc"', -1), ('""', -1), ('"²"', -1)],
)
def test_if_match(sent: str | None, version: int | None) -> None:
    assert request(headers={} if sent is None else {"if-match": sent}).version() == version


@pytest.mark.parametrize("sent", ["3", "", '"3', 'w/"3"', '"3", "4"', "W/3", '"9"x', '"' + "9" * 5000])
def test_if_match_that_is_no_entity_tag(sent: str) -> None:
    with pytest.raises(Error) as refused:
        request(headers={"if-match": sent}).version()
    assert refused.value.code == "bad_value"
    assert len(refused.value.detail) < 300


def test_a_tag_of_many_digits_is_no_version() -> None:
    assert request(headers={"if-match": '"' + "9" * 5000 + '"'}).version() == -1


async def test_a_body_comes_in_parts() -> None:
    assert await request(parts=(b'{"a"', b": 1", b"}")).value() == {"a": 1}


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/a+json"])
async def test_json_goes_by_several_names(kind: str) -> None:
    assert await request(headers={"content-type": kind}, parts=(b"{}",)).value() == {}


@pytest.mark.contract("http-api.md#bad-json")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "json", "ß"])
async def test_what_is_not_json_is_refused_with_a_hint(kind: str) -> None:
    with pytest.raises(Error) as refused:
        await request(headers={"content-type": kind}, parts=(b"{}",)).value()
    assert refused.value.code == "bad_json"
    assert "Content-Type: application/json" in refused.value.hint


@pytest.mark.parametrize("body", [b"", b"{", b"{}{}", b"\xff", b"[" * 65 + b"]" * 65, b"nul", b"'a'", b'{"a":1,}'])
async def test_bad_json(body: bytes) -> None:
    with pytest.raises(Error) as refused:
        await request(parts=(body,)).value()
    assert refused.value.code == "bad_json"


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 1}',
        '{"a": 1, "b": 2, "a": 3}',
        '[{"a": 1}, {"a": {"b": 1, "\\u0062": 2}}]',
        '{"a":1,"a" :2}',
        '{"at": "10:00", "at": "11:00"}',
        '{"a": "\\":", "é": 1, "é": 2}',
        '{"a": 1' + "0" * 5000 + ', "b": "\\":", "b": 1}',
        '{"\\ud800": 1, "\\ud800": 2}',
    ],
)
async def test_a_member_that_stands_twice_is_refused_by_name(body: str) -> None:
    with pytest.raises(Error) as refused:
        await request(parts=(body.encode(),)).value(record=True)
    assert refused.value.code == "bad_json"


names = st.sampled_from(["a", "b", ":", '":', '" :', "é"])
trees = st.recursive(
    st.sampled_from(["1", "null", '"x"', '":"', '"\\":"', "[]", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.lists(st.tuples(names, st.sampled_from([":", " : "]), inner), max_size=4).map(
            lambda members: "{" + ",".join(json.dumps(n) + colon + part for n, colon, part in members) + "}"
        )
    ),
    max_leaves=12,
)


@given(trees)
def test_exactly_what_has_no_member_twice_is_taken(text: str) -> None:
    repeats: list[bool] = []

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        repeats.append(len(dict(members)) < len(members))
        return dict(members)

    expected = json.loads(text, object_pairs_hook=once)
    try:
        assert read_value(text.encode()) == expected
        assert not any(repeats)
    except Error:
        assert any(repeats)


async def test_half_of_a_surrogate_pair_is_left_to_the_write_door_only() -> None:
    body = b'{"a": ["\\ud800"]}'
    assert await request(parts=(body,)).value(record=True) == {"a": ["\ud800"]}
    with pytest.raises(Error) as refused:
        await request(parts=(body,)).value()
    assert refused.value.code == "bad_json"
    assert await request(parts=(b'"\\u0101"',)).value() == "ā"


@pytest.mark.contract("http-api.md#too-large")
@pytest.mark.parametrize("length", [None, "11", "9" * 40, "²"])
async def test_a_body_that_is_too_large(length: str | None) -> None:
    headers = {} if length is None else {"content-length": length}
    with pytest.raises(Error) as refused:
        await request(headers=headers, parts=(b'"12345', b'6789"')).value(limit=10)
    assert refused.value.code == "too_large"


async def test_a_body_of_too_many_values() -> None:
    for body in (b"[1,2,3,4]", b"[[[[]]]]", b"[" * 99 + b'"' * 40):
        with pytest.raises(Error) as refused:
            await request(parts=(body,)).value(values=3)
        assert refused.value.code == "too_large"
    assert await request(parts=(b"[1,2,3,4]",)).value(values=4) == [1, 2, 3, 4]


async def test_a_client_that_goes_away_is_no_fault_of_ours(asgi: Any, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Disconnected):
        await request(parts=(b'{"a"',), cut=True).value()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer admin")]
    scope = {"type": "http", "method": "PUT", "path": "/api/documents/a/b", "headers": headers, "query_string": b""}
    await asgi(scope, receive, send)
    assert sent[0]["status"] == 400
    assert not caplog.records


def test_words_of_a_parameter() -> None:
    assert choice({}, "format", ("json", "csv")) == "json"
    assert choice({"format": "csv"}, "format", ("json", "csv")) == "csv"
    assert flag({"dry_run": "true"}, "dry_run")
    assert not flag({}, "dry_run")
    with pytest.raises(Error) as refused:
        flag({"dry_run": "1" * 500}, "dry_run")
    assert refused.value.code == "bad_value"
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize(
    ("value", "words"), [([], "a list"), ("", "a text"), (True, "true or false"), (None, "null"), (1, "a number")]
)
def test_a_body_that_is_no_object(value: Any, words: str) -> None:
    error = no_object(value, "values")
    assert (error.status, error.faults[0].code) == (422, "type")
    assert words in error.detail
