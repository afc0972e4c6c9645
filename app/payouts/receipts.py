"""Receipts of the self-employed, and their yearly limit (rules.md §12; Federal Law 422-FZ, articles 4 and 14).

A self-employed partner pays tax on professional income (НПД). For each payout he registers the income with the tax
office and gives the shop the receipt, without which the shop may not count the payout as a cost. The law lets him do
it until the 9th of the month after the payment. So:

- a payment makes a receipt due by that 9th, in the program's time zone; he gives its link or a file;
- he is reminded from three days before, once a day at most, and once more when it is overdue;
- from the 10th on his next request for a payout is refused until it is given. Before that nothing is blocked: a shop
  that pays every week would otherwise stop partners who keep to the law.

The law also ends the regime above 2,400,000.00 RUB of income in a calendar year. The portal knows only what is paid
through it (on request, from a deposit, by a run, by hand), over all its programs in rubles, by tax number (by partner
where there is none): from 80 % on staff and partner are warned, and what would go above is not approved. Payouts that
are approved and not paid yet count as well. Only payouts ask for receipts: nobody approves the other payments one by one.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from app import clock, db
from app.errors import DomainError, NotFound
from app.events import service as events
from app.payouts.uploads import Upload, store_in_transaction
from app.programs.queries import terms_in_force
from app.ui.filters import money
from app.users import audit

LIMIT_MINOR = 240_000_000
"""2,400,000.00 RUB a year."""

WARN_AT = (95, 80)
"""Percent of the limit, the highest first."""

DUE_DAY = 9
REMIND_DAYS = 3
LIMIT_LOCK = 0x6E7064
"""First key of the advisory lock on one taxpayer's year; the second is made of who he is."""


@dataclass(frozen=True, slots=True)
class Income:
    """What a self-employed person has been paid, or is about to be, in a year."""

    paid_minor: int
    approved_minor: int

    @property
    def total_minor(self) -> int:
        """Both."""
        return self.paid_minor + self.approved_minor

    @property
    def percent(self) -> int:
        """Of the limit, rounded down."""
        return self.total_minor * 100 // LIMIT_MINOR

    @property
    def warning(self) -> int:
        """The highest reached of `WARN_AT`; 0: none."""
        return next((level for level in WARN_AT if self.percent >= level), 0)


def due_on(paid: date) -> date:
    """The 9th of the month after the payment (422-FZ, article 14)."""
    return (paid.replace(day=1) + timedelta(days=32)).replace(day=DUE_DAY)


async def income(partner_id: int, year: int, *, without_payout: int | None = None) -> Income:
    """What he was paid in `year`, and what is approved and not paid, over all programs in rubles."""
    row = await db.fetchrow(
        f"""
        WITH taxpayer AS ({_TAXPAYER}), same AS ({_SAME})
        SELECT
            coalesce((
                SELECT sum(receipt.amount_minor) FROM payout_receipts AS receipt
                WHERE receipt.year = $2 AND receipt.currency = 'RUB' AND receipt.state <> 'undone'
                    AND (receipt.partner_id IN (SELECT id FROM same)
                        OR receipt.tax_number = (SELECT nullif(tax_number, '') FROM taxpayer))
            ), 0)::bigint + coalesce((
                SELECT sum(settlement.paid_minor) FROM commission_settlements AS settlement
                JOIN program_terms AS terms ON terms.program_id = settlement.program_id AND terms.number = 1
                JOIN partners AS partner ON partner.id = settlement.partner_id AND partner.kind = 'self_employed'
                WHERE settlement.partner_id IN (SELECT id FROM same) AND settlement.account = 'paid'
                    AND terms.document ->> 'currency' = 'RUB'
                    AND extract(year FROM settlement.at AT TIME ZONE (terms.document ->> 'time_zone')) = $2
            ), 0)::bigint AS paid,
            coalesce((
                SELECT sum(payout.amount_minor) FROM payouts AS payout
                JOIN program_terms AS terms ON terms.program_id = payout.program_id AND terms.number = 1
                JOIN partners AS partner ON partner.id = payout.partner_id AND partner.kind = 'self_employed'
                WHERE payout.partner_id IN (SELECT id FROM same) AND payout.state IN ('approved', 'sent')
                    AND terms.document ->> 'currency' = 'RUB' AND payout.id IS DISTINCT FROM $3::bigint
            ), 0)::bigint AS approved
        """,  # noqa: S608 - only constants of this file
        partner_id,
        year,
        without_payout,
    )
    assert row is not None
    return Income(row["paid"], row["approved"])


