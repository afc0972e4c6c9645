"""The program's own bank details, which payouts are sent from, and the banks that partners' accounts are kept at.

Everything is checked by its control digits before a bank sees it: INN, KPP's form, the account's key against the BIK
(settlement and correspondent accounts are weighed differently). Details are superseded, never edited.
"""

import re
from dataclasses import asdict, dataclass

from app import clock, db
from app.errors import DomainError
from app.partners import checks
from app.payouts.bank_text import NotForBank, bank_text
from app.payouts.payment_orders import NAME_MAX, PURPOSE_MAX
from app.ui.forms import Form
from app.ui.i18n import LazyText, lazy
from app.ui.i18n import gettext as _
from app.users import audit

PLACES = ("{number}", "{date}", "{partner}")
"""What a purpose may leave to be filled in: the payout's number, its day, the partner's name."""
PURPOSE = "Выплата вознаграждения партнёру {partner} по заявке № {number} от {date}. НДС не облагается."
"""To begin with."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and from which account."""

    name: str
    tax_number: str
    kpp: str
    account: str
    bik: str
    correspondent_account: str
    bank_name: str
    bank_city: str
    purpose: str


@dataclass(frozen=True, slots=True)
class KnownBank:
    """A bank as payment orders say it."""

    bik: str
    name: str
    city: str
    correspondent_account: str


def read_payer(form: Form) -> Payer:
    """The details as typed, with an error at every wrong field."""
    tax_number = _digits(form.text("tax_number", max_length=20))
    kpp = _digits(form.text("kpp", required=False, max_length=20))
    if tax_number and not checks.inn_fits(tax_number, company=len(tax_number) == 10):
        form.fail(
            "tax_number", _("An INN has 10 or 12 digits, of which the last check the others: compare them.")
        )
    if kpp and re.fullmatch(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}", kpp) is None:
        form.fail("kpp", _("A KPP has nine digits."))
    elif len(tax_number) == 10 and not kpp:
        form.fail("kpp", _("A company has a KPP."))
    elif len(tax_number) == 12 and kpp:
        form.fail("kpp", _("A sole trader has no KPP."))
    bank = read_bank(form)
    account = _digits(form.text("account", max_length=40))
    if account and re.fullmatch(r"[0-9]{20}", account) is None:
        form.fail("account", _("A bank account has 20 digits."))
    elif account and bank.bik and not checks.account_fits(account, bank.bik):
        form.fail("account", _("This account does not fit the bank's BIK: one of the two has a wrong digit."))
    return Payer(
        name=_line(form, "name", NAME_MAX),
        tax_number=tax_number,
        kpp=kpp,
        account=account,
        bik=bank.bik,
        correspondent_account=bank.correspondent_account,
        bank_name=bank.name,
        bank_city=bank.city,
        purpose=_purpose(form),
    )


def read_bank(form: Form) -> KnownBank:
    """A bank as typed, with an error at every wrong field."""
    bik = _digits(form.text("bik", max_length=20))
    account = _digits(form.text("correspondent_account", max_length=40))
    if bik and not checks.bik_fits(bik):
        form.fail("bik", _("A BIK has nine digits and begins with 04."))
    if account and re.fullmatch(r"(301|401|032)[0-9]{17}", account) is None:
        form.fail("correspondent_account", _("A correspondent account has 20 digits and begins with 301."))
    elif account and checks.bik_fits(bik) and not correspondent_fits(account, bik):
        form.fail(
            "correspondent_account",
            _("This correspondent account does not fit the BIK: one of the two has a wrong digit."),
        )
    return KnownBank(
        bik=bik,
        name=_line(form, "bank_name", 100),
        city=_line(form, "bank_city", 60, required=False),
        correspondent_account=account,
    )


def correspondent_fits(account: str, bik: str) -> bool:
    """Whether a bank's own account fits its BIK: it ends like the BIK, and its key counts the BIK's region."""
    if not account.startswith("301"):
        return True  # at the treasury: these have no key of their own
    digits = "0" + bik[4:6] + account
    weighted = sum(int(digit) * (7, 1, 3)[place % 3] % 10 for place, digit in enumerate(digits))
    return weighted % 10 == 0 and account.endswith(bik[-3:])


def filled_purpose(purpose: str, *, number: int, day: str, partner: str) -> str:
    """The purpose of one payment."""
    return purpose.replace("{number}", str(number)).replace("{date}", day).replace("{partner}", partner)


async def payer_of(program_id: int) -> Payer | None:
    """The details in use; None: nobody gave them yet."""
    row = await db.fetchrow(
        """
        SELECT name, tax_number, kpp, account, bik, correspondent_account, bank_name, bank_city, purpose
        FROM payer_details
        WHERE program_id = $1 AND superseded_at IS NULL
        """,
        program_id,
    )
    return Payer(**dict(row)) if row is not None else None


