"""What a password must be, and what is kept of it."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from crm_kernel.errors import Error
from crm_kernel.operations import passwords
from crm_kernel.operations.passwords import NOBODYS, Passwords, refuse_weak

CONTEXT = ("ilze.ozola", "Ilze Ozola", "Riga Homes")


def code(password: str, *context: str) -> str | None:
    try:
        refuse_weak(password, context or CONTEXT)
    except Error as error:
        told = bool(password) and password in str(error.render())
        return "told" if told else error.faults[0].code
    return None


@pytest.mark.contract("security.md#password-policy")
@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", "minLength"),
        ("eleven char", "minLength"),
        ("x" * 257, "maxLength"),
        ("Password1234!", "not"),
        ("P@ssw0rd2026", "not"),
        ("passwordpassword", "not"),
        ("qwertyuiop123", "not"),
        ("123456789012", "not"),
        ("abababababab", "not"),
        ("Ilze.Ozola-2026", "not"),
        ("rigahomes#2026", "not"),
        ("correct horse", None),
        ("Pérkons un lietus", None),
        ("x7Kq-9dPzL2w", None),
    ],
)
def test_length_and_nothing_that_is_tried_first(password: str, expected: str | None) -> None:
    assert code(password) == expected


def test_a_long_password_is_judged_in_no_time() -> None:
    assert code("summer" * 42 + "ü") is None


async def test_the_form_of_a_letter_does_not_matter() -> None:
    made = await Passwords().hash("Pe\u0301rkons lietus")
    assert await Passwords().verify(made, "P\u00e9rkons lietus")


@pytest.mark.contract("security.md#same-work")
async def test_unknown_users_take_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Passwords()
    made = await hasher.hash("correct horse")
    assert extract_parameters(NOBODYS) == extract_parameters(made)
    verified: list[str] = []
    genuine = PasswordHasher.verify

    def verify(self: PasswordHasher, stored: str, password: str) -> bool:
        verified.append(stored)
        return genuine(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    assert not await hasher.verify(None, "nobody's")
    assert not await hasher.verify(made, "wrong")
    assert verified == [NOBODYS, made]


async def test_a_damaged_hash_proves_nothing() -> None:
    assert not await Passwords().verify("no hash", "correct horse")


async def test_too_many_at_once_are_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING", 0)
    with pytest.raises(Error) as refused:
        await Passwords().hash("correct horse")
    assert refused.value.code == "busy"


def test_a_hash_of_other_parameters_is_outdated() -> None:
    assert Passwords().is_outdated(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
    assert not Passwords().is_outdated(NOBODYS)
