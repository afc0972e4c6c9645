"""Reads the bank's statement in 1C's exchange format (`1CClientBankExchange`): lines in, documents out. Pure.

The file is windows-1251, UTF-8 or (`Кодировка=DOS`) cp866. It is somebody else's file, so everything is checked and
every complaint names its line; keys that we do not need are passed over, as the format's description wants.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.errors import DomainError, message_id

MAX_BYTES = 5 * 1024 * 1024
MAX_DOCUMENTS = 20_000
MAX_LINE = 4_000

TITLE = "1CClientBankExchange"
_AMOUNT = re.compile(r"([0-9]{1,13})(?:[.,]([0-9]{1,2}))?", re.ASCII)
_DAY = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", re.ASCII)
_WITHOUT_VALUE = ("СекцияРасчСчет", "КонецРасчСчет")


class WrongBankFile(DomainError):  # noqa: N818 - a refusal, as those of app/errors.py
    """The file cannot be read; the message names the line."""

    code = "bank_file_wrong"


@dataclass(frozen=True, slots=True)
class BankDocument:
    """One document of the statement."""

    line: int
    """Where it begins in the file, from 1."""
    kind: str
    number: str
    amount_minor: int
    payer_account: str
    recipient_account: str
    payer_name: str
    recipient_name: str
    debited_on: date | None
    """When it left the payer's account; None: it did not (yet)."""
    credited_on: date | None
    """When it reached the recipient's account here; None: it did not, or it is not ours."""
    purpose: str


def read_statement(raw: bytes) -> list[BankDocument]:
    """The documents of the file in its order. Raises WrongBankFile."""
    if not raw.strip():
        raise WrongBankFile(message_id("The file is empty."))
    if len(raw) > MAX_BYTES:
        raise WrongBankFile(message_id("The file is larger than 5 MB. Ask the bank for a shorter period."))
    lines = _lines(_text(raw))
    number, first = next(lines, (1, ""))
    if first != TITLE:
        raise _wrong(
            number, message_id("Line %(line)s: a file of this format begins with 1CClientBankExchange.")
        )
    return list(_documents(lines))


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    codecs = ("cp866",) if "Кодировка=DOS".encode("cp866") in raw[:400] else ("utf-8", "cp1251")
    for codec in codecs:
        try:
            return raw.decode(codec)
        except UnicodeDecodeError as error:
            place = raw[: error.start].count(b"\n") + 1
    raise _wrong(place, message_id("Line %(line)s: this is neither windows-1251 nor UTF-8."))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers. Only line feeds end a line, as banks write them."""
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip()
        if len(bare) > MAX_LINE:
            raise _wrong(number, message_id("Line %(line)s is too long."))
        if "\x00" in bare:
            raise _wrong(number, message_id("Line %(line)s: this is not a text."))
        if bare:
            yield number, bare


def _documents(lines: Iterator[tuple[int, str]]) -> Iterator[BankDocument]:
    section: dict[str, str] | None = None
    begun, kind, found, last = 0, "", 0, 1
    for number, line in lines:
        last = number
        key, equals, value = line.partition("=")
        key = key.strip()
        if line == "КонецФайла":
            if section is not None:
                raise _wrong(number, message_id("Line %(line)s: the document before it has no end."))
            return
        if key == "СекцияДокумент":
            if section is not None:
                raise _wrong(
                    number, message_id("Line %(line)s: a document begins before the one before has ended.")
                )
            section, begun, kind = {}, number, value.strip()
        elif line == "КонецДокумента":
            if section is None:
                raise _wrong(number, message_id("Line %(line)s: no document has begun that could end here."))
            found += 1
            if found > MAX_DOCUMENTS:
                raise _wrong(number, message_id("Line %(line)s: there are more than 20000 documents."))
            yield _document(begun, kind, section)
            section = None
        elif not equals and line not in _WITHOUT_VALUE:
            raise _wrong(number, message_id("Line %(line)s: a key, “=” and a value are expected here."))
        elif section is not None:
            if section.get(key, value.strip()) != value.strip():
                raise _wrong(number, message_id("Line %(line)s: “%(key)s” is given twice."), key=key[:60])
            section[key] = value.strip()
    raise _wrong(last, message_id("The file breaks off after line %(line)s: “КонецФайла” is missing."))


def _document(begun: int, kind: str, values: dict[str, str]) -> BankDocument:
    return BankDocument(
        line=begun,
        kind=kind[:100],
        number=values.get("Номер", "")[:30],
        amount_minor=_amount(begun, values.get("Сумма", "")),
        payer_account=_account(values, "Плательщик"),
        recipient_account=_account(values, "Получатель"),
        payer_name=_name(values, "Плательщик"),
        recipient_name=_name(values, "Получатель"),
        debited_on=_date(begun, "ДатаСписано", values),
        credited_on=_date(begun, "ДатаПоступило", values),
        purpose=" ".join(values[key] for key in ("НазначениеПлатежа", *_MORE_PURPOSE) if values.get(key))[
            :500
        ],
    )


_MORE_PURPOSE = tuple(f"НазначениеПлатежа{place}" for place in range(1, 7))


def _account(values: dict[str, str], role: str) -> str:
    return (values.get(f"{role}Счет") or values.get(f"{role}РасчСчет") or "")[:20]


def _name(values: dict[str, str], role: str) -> str:
    return (values.get(f"{role}1") or values.get(role) or "")[:200]


def _amount(line: int, typed: str) -> int:
    match = _AMOUNT.fullmatch(typed)
    if match is None:
        raise _wrong(
            line,
            message_id("The document of line %(line)s: “%(value)s” is not an amount such as 1234.56."),
            value=typed[:40],
        )
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def _date(line: int, key: str, values: dict[str, str]) -> date | None:
    typed = values.get(key, "")
    if not typed:
        return None
    match = _DAY.fullmatch(typed)
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match is not None else _no_date()
    except ValueError as error:
        raise _wrong(
            line,
            message_id(
                "The document of line %(line)s: %(key)s “%(value)s” is not a date such as 22.11.2026."
            ),
            key=key,
            value=typed[:40],
        ) from error


def _no_date() -> date:
    raise ValueError("not a date")


def _wrong(line: int, message: str, **values: str) -> WrongBankFile:
    said: dict[str, Any] = {"line": line, **values}
    return WrongBankFile(message, **said)