async def set_payer(program_id: int, payer: Payer, *, user_id: int) -> None:
    """Make these the program's details from now on. The same again changes nothing."""
    async with db.transaction():
        await db.execute("SELECT FROM programs WHERE id = $1 FOR NO KEY UPDATE", program_id)
        if await payer_of(program_id) == payer:
            return
        now = clock.now()
        await db.execute(
            "UPDATE payer_details SET superseded_at = $2 WHERE program_id = $1 AND superseded_at IS NULL",
            program_id,
            now,
        )
        await db.execute(
            """
            INSERT INTO payer_details (name, tax_number, kpp, account, bik, correspondent_account, bank_name,
                bank_city, purpose, program_id, created_at, created_by_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            *asdict(payer).values(),
            program_id,
            now,
            user_id,
        )
        await audit.write_in_transaction(
            "payer.changed", f"program:{program_id}", program_id=program_id, user_id=user_id
        )


async def banks(biks: list[str]) -> dict[str, KnownBank]:
    """Those of the banks that are known, by BIK."""
    rows = await db.fetch(
        "SELECT bik, name, city, correspondent_account FROM banks WHERE bik = ANY($1::text[]) ORDER BY bik",
        biks,
    )
    return {row["bik"]: KnownBank(**dict(row)) for row in rows}


async def all_banks() -> list[KnownBank]:
    """The banks that staff have told, by BIK."""
    rows = await db.fetch("SELECT bik, name, city, correspondent_account FROM banks ORDER BY bik LIMIT 1000")
    return [KnownBank(**dict(row)) for row in rows]


async def unknown_biks(program_id: int) -> list[str]:
    """BIKs of open payouts whose banks nobody has told yet; payment orders to them wait for that."""
    rows = await db.fetch(
        """
        SELECT details_masked FROM payouts
        WHERE program_id = $1 AND method = 'bank_account' AND state IN ('requested', 'approved')
        ORDER BY id
        LIMIT 2000
        """,
        program_id,
    )
    found = {row["details_masked"].rpartition(", ")[2] for row in rows} - {""}
    return sorted(bik for bik in found - set(await banks(sorted(found))) if checks.bik_fits(bik))


async def set_bank(program_id: int, bank: KnownBank, *, user_id: int) -> None:
    """Say what payment orders to this bank's clients name it."""
    async with db.transaction():
        await db.execute(
            """
            INSERT INTO banks (bik, name, city, correspondent_account, given_at, given_by_id)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (bik) DO UPDATE SET name = excluded.name, city = excluded.city,
                correspondent_account = excluded.correspondent_account, given_at = excluded.given_at,
                given_by_id = excluded.given_by_id
            """,
            bank.bik,
            bank.name,
            bank.city,
            bank.correspondent_account,
            clock.now(),
            user_id,
        )
        await audit.write_in_transaction(
            "bank.changed", f"bank:{bank.bik}", program_id=program_id, user_id=user_id
        )


FIELDS: dict[str, LazyText] = {
    "name": lazy("the name"),
    "purpose": lazy("what the payment is for"),
    "bank": lazy("the bank's name"),
    "bank_name": lazy("the bank's name"),
    "city": lazy("the bank's city"),
    "bank_city": lazy("the bank's city"),
}


def said(error: NotForBank) -> DomainError:
    """What a bank does not take, as a refusal that names the field and the payout."""
    payout, _colon, field = error.field.rpartition(": ")
    where = str(FIELDS.get(field, field))
    if payout.startswith("payout no. "):
        where = _("payout no. %(number)s, %(field)s", number=payout.removeprefix("payout no. "), field=where)
    if error.character:
        return DomainError(
            "The bank's format has no place for “%(character)s” in: %(field)s. Correct it there.",
            code="not_for_bank",
            character=error.character,
            field=where,
        )
    return DomainError(
        "This is too long for the bank's format (%(length)s letters): %(field)s. Shorten it there.",
        code="not_for_bank",
        length=error.length,
        field=where,
    )


def _purpose(form: Form) -> str:
    typed = _line(form, "purpose", PURPOSE_MAX)
    left = typed
    for place in PLACES:
        left = left.replace(place, "")
    if "{" in left or "}" in left:
        form.fail("purpose", _("Only {number}, {date} and {partner} are filled in."))
    return typed


def _line(form: Form, name: str, limit: int, *, required: bool = True) -> str:
    typed = form.text(name, required=required, max_length=limit)
    try:
        return bank_text(typed, name, limit=limit)
    except NotForBank as error:
        refusal = said(error)
        form.fail(name, _(refusal.message, **refusal.values))
        return typed


def _digits(typed: str) -> str:
    """Without the spaces and hyphens that people put between groups."""
    return re.sub(r"[\s\u00a0\u202f-]", "", typed)
