"""Password hashes: argon2id, in a thread, two at once in a process.

A hash takes some 50 ms of one core and 19 MiB. On the event loop it would stop every page and click for that time,
and without a limit fifty sign-ins a second would take the machine; who comes when the queue is full waits a moment
and tries again.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import FieldError, TooManyRequests, invalid

Result = TypeVar("Result")
Values = TypeVarTuple("Values")

MIN_LENGTH = 12
MAX_LENGTH = 128
AT_ONCE = 2
LONGEST_QUEUE = 30

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's least for argon2id
_NOBODY = _HASHER.hash("the same work for an unknown user")

_COMMON = frozenset(
    [
        "123456789012",
        "1234567890123",
        "12345678901234",
        "123456789123",
        "password1234",
        "passwordpassword",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopasdf",
        "1q2w3e4r5t6y",
        "qazwsxedcrfv",
        "iloveyou1234",
        "administrator",
        "adminadminadmin",
        "letmeinletmein",
        "111222333444",
        "changeme1234",
        "welcome12345",
        "йцукенгшщзхъ",
        "йцукенгшщзхъфыва",
        "парольпароль",
        "пароль123456",
        "qwerty123456",
        "1qaz2wsx3edc",
    ]
)
"""Long ones that head every published list of stolen passwords; the length rule keeps the short ones out."""

_slots = asyncio.Semaphore(AT_ONCE)
_queued = 0


def check_strength(password: str, *, email: str = "") -> None:
    """Refuse what is too short, too long, or guessed first. Raises a 422 that names the field `password`."""
    plain = _normal(password)
    if len(plain) < MIN_LENGTH:
        raise invalid(
            FieldError(
                "password",
                "too_short",
                "A password has at least %(number)s characters.",
                {"number": MIN_LENGTH},
            )
        )
    if len(plain) > MAX_LENGTH:
        raise invalid(
            FieldError(
                "password",
                "too_long",
                "A password has at most %(number)s characters.",
                {"number": MAX_LENGTH},
            )
        )
    name = email.partition("@")[0].lower()
    guessed = plain.lower()
    own = guessed == email.lower() or (len(name) > 3 and guessed.replace(name, "").isdigit())
    if own or guessed in _COMMON or len(set(guessed)) < 5:
        raise invalid(
            FieldError(
                "password",
                "guessed",
                "This password is guessed at once. Take a few words that do not belong together.",
            )
        )


def hash_now(password: str) -> str:
    """The hash to store; blocks."""
    return _HASHER.hash(_normal(password))


async def hash_in_thread(password: str) -> str:
    """The hash to store."""
    return await _run(hash_now, password)


async def verify_in_thread(stored: str, password: str) -> bool:
    """Whether `password` makes `stored`; takes as long when there is none to compare with."""
    return await _run(_verify, stored, password) if len(password) <= MAX_LENGTH else False


def _verify(stored: str, password: str) -> bool:
    try:
        _HASHER.verify(stored or _NOBODY, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


async def _run(function: Callable[[*Values], Result], *values: *Values) -> Result:
    global _queued
    if _queued >= LONGEST_QUEUE:
        raise TooManyRequests("Many people sign in right now. Try again in a moment.", retry_after=2)
    _queued += 1
    try:
        async with _slots:
            return await asyncio.to_thread(function, *values)
    finally:
        _queued -= 1


def _normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFC", password)
