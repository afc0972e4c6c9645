"""Texts as banks take them: one line of windows-1251.

A letter that windows-1251 lacks is written by its nearest relative (é as e, ₽ as руб.); what has none is refused with
the field's name, because a bank that gets a question mark in a name sends the payment back.
"""

import re
import unicodedata

CODEC = "cp1251"

_RELATIVES = {
    "₽": "руб.",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "―": "—",
    "′": "'",
    "″": '"',
    "ʼ": "'",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ı": "i",
    "ə": "э",
    "Ə": "Э",
    "қ": "к",
    "Қ": "К",
    "ң": "н",
    "Ң": "Н",
    "ғ": "г",
    "Ғ": "Г",
    "ү": "у",
    "Ү": "У",
    "ұ": "у",
    "Ұ": "У",
    "һ": "х",
    "Һ": "Х",
    "ө": "о",
    "Ө": "О",
    "җ": "ж",
    "Җ": "Ж",
}


class NotForBank(ValueError):  # noqa: N818 - said by its reader's word
    """A text that a bank does not take: which field, and what is wrong with it."""

    def __init__(self, field: str, *, character: str = "", length: int = 0) -> None:
        super().__init__(f"{field}: {character or length}")
        self.field = field
        self.character = character
        """The one that windows-1251 has no place for; empty: the text is too long."""
        self.length = length
        """How long it is; 0: not too long."""


def bank_text(text: str, field: str, *, limit: int) -> str:
    """`text` in one line of at most `limit` letters of windows-1251. Raises NotForBank, which names `field`."""
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    written = "".join(_letter(letter, field) for letter in line)
    if len(written) > limit:
        raise NotForBank(field, length=len(written))
    return written


def _letter(letter: str, field: str) -> str:
    if _known(letter):
        return letter
    if letter in _RELATIVES:
        return _RELATIVES[letter]
    if unicodedata.category(letter) in ("Cf", "Mn"):
        return ""
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", letter) if unicodedata.category(part) != "Mn"
    )
    if plain and all(_known(part) for part in plain):
        return plain
    raise NotForBank(field, character=letter)


def _known(letter: str) -> bool:
    if unicodedata.category(letter) == "Cc":
        return False
    try:
        letter.encode(CODEC)
    except UnicodeEncodeError:
        return False
    return True
