"""A bank for tests: the program's account, partners' accounts, and statements as a bank writes them."""

from datetime import timedelta

from app import clock, db
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.payouts import payer
from app.payouts.payer import KnownBank, Payer
from tests.integration.payouts.people import NOON, People

BIK = "044525225"
OURS = "40702810200000000001"
HERS = "40817810700000000001"
PAYER = Payer(
    "ООО «Магазин»",
    "7707083893",
    "770701001",
    OURS,
    BIK,
    "30101810400000000225",
    "ПАО СБЕРБАНК",
    "г. Москва",
    payer.PURPOSE,
)
BANK = KnownBank(BIK, "ПАО СБЕРБАНК", "г. Москва", "30101810400000000225")


async def open_accounts(people: People, *partner_ids: int) -> None:
    """The program's account, and one bank account for each partner, verified long ago."""
    with clock.at(NOON):
        await payer.set_payer(people.program_id, PAYER, user_id=people.fedor_id)
        await payer.set_bank(people.program_id, BANK, user_id=people.fedor_id)
    with clock.at(NOON - timedelta(days=10)):
        for partner_id in partner_ids or (people.alice_id,):
            details = NewPayoutDetails("bank_account", "Иванова Алиса", HERS, BIK)
            async with db.transaction():
                await give_details_in_transaction(partner_id, details, verified=True)


def debit(number: int, amount: str, *, account: str = HERS, day: str = "23.11.2026") -> str:
    return (
        f"СекцияДокумент=Платежное поручение\nНомер={number}\nДата=22.11.2026\nСумма={amount}\n"
        f"ПлательщикСчет={OURS}\nДатаСписано={day}\nПолучательСчет={account}\nПолучатель1=Иванова\n"
        "НазначениеПлатежа=Выплата\nКонецДокумента\n"
    )


def credit(amount: str, purpose: str, *, account: str = "47416810000000000001") -> str:
    return (
        f"СекцияДокумент=Платежное поручение\nНомер=9001\nДата=24.11.2026\nСумма={amount}\n"
        f"ПлательщикСчет={account}\nПолучательСчет={OURS}\nДатаПоступило=24.11.2026\n"
        f"НазначениеПлатежа={purpose}\nКонецДокумента\n"
    )


def statement(*documents: str) -> bytes:
    text = (
        "1CClientBankExchange\nВерсияФормата=1.03\nКодировка=Windows\n" + "".join(documents) + "КонецФайла\n"
    )
    return text.replace("\n", "\r\n").encode("cp1251")
