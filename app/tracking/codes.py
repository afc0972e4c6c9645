"""How promo codes are compared: without case, and with Cyrillic letters that look like Latin ones joined to them."""

import re
import secrets

LOOK_ALIKES = str.maketrans("АВЕКМНОРСТУХІ", "ABEKMHOPCTYXI")  # Cyrillic on the left, Latin on the right


def code_key(text: str) -> str:
    """What two spellings of one code have in common; at most 64 characters of it."""
    return text.strip().upper().translate(LOOK_ALIKES)[:64]


LINK_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{2,30})[a-z0-9]")
"""A link's short code, lower case."""

_CLEAR = "23456789abcdefghjkmnpqrstuvwxyz"
"""Digits and letters that nobody takes for one another."""


def new_link_code() -> str:
    """Eight clear signs: about 40 bits."""
    return "".join(secrets.choice(_CLEAR) for _ in range(8))


def new_promo_code() -> str:
    """Nine clear signs, upper case: more than 40 bits, so that nobody guesses one."""
    return "".join(secrets.choice(_CLEAR) for _ in range(9)).upper()
