"""Commissions by hand: given or taken with a reason, by somebody who answers for it (rules.md §8 `adjustment`).

A positive one is available at once, after it has repaid debt; where the terms pay by deposit it is due at once and
stands in the deposit's queue like every other commission. A negative one takes from available, then makes debt (§16
"Release"); it touches neither pending money nor money inside a payout request.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app import clock, db
from app.commissions.deposit import sent_before, settle_due
from app.commissions.partner_state import load_purses
from app.errors import DomainError, FieldError, NotFound, invalid
from app.events.service import NewEvent, emit_in_transaction
from app.ledger.service import Entry, book_in_transaction
from app.orders.service import next_ids
from app.programs.queries import terms_in_force
from app.rules.effects import Posting
from app.rules.postings import Purse, accrue, adjust
from app.rules.state import State
from app.stats.service import Delta, add_in_transaction
from app.users import audit

AMOUNT_MAX = 10**15
REASON_MAX = 500
FORM_LOCK = 0x61646A73
"""First key of the advisory lock on a form that adjusts; the second is made of the form's id."""


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """What is given (above zero) or taken (below)."""

    partner_id: int
    amount_minor: int
    reason: str
    """The partner reads it."""


async def adjust_partner(
    program_id: int, new: NewAdjustment, *, action_id: str, author_id: int | None = None
) -> int:
    """Give or take; the commission's id. The same `action_id` again is the same adjustment.

    NotFound: the partner is another program's. Refused (422): no amount, no reason, one's own account.
    """
    reason = new.reason.strip()
    if not new.amount_minor or abs(new.amount_minor) > AMOUNT_MAX:
        raise invalid(FieldError("amount", "out_of_range", "Enter an amount other than zero."))
    if not reason or len(reason) > REASON_MAX:
        raise invalid(
            FieldError("reason", "required", "Say why, in at most 500 characters: the partner reads it.")
        )
    now = clock.now()
    terms = (await terms_in_force(program_id, now)).terms
    by_deposit = terms.payout.by_deposit and new.amount_minor > 0
    async with db.transaction():
        known = await _known(program_id, new, action_id, author_id)
        if known is not None:
            return known
        commission_id = (await next_ids("commissions", 1))[0]
        pending = new.amount_minor if by_deposit else 0
        postings = await _postings(program_id, new, by_deposit=by_deposit)
        await _write(program_id, commission_id, new, pending, now)
        entry = Entry("adjustment", f"adjustment:{action_id}", now, postings, reason)
        entry_id = (await book_in_transaction(program_id, [entry]))[0]
        await _write_history(program_id, commission_id, new, entry_id, (action_id, author_id))
        await _count(program_id, new, now, terms.zone)
        await audit.write_in_transaction(
            "partner.adjusted",
            f"partner:{new.partner_id}",
            program_id=program_id,
            user_id=author_id,
            reason=f"{new.amount_minor} {reason}",
        )
        payload = {
            "partner_id": new.partner_id,
            "order_id": None,
            "amount_minor": new.amount_minor,
            "reason": reason,
        }
        await emit_in_transaction(
            [NewEvent("commission.adjusted", program_id, f"partner:{new.partner_id}", payload, now)]
        )
    if by_deposit:
        # A transaction of its own: the deposit's lock comes before those of orders and partners.
        await settle_due(program_id, now)
    return commission_id


async def _known(program_id: int, new: NewAdjustment, action_id: str, author_id: int | None) -> int | None:
    """Lock form and partner; the commission that this very form made before, if it did.

    Conflict where the form comes again with other values: nothing of them would be booked.
    """
    await db.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", FORM_LOCK, f"{program_id} {action_id}")
    partner = await db.fetchrow(
        "SELECT state, user_id FROM partners WHERE id = $1 AND program_id = $2 FOR NO KEY UPDATE",
        new.partner_id,
        program_id,
    )
    if partner is None or partner["state"] in ("applied", "rejected"):
        raise NotFound("There is no such partner.")
    if author_id is not None and partner["user_id"] == author_id:
        raise DomainError("This is your own account: somebody else must adjust it.", code="own_account")
    found = await db.fetchrow(
        "SELECT commission_id, partner_id, amount_minor FROM adjustments WHERE program_id = $1 AND action_id = $2",
        program_id,
        action_id,
    )
    if found is None:
        return None
    if (found["partner_id"], found["amount_minor"]) != (new.partner_id, new.amount_minor):
        raise sent_before()
    return int(found["commission_id"])


async def _postings(program_id: int, new: NewAdjustment, *, by_deposit: bool) -> tuple[Posting, ...]:
    if by_deposit:
        return accrue(new.partner_id, new.amount_minor)
    state = State()
    await load_purses(state, program_id, [new.partner_id])
    return adjust(Purse(new.partner_id, state.partners[new.partner_id].balances), new.amount_minor)


async def _write(
    program_id: int, commission_id: int, new: NewAdjustment, pending: int, now: datetime
) -> None:
    await db.execute(
        """
        INSERT INTO commissions (id, program_id, partner_id, kind, tier, state, settle, base_minor, accrued_minor,
            amount_minor, pending_minor, level, earned_at, release_at, released_at)
        VALUES ($1, $2, $3, 'adjustment', 0, CASE WHEN $5::bigint > 0 THEN 'pending' ELSE 'available' END,
            CASE WHEN $5::bigint > 0 THEN 'deposit' ELSE 'merchant' END, 0, $4, $4, $5, '', $6, $6,
            CASE WHEN $5::bigint > 0 THEN NULL ELSE $6::timestamptz END)
        """,
        commission_id,
        program_id,
        new.partner_id,
        new.amount_minor,
        pending,
        now,
    )


async def _write_history(
    program_id: int,
    commission_id: int,
    new: NewAdjustment,
    entry_id: int | None,
    done: tuple[str, int | None],
) -> None:
    """The entry of the commission and the adjustment itself; `done`: the form's id and who sent it."""
    now = clock.now()
    await db.execute(
        """
        INSERT INTO commission_entries (commission_id, program_id, partner_id, kind, tier, cause, cause_ref, at,
            base_minor, amount_minor, entry_id)
        VALUES ($1, $2, $3, 'adjustment', 0, 'adjust', '', $4, 0, $5, $6)
        """,
        commission_id,
        program_id,
        new.partner_id,
        now,
        new.amount_minor,
        entry_id,
    )
    await db.execute(
        """
        INSERT INTO adjustments
            (program_id, partner_id, commission_id, amount_minor, reason, author_id, action_id, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        program_id,
        new.partner_id,
        commission_id,
        new.amount_minor,
        new.reason.strip(),
        done[1],
        done[0],
        now,
    )


async def _count(program_id: int, new: NewAdjustment, now: datetime, zone: ZoneInfo) -> None:
    day = now.astimezone(zone).date()
    delta = Delta(new.partner_id, 0, day, earned_minor=new.amount_minor)
    await add_in_transaction(program_id, [delta])
