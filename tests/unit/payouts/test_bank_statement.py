"""The bank's statement: read as banks write it, refused with the line where it is broken."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.payouts.bank_statement import MAX_BYTES, BankDocument, WrongBankFile, read_statement

GOOD = """1CClientBankExchange
ВерсияФормата=1.03
Кодировка=Windows
СекцияРасчСчет
ДатаНачала=22.11.2026
НачальныйОстаток=10.00
КонецРасчСчет

СекцияДокумент=Платежное поручение
Номер=15
Дата=22.11.2026
Сумма=1234.5
ПлательщикСчет=40702810200000000001
ДатаСписано=23.11.2026
Получатель=ИНН 1 Иванова
Получатель1=Иванова
ПолучательРасчСчет=40817810700000000001
НезнакомыйКлюч=1
НазначениеПлатежа=Выплата
НазначениеПлатежа2=НДС = 0
КонецДокумента
КонецФайла
"""

READ = BankDocument(
    line=9,
    kind="Платежное поручение",
    number="15",
    amount_minor=123_450,
    payer_account="40702810200000000001",
    recipient_account="40817810700000000001",
    payer_name="",
    recipient_name="Иванова",
    debited_on=date(2026, 11, 23),
    credited_on=None,
    purpose="Выплата НДС = 0",
)


@pytest.mark.parametrize("codec", ["cp1251", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_statement_is_read_in_the_encodings_banks_use(codec: str, ends: str) -> None:
    assert read_statement(GOOD.replace("\n", ends).encode(codec)) == [READ]


def test_dos_files_are_read_too() -> None:
    assert read_statement(GOOD.replace("=Windows", "=DOS").encode("cp866")) == [READ]


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("1CClientBankExchange", "<html>"), 1, "begins with 1CClientBankExchange"),
        (("Сумма=1234.5", "Сумма=1 234,5"), 9, "is not an amount"),
        (("Сумма=1234.5", "Сумма=-5"), 9, "is not an amount"),
        (("Сумма=1234.5", ""), 9, "is not an amount"),
        (("Сумма=1234.5", "Сумма=0.001"), 9, "is not an amount"),
        (("=23.11.2026", "=31.02.2026"), 9, "is not a date"),
        (("=23.11.2026", "=2026-11-23"), 9, "is not a date"),
        (("Номер=15", "Номер=15\nНомер=16"), 11, "given twice"),
        (("Номер=15", "Номер"), 10, "are expected here"),
        (("КонецДокумента\n", ""), 21, "has no end"),
        (("КонецДокумента\n", "КонецДокумента\nКонецДокумента\n"), 22, "no document has begun"),
        (("КонецДокумента\n", "СекцияДокумент=Ордер\n"), 21, "begins before"),
        (("КонецФайла\n", ""), 21, "breaks off"),
        (("Выплата", "В" * 5000), 19, "too long"),
        (("Выплата", "В\x00"), 19, "not a text"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(change: tuple[str, str], line: int, words: str) -> None:
    with pytest.raises(WrongBankFile, match=words) as caught:
        read_statement(GOOD.replace(*change).encode("cp1251"))

    assert caught.value.values["line"] == line
    assert caught.value.status == 422


def test_empty_and_huge_files_are_refused() -> None:
    for raw, words in ((b" \r\n", "empty"), (b"x" * (MAX_BYTES + 1), "larger than 5 MB")):
        with pytest.raises(WrongBankFile, match=words):
            read_statement(raw)


def test_a_byte_that_no_encoding_has_names_its_line() -> None:
    with pytest.raises(WrongBankFile) as caught:
        read_statement(GOOD.encode("cp1251").replace("НДС".encode("cp1251"), b"\x98\x98"))

    assert caught.value.values["line"] == 20


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_politely(raw: bytes) -> None:
    with pytest.raises(WrongBankFile):
        read_statement(raw)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """Lines dropped, doubled, swapped or cut, bytes changed: documents or a refusal, never anything else."""
    lines = GOOD.encode("cp1251").split(b"\n")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap", "cut", "byte"])):
            case "drop":
                lines[place] = b""
            case "double":
                lines.insert(place, lines[place])
            case "swap":
                lines[place], lines[-1 - place] = lines[-1 - place], lines[place]
            case "cut":
                lines[place] = lines[place][: data.draw(st.integers(0, len(lines[place])))]
            case _:
                lines[place] += data.draw(st.binary(min_size=1, max_size=3))
    try:
        found = read_statement(b"\n".join(lines))
    except WrongBankFile:
        return
    assert all(one.amount_minor >= 0 for one in found)