async def refuse_above_limit_in_transaction(program_id: int, payout_id: int) -> None:
    """Refuse (422) the approval that would bring a self-employed partner above the year's limit; warn near it."""
    payout = await db.fetchrow(
        f"""
        SELECT payout.partner_id, payout.requested_minor, partner.kind, taxpayer.tax_number
        FROM payouts AS payout JOIN partners AS partner ON partner.id = payout.partner_id,
            LATERAL ({_TAXPAYER.replace("$1", "partner.id")}) AS taxpayer
        WHERE payout.id = $1
        """,  # noqa: S608
        payout_id,
    )
    assert payout is not None, "a payout that does not exist is not approved"
    published = await terms_in_force(program_id)
    if payout["kind"] != "self_employed" or published.terms.currency != "RUB":
        return
    who = payout["tax_number"] or f"partner {payout['partner_id']}"
    # Two programs may approve payouts of the same person at the same moment.
    await db.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LIMIT_LOCK, who)
    year = clock.now().astimezone(published.terms.zone).year
    before = await income(payout["partner_id"], year, without_payout=payout_id)
    after = Income(before.paid_minor, before.approved_minor + payout["requested_minor"])
    if after.total_minor > LIMIT_MINOR:
        raise DomainError(
            "With this payout the self-employed partner would get %(after)s in %(year)s, more than the law allows "
            "(%(limit)s; %(left)s are left). Pay him in the next year or as a sole trader.",
            code="self_employed_limit",
            after=money(after.total_minor, "RUB"),
            year=year,
            limit=money(LIMIT_MINOR, "RUB"),
            left=money(max(0, LIMIT_MINOR - before.total_minor), "RUB"),
        )
    if after.warning > before.warning:
        payload = {
            "partner_id": payout["partner_id"],
            "percent": after.warning,
            "year": year,
            "amount_minor": after.total_minor,
            "left_minor": LIMIT_MINOR - after.total_minor,
        }
        await events.emit_in_transaction(
            [events.NewEvent("limit.near", program_id, f"partner:{payout['partner_id']}", payload)]
        )


async def want_in_transaction(program_id: int, payout_id: int) -> None:
    """A payout was paid: a self-employed partner owes a receipt for it, others nothing."""
    terms = (await terms_in_force(program_id)).terms
    today = clock.now().astimezone(terms.zone).date()
    row = await db.fetchrow(
        f"""
        INSERT INTO payout_receipts (program_id, partner_id, payout_id, tax_number, amount_minor, currency, year,
            state, due_on, url, refusal)
        SELECT payout.program_id, payout.partner_id, payout.id, taxpayer.tax_number, payout.amount_minor, $2, $3,
            'missing', $4, '', ''
        FROM payouts AS payout JOIN partners AS partner ON partner.id = payout.partner_id,
            LATERAL ({_TAXPAYER.replace("$1", "partner.id")}) AS taxpayer
        WHERE payout.id = $1 AND partner.kind = 'self_employed' AND payout.amount_minor > 0
        ON CONFLICT (payout_id) DO NOTHING
        RETURNING partner_id
        """,  # noqa: S608
        payout_id,
        terms.currency,
        today.year,
        due_on(today),
    )
    if row is not None:
        await _tell("receipt.wanted", program_id, payout_id, row["partner_id"])


async def undo_in_transaction(payout_id: int) -> None:
    """The bank returned the money: no receipt is owed, and the payout counts for no year."""
    await db.execute("UPDATE payout_receipts SET state = 'undone' WHERE payout_id = $1", payout_id)


async def give(
    program_id: int,
    partner_id: int,
    payout_id: int,
    *,
    user_id: int,
    url: str = "",
    upload: Upload | None = None,
) -> None:
    """The partner's receipt, as its address at the tax office or as a file. NotFound where none of his is wanted."""
    assert bool(url) != (upload is not None), "a receipt is a link or a file"
    async with db.transaction():
        state = await db.fetchval(
            "SELECT state FROM payout_receipts WHERE payout_id = $1 AND partner_id = $2 AND program_id = $3 FOR UPDATE",
            payout_id,
            partner_id,
            program_id,
        )
        if state is None:
            raise NotFound
        if state != "missing":
            raise DomainError("The receipt of this payout is there already.", code="receipt_state")
        paper_id = None
        if upload is not None:
            paper_id = await store_in_transaction(program_id, partner_id, "receipt", upload, user_id=user_id)
        await db.execute(
            "UPDATE payout_receipts SET state = 'given', url = $2, paper_id = $3, given_at = $4, refusal = '' "
            "WHERE payout_id = $1",
            payout_id,
            url,
            paper_id,
            clock.now(),
        )
        await audit.write_in_transaction(
            "receipt.given", f"payout:{payout_id}", program_id=program_id, user_id=user_id, reason=url[:300]
        )
        await _tell("receipt.given", program_id, payout_id, partner_id)


async def refuse(program_id: int, payout_id: int, *, user_id: int, reason: str) -> None:
    """What was given is no receipt of this payout: another one is wanted, by the same day."""
    await _decide(program_id, payout_id, user_id, "given", "missing", reason)


