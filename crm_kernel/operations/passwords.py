"""Passwords: what they must be, and what is kept of them (floor 7).

The rules are those of NIST SP 800-63B: length, and nothing that is tried first; no rules of composition, no expiry.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from crm_kernel.errors import Error, Fault

T = TypeVar("T")

MIN_LENGTH = 12
MAX_LENGTH = 256

AT_ONCE = 2
"""How many hashes are made at once: each takes a core for 40 ms, and 19 MiB."""
WAITING = 50
"""How many log-ins may wait for that; others are told to come later."""

NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$XfdPfG1DzTBvZmhb4eZ3MA$vMdQWYCT4yGqARQyc5ybYFdrtZ4WEoMpPQCb8HLTRCg"
"""What the passwords of unknown users are compared with. Made with the parameters of today."""

COMMON = (
    "password passwort passwd parole parool slaptazodis haslo senha contrasena motdepasse wachtwoord letmein welcome "
    "iloveyou qwerty qwertz azerty qwertyuiop qwertzuiop asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx wsxedc admin "
    "administrator root user login guest test secret master dragon monkey sunshine princess football baseball "
    "superman batman shadow michael jordan hunter trustno changeme default temp hello whatever starwars pokemon "
    "summer winter spring autumn january february march april may june july august september october november "
    "december monday tuesday wednesday thursday friday saturday sunday abc abcd abcdef abcdefgh abcdefghijkl xyz "
    "crm customer sales company the my new love you is me"
)
"""Words of the passwords that are tried first. What is made of nothing but these, digits and signs is refused."""

_DISGUISES = str.maketrans("@4310$57!", "aaeiossti")


class Passwords:
    """Makes and verifies hashes: argon2id in the first form that OWASP recommends for small memory."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises `Error("busy")`."""
        return await self._work(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one that was kept; None, for nobody's, takes the same work. Raises `busy`."""

        def compare() -> bool:
            try:
                return self._hasher.verify(stored or NOBODYS, _normal(password)) and stored is not None
            except (VerificationError, InvalidHashError):
                return False

        return await self._work(compare)

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    async def _work(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise Error("busy", "Too many log-ins at once.")
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(work)  # slow on purpose
        finally:
            self._waiting -= 1


def refuse_weak(password: str, context: Iterable[str], pointer: str = "/password") -> None:
    """Raises `Error("invalid")` for a password that would be guessed.

    `context`: texts that an attacker knows, such as the log-in and the name of the app. No fault repeats the password.
    """
    if fault := _fault(_normal(password), context):
        raise Error("invalid", faults=[Fault(pointer=pointer, code=fault[0], detail=fault[1])])


def _fault(password: str, context: Iterable[str]) -> tuple[str, str] | None:
    if not password:
        return "minLength", "The password is empty."
    if len(password) < MIN_LENGTH:
        return "minLength", f"The password has {len(password)} characters; expected at least {MIN_LENGTH}."
    if len(password) > MAX_LENGTH:
        return "maxLength", f"The password has more than {MAX_LENGTH} characters."
    words = {*COMMON.split(), *(word for text in context for word in _words(text))}
    if len(set(password)) < 5 or _is_made_of(password.casefold(), words):
        detail = "The password is easy to guess: common words, the log-in, the app's name, digits or a few characters."
        return "not", f"{detail} Take several words that do not belong together."
    return None


def _words(text: str) -> list[str]:
    """The words of a text, and all of it without what separates them."""
    words = re.findall(r"[^\W\d_]+", _normal(text).casefold())
    return [*(word for word in words if len(word) > 2), *(["".join(words)] if words else [])]


def _is_made_of(text: str, words: Iterable[str]) -> bool:
    """Whether a text is a sequence of these words, digits and signs; letters may be disguised (`p@ssw0rd`)."""
    known, plain = tuple(words), text.translate(_DISGUISES)
    reached = {0}
    for at in range(len(text)):
        if at not in reached:
            continue
        if not text[at].isalpha():
            reached.add(at + 1)
        reached.update(at + len(word) for word in known if plain.startswith(word, at) or text.startswith(word, at))
    return len(text) in reached


def _normal(password: str) -> str:
    """The form that is hashed: the same however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)
