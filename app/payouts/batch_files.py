"""The files of a batch: what its payments are called in the bank's formats."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.fernet import InvalidToken

from app import clock, db
from app.errors import DomainError
from app.partners.payout_details import NewPayoutDetails, seal_file, unseal
from app.payouts import payer as payers
from app.payouts.bank_text import NotForBank
from app.payouts.methods import METHODS
from app.payouts.payer import KnownBank, Payer
from app.payouts.payment_orders import (
    PaymentOrder,
    Side,
    document_number,
    exchange_file,
    register_file,
)
from app.payouts.steps import Locked, Payment
from app.programs import queries as programs


@dataclass(frozen=True, slots=True)
class _Recipient:
    """What is known of a payout's recipient."""

    name: str
    tax_number: str
    kpp: str
    sealed: bytes


async def write_files_in_transaction(
    program_id: int, batch_id: int, method: str, payments: Sequence[Payment]
) -> None:
    """Make the files of a new batch and keep them, sealed. Refused where the bank's format cannot say a payment."""
    terms = (await programs.terms_in_force(program_id, clock.now())).terms
    payer = await payers.payer_of(program_id)
    formats = [one for one in METHODS[method].files if one != "1c" or terms.currency == "RUB"]
    if "1c" in formats and payer is None:
        raise DomainError(
            "Say first which account the program pays from: “Own bank details” on the page of batches.",
            code="payer_missing",
        )
    made_at = clock.now().astimezone(terms.zone)
    orders = await _orders(payments, payer, made_at, with_banks="1c" in formats)
    row = await db.fetchrow(
        "SELECT program.code, batch.number FROM payout_batches AS batch "
        "JOIN programs AS program ON program.id = batch.program_id WHERE batch.id = $1",
        batch_id,
    )
    assert row is not None
    for file_format in formats:
        try:
            if file_format == "1c":
                assert payer is not None
                content = exchange_file(_payer_side(payer), orders, made_at)
            else:
                content = register_file(orders, terms.currency, made_at)
        except NotForBank as error:
            raise payers.said(error) from error
        ending = "txt" if file_format == "1c" else "csv"
        await db.execute(
            "INSERT INTO payout_batch_files (batch_id, format, name, content, digest) VALUES ($1, $2, $3, $4, $5)",
            batch_id,
            file_format,
            f"payouts-{row['code']}-{row['number']}.{ending}",
            seal_file(content),
            sha256(content).hexdigest(),
        )


async def _orders(
    payments: Sequence[Payment], payer: Payer | None, made_at: datetime, *, with_banks: bool
) -> list[PaymentOrder]:
    """The payments as orders, in the order of their numbers."""
    recipients = await _recipients([one.payout.id for one in payments])
    details = {one.payout.id: _unsealed(one.payout, recipients[one.payout.id].sealed) for one in payments}
    banks = await payers.banks(sorted({one.bik for one in details.values() if one.bik}))
    if with_banks:
        _refuse_unknown_banks({one.bik for one in details.values() if one.bik} - set(banks))
    purpose = payer.purpose if payer is not None else payers.PURPOSE
    return [
        PaymentOrder(
            number=document_number(one.payout.number),
            payout_number=one.payout.number,
            amount_minor=one.amount_minor,
            recipient=_side(recipients[one.payout.id], details[one.payout.id], banks),
            purpose=payers.filled_purpose(
                purpose,
                number=one.payout.number,
                day=f"{made_at:%d.%m.%Y}",
                partner=recipients[one.payout.id].name,
            ),
        )
        for one in sorted(payments, key=lambda one: one.payout.number)
    ]


def _refuse_unknown_banks(missing: set[str]) -> None:
    if missing:
        raise DomainError(
            "The banks with these BIKs are not known yet: %(biks)s. Give their names and correspondent accounts "
            "on the page “Own bank details”.",
            code="bank_unknown",
            biks=", ".join(sorted(missing)),
        )


def _unsealed(payout: Locked, sealed: bytes) -> NewPayoutDetails:
    try:
        return unseal(sealed)
    except InvalidToken as error:
        raise DomainError(
            "The payment details of payout no. %(number)s cannot be read with the portal's present key.",
            code="unreadable",
            number=payout.number,
        ) from error


async def _recipients(payout_ids: Sequence[int]) -> dict[int, _Recipient]:
    rows = await db.fetch(
        """
        SELECT payout.id, payout.details_encrypted AS sealed, partner.name,
            coalesce(nullif(requisites.tax_number, ''), (
                SELECT application.tax_number FROM partner_applications AS application
                WHERE application.partner_id = partner.id ORDER BY application.id DESC LIMIT 1
            ), '') AS tax_number, coalesce(requisites.kpp, '') AS kpp
        FROM payouts AS payout
        JOIN partners AS partner ON partner.id = payout.partner_id
        LEFT JOIN requisites ON requisites.partner_id = partner.id AND requisites.superseded_at IS NULL
        WHERE payout.id = ANY($1::bigint[])
        """,
        list(payout_ids),
    )
    return {row["id"]: _Recipient(row["name"], row["tax_number"], row["kpp"], row["sealed"]) for row in rows}


def _side(recipient: _Recipient, details: NewPayoutDetails, banks: dict[str, KnownBank]) -> Side:
    bank = banks.get(details.bik, KnownBank(details.bik, "", "", ""))
    return Side(
        name=details.holder or recipient.name,
        tax_number=recipient.tax_number,
        kpp=recipient.kpp,
        account=details.account,
        bik=details.bik,
        bank_name=bank.name,
        bank_city=bank.city,
        correspondent_account=bank.correspondent_account,
    )


def _payer_side(payer: Payer) -> Side:
    return Side(
        name=payer.name,
        tax_number=payer.tax_number,
        kpp=payer.kpp,
        account=payer.account,
        bik=payer.bik,
        bank_name=payer.bank_name,
        bank_city=payer.bank_city,
        correspondent_account=payer.correspondent_account,
    )
