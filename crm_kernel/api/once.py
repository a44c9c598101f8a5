"""Writes that a client may repeat: the header `Idempotency-Key` (floor 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.callers import Caller
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.once import Kept, OnceKey
from crm_kernel.operations.outcomes import Also, Outcome
from crm_kernel.storage.ports import Reads

_REPLAYED = (b"idempotency-replayed", b"true")

Render = Callable[[list[Outcome], Reads], Awaitable[Answer]]
"""Makes the answer of what became of the changes; what it reads beside them, it reads there."""


async def write_once(
    request: ApiRequest,
    changes: Sequence[AnyChange],
    render: Render,
    *,
    atomic: bool = True,
    caller: Caller | None = None,
) -> Answer:
    """Do the changes and answer with what `render` makes of their outcomes; with a key, no more than once."""
    kernel, caller, key = request.kernel, caller or request.caller, request.once_key
    if key is None:
        return await render(await kernel.writer.write(changes, caller, atomic=atomic), kernel.database)

    async def write(keep: Also) -> None:
        await kernel.writer.write(changes, caller, atomic=atomic, also=keep)

    return await do_once(request, key, write, render)


async def do_once(
    request: ApiRequest, key: OnceKey, write: Callable[[Also], Awaitable[object]], render: Render
) -> Answer:
    """Do what `write` does no more than once with this key; `write` takes what is to run in its transaction."""

    async def rendered(tx: Reads, outcomes: list[Outcome]) -> Kept:
        answer = await render(outcomes, tx)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
        return kept_answer(answer, headers)

    kept, again = await request.kernel.once.do(key, write, rendered)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    body = kept.body.encode() if kept.raw is None else kept.raw
    return Answer(body, kept.status, [*headers, _REPLAYED] if again else headers, media=kept.media.encode())


def kept_answer(answer: Answer, headers: list[tuple[str, str]]) -> Kept:
    """An answer as it is kept; a body that is no text as its bytes."""
    media = answer.media.decode()
    try:
        return Kept(answer.status, headers, answer.body.decode(), media)
    except UnicodeDecodeError:
        return Kept(answer.status, headers, "", media, answer.body)