async def waive(program_id: int, payout_id: int, *, user_id: int, reason: str) -> None:
    """Staff do without a receipt, for a reason that the audit log keeps."""
    await _decide(program_id, payout_id, user_id, "missing", "waived", reason)


async def overdue_since(program_id: int, partner_id: int) -> date | None:
    """The oldest day, over by now, by which a missing receipt of the partner was due; None: none is overdue."""
    today = clock.now().astimezone((await terms_in_force(program_id)).terms.zone).date()
    found: date | None = await db.fetchval(
        "SELECT min(due_on) FROM payout_receipts WHERE partner_id = $1 AND state = 'missing' AND due_on < $2",
        partner_id,
        today,
    )
    return found


async def remind_due() -> int:
    """Remind of receipts that are due within three days, each day once, and once when they are overdue; how many."""
    now = clock.now()
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE payout_receipts AS receipt SET reminded_on = local.today
            FROM payouts AS payout, partners AS partner, program_terms AS terms,
                LATERAL (SELECT ($1::timestamptz AT TIME ZONE (terms.document ->> 'time_zone'))::date AS today) AS local
            WHERE payout.id = receipt.payout_id AND partner.id = receipt.partner_id
                AND terms.program_id = receipt.program_id AND terms.number = 1
                AND receipt.state = 'missing' AND receipt.due_on <= $2::date
                AND receipt.due_on - local.today <= $3
                AND (receipt.reminded_on IS NULL
                    OR (receipt.reminded_on < local.today AND receipt.reminded_on <= receipt.due_on))
            RETURNING receipt.program_id, receipt.payout_id, receipt.partner_id
            """,
            now,
            (now + timedelta(days=REMIND_DAYS + 1)).date(),
            REMIND_DAYS,
        )
        for row in rows:
            await _tell("receipt.reminder", row["program_id"], row["payout_id"], row["partner_id"])
    return len(rows)


def blocked_from(due: date) -> date:
    """The first day on which a missing receipt stops requests."""
    return due + timedelta(days=1)


async def _decide(
    program_id: int, payout_id: int, user_id: int, before: str, after: str, reason: str
) -> None:
    if not reason.strip():
        raise DomainError("Say why: the partner reads it.", code="reason_missing")
    async with db.transaction():
        row = await db.fetchrow(
            """
            SELECT receipt.state, receipt.partner_id, partner.user_id FROM payout_receipts AS receipt
            JOIN partners AS partner ON partner.id = receipt.partner_id
            WHERE receipt.payout_id = $1 AND receipt.program_id = $2
            FOR UPDATE OF receipt
            """,
            payout_id,
            program_id,
        )
        if row is None:
            raise NotFound
        if row["user_id"] == user_id:
            raise DomainError(
                "This is your own receipt: somebody else must decide on it.", code="own_receipt"
            )
        if row["state"] != before:
            raise DomainError("The receipt has changed meanwhile. Look at it again.", code="receipt_state")
        await db.execute(
            "UPDATE payout_receipts SET state = $2, refusal = $3, given_at = NULL, url = '', paper_id = NULL "
            "WHERE payout_id = $1",
            payout_id,
            after,
            reason.strip()[:500],
        )
        action = "receipt.refused" if after == "missing" else "receipt.waived"
        await audit.write_in_transaction(
            action, f"payout:{payout_id}", program_id=program_id, user_id=user_id, reason=reason.strip()
        )
        await _tell(action, program_id, payout_id, row["partner_id"])


async def _tell(kind: str, program_id: int, payout_id: int, partner_id: int) -> None:
    payload = {"payout_id": payout_id, "partner_id": partner_id}
    await events.emit_in_transaction([events.NewEvent(kind, program_id, f"payout:{payout_id}", payload)])


_TAXPAYER = """
SELECT coalesce(
    (SELECT nullif(given.tax_number, '') FROM requisites AS given
     WHERE given.partner_id = $1 AND given.superseded_at IS NULL),
    (SELECT application.tax_number FROM partner_applications AS application
     WHERE application.partner_id = $1 ORDER BY application.id DESC LIMIT 1),
    ''
) AS tax_number
"""
"""A partner's tax number; empty: nobody knows it."""

_SAME = """
SELECT $1::bigint AS id
UNION
SELECT given.partner_id FROM requisites AS given JOIN taxpayer ON taxpayer.tax_number = given.tax_number
WHERE taxpayer.tax_number <> '' AND given.partner_id IS NOT NULL AND given.superseded_at IS NULL
UNION
SELECT application.partner_id FROM partner_applications AS application
JOIN taxpayer ON taxpayer.tax_number = application.tax_number
WHERE taxpayer.tax_number <> ''
"""
"""He and his memberships in other programs, told by the tax number; one who has since become a sole trader counts not."""
