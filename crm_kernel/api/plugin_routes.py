"""`/api/x/{plugin}/…`: the routes that plugins bring, found and answered without Litestar's router (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_kernel.api.answer import Answer
from crm_kernel.api.auth import read_only
from crm_kernel.api.once import do_once
from crm_kernel.api.problems import allow, no_method
from crm_kernel.api.request import ApiRequest, read_value
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.once import OnceKey
from crm_kernel.operations.outcomes import Also, Outcome
from crm_kernel.operations.routes import PREFIX, Matched, Request, Sent
from crm_kernel.storage.ports import Reads


class _NotKept(Exception):
    """Ends a request with a key whose answer is not kept, as it refuses."""


def matched(kernel: Kernel, scope: Mapping[str, Any]) -> Matched | None:
    """The plugin's route that a request is for, None where it is for none."""
    path: str = scope["path"]
    if not path.startswith(PREFIX):
        return None
    return kernel.routes.match("GET" if scope["method"] == "HEAD" else scope["method"], path)


def is_ours(scope: Mapping[str, Any]) -> bool:
    """Whether a request is for a place where only routes of plugins are."""
    return scope["path"].startswith(PREFIX)


async def answer(request: ApiRequest, found: Matched | None) -> Answer:
    """The answer of a plugin's route. Raises `Error`."""
    if found is None:
        return _nothing(request)
    request.scope["path_template"] = f"{PREFIX}{found.plugin}{found.route.path}"
    public, writes = found.route.public, found.route.writes
    if not public and writes and request.caller.read_only:
        raise read_only()
    sent = Request(
        method=request.scope["method"],
        path=request.scope["path"],
        params=found.params,
        query=request.parameters(None),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers_by_name.items()},
        body=await request.body_bytes(),
        caller=None if public else request.caller,
        read_json=read_value,
    )
    key = request.once_key_of(f"x:{found.plugin}" if public else request.caller.id) if writes else None
    if key is None:
        return _answer(await request.kernel.routes.call(found, sent))
    return await _once(request, found, sent, key)


async def _once(request: ApiRequest, found: Matched, sent: Request, key: OnceKey) -> Answer:
    """The same no more than once: its answer is kept, and what it writes carries the key until that is done."""
    kernel = request.kernel
    answers: list[Sent] = []

    async def write(keep: Also) -> None:
        answers.append(await kernel.routes.call(found, sent, f"{key.scope}:{key.fingerprint}:{key.text}"))
        if answers[-1].status >= 300:
            raise _NotKept
        await kernel.database.write(lambda tx: keep(tx, []))

    async def render(_: list[Outcome], __: Reads) -> Answer:
        return _answer(answers[-1])

    try:
        return await do_once(request, key, write, render)
    except _NotKept:
        return _answer(answers[-1])


def _answer(sent: Sent) -> Answer:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.headers]
    return Answer(sent.body, sent.status, headers, media=sent.media.encode())


def _nothing(request: ApiRequest) -> Answer:
    """What is answered where no route is: the methods of the path, or that there are none."""
    methods = request.kernel.routes.methods(request.scope["path"])
    if not methods:
        raise Error(
            "not_found", f"There is nothing at {request.scope['path']}.", hint="GET /openapi.json lists the routes."
        )
    if request.scope["method"] == "OPTIONS":
        return Answer(status=204, headers=((b"allow", allow(*methods, "OPTIONS").encode()),))
    return no_method(request.scope["method"], allow(*methods, "OPTIONS"))
