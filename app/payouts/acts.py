"""Acts of work performed: made with the approval, signed by the partner before the payment (rules.md §12).

    made ⇄ scanned → signed          made: the partner accepts online (→ signed) or hands in a scan (→ scanned),
      └───────┴─────────┴→ cancelled  which staff approve (→ signed) or refuse with a reason (→ made)

"Legal entities" are companies and sole traders here: both sell services under a contract and sign acts for them.
Persons and the self-employed do not; the self-employed give a receipt afterwards (`receipts.py`).

A number is taken from the row of (program, year) that stays locked until the approval is committed: a roll-back gives
it back, two approvals at once wait for each other, so there are no gaps and no doubles. An act that is cancelled
(its payout was rejected or came back from the bank, or it was made anew) keeps its number.

What stands in the act is stored in the same transaction. Its PDF follows from that alone and takes a moment, so it
is typeset after the commit, stored once and never again; what was accepted is told by its SHA-256.

Locks: the partner, then the act, the counter of numbers last.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec

from app import clock, db, queue
from app.errors import DomainError, FieldError, NotFound, Unavailable, message_id
from app.events import service as events
from app.ledger import service as ledger
from app.payouts import queries, requisites
from app.payouts.act_documents import ActFacts, act_document
from app.payouts.decisions import SIGNS_ACTS, payable_minor
from app.payouts.typesetting import typeset
from app.payouts.uploads import Upload, store_in_transaction
from app.programs.queries import terms_in_force
from app.users import audit

TASK = "typeset_acts"


@dataclass(frozen=True, slots=True)
class Locked:
    """An act with its partner and itself locked."""

    id: int
    payout_id: int
    partner_id: int
    partner_user_id: int | None
    year: int
    number: int
    state: str
    paper_id: int | None
    scan_id: int | None
    payout_state: str
    payout_minor: int


async def make_in_transaction(
    program_id: int, payout_id: int, *, amount_minor: int | None = None
) -> int | None:
    """The payout's act with the next number; None where its partner signs none. Its id.

    `amount_minor` None: what was asked for.
    """
    payout = await db.fetchrow(
        """
        SELECT payout.partner_id, payout.number, payout.requested_minor, partner.kind, partner.joined_at, partner.created_at
        FROM payouts AS payout JOIN partners AS partner ON partner.id = payout.partner_id
        WHERE payout.id = $1 AND payout.program_id = $2
        """,
        payout_id,
        program_id,
    )
    assert payout is not None, "an act of a payout that does not exist"
    if payout["kind"] not in SIGNS_ACTS:
        return None
    now = clock.now()
    published = await terms_in_force(program_id, now)
    today = now.astimezone(published.terms.zone).date()
    joined = (payout["joined_at"] or payout["created_at"]).astimezone(published.terms.zone).date()
    customer = await requisites.of_program(program_id)
    performer = await requisites.of_partner(payout["partner_id"])
    period_from = await _period_from(payout["partner_id"], joined, today)
    facts = ActFacts(
        number=await _next_number(program_id, today.year),
        drawn_on=today,
        period_from=period_from,
        period_to=today,
        amount_minor=amount_minor or payout["requested_minor"],
        currency=published.terms.currency,
        program_name=await _program_name(program_id),
        terms_version=published.number,
        payout_number=payout["number"],
        company=payout["kind"] == "company",
    )
    act_id = await _insert(
        program_id, payout["partner_id"], payout_id, facts, act_document(facts, customer, performer)
    )
    await tell_in_transaction("act.made", program_id, act_id, payout["partner_id"])
    db.after_commit(_wake)
    return act_id


async def unsigned(payout_ids: Sequence[int]) -> frozenset[int]:
    """Those of the payouts whose act nobody has signed yet. Read under the partner's lock it stays true."""
    rows = await db.fetch(
        "SELECT payout_id FROM payout_acts WHERE payout_id = ANY($1::bigint[]) AND state IN ('made', 'scanned')",
        list(payout_ids),
    )
    return frozenset(row["payout_id"] for row in rows)


async def cancel_in_transaction(program_id: int, payout_id: int, *, reason: str) -> None:
    """Cancel the payout's act, if it has one: the payout was rejected or came back. Its number stays used."""
    row = await db.fetchrow(
        """
        UPDATE payout_acts SET state = 'cancelled', cancelled_at = $2, cancel_reason = $3
        WHERE payout_id = $1 AND state <> 'cancelled'
        RETURNING id, partner_id
        """,
        payout_id,
        clock.now(),
        reason.strip()[:500],
    )
    if row is not None:
        await tell_in_transaction("act.cancelled", program_id, row["id"], row["partner_id"])


async def renew(program_id: int, act_id: int, *, user_id: int, reason: str) -> int:
    """Cancel an act of an approved payout and make it anew under the next number; the new one's id.

    For wrong details, or when a refund has cut what will be paid: the new act is about what can be paid now.
    """
    if not reason.strip():
        raise wrong("reason", "required", message_id("Say why the act is made anew: the partner reads it."))
    async with db.transaction():
        act = await lock_in_transaction(program_id, act_id)
        if act.state == "cancelled" or act.payout_state != "approved":
            raise DomainError("Only the act of an approved, unpaid payout is made anew.", code="act_state")
        await cancel_in_transaction(program_id, act.payout_id, reason=reason)
        made = await make_in_transaction(program_id, act.payout_id, amount_minor=await _payable_minor(act))
        if made is None:
            raise DomainError("The partner is no company or sole trader any more.", code="act_state")
        await audit_in_transaction("act.renewed", act, program_id, user_id, reason=reason)
    return made


async def _payable_minor(act: Locked) -> int:
    """What could be paid of the act's payout at this moment (`decisions.py`)."""
    balances = await ledger.lock_balances_in_transaction([act.partner_id])
    sent = await queries.sent_minor([act.partner_id])
    amount = payable_minor(act.payout_minor, balances[act.partner_id], sent[act.partner_id])
    if not amount:
        raise DomainError(
            "Refunds have left nothing to pay: an act about nothing is not made.", code="act_state"
        )
    return amount


async def typeset_act(act_id: int) -> int:
    """The id of the act's PDF, made and stored if that has not happened yet. Unavailable when typst does not answer."""
    row = await db.fetchrow(
        "SELECT program_id, partner_id, paper_id, document, made_at FROM payout_acts WHERE id = $1", act_id
    )
    if row is None:
        raise NotFound
    if row["paper_id"] is not None:
        return int(row["paper_id"])
    made = await typeset("act", msgspec.json.decode(row["document"]), row["made_at"])
    upload = Upload("application/pdf", made)
    async with db.transaction():
        # Two that typeset at the same time made the same bytes; the first one's row is the act's.
        await db.execute("SELECT id FROM payout_acts WHERE id = $1 FOR UPDATE", act_id)
        known = await db.fetchval("SELECT paper_id FROM payout_acts WHERE id = $1", act_id)
        if known is not None:
            return int(known)
        paper_id = await store_in_transaction(
            row["program_id"], row["partner_id"], "act", upload, user_id=None
        )
        await db.execute("UPDATE payout_acts SET paper_id = $2 WHERE id = $1", act_id, paper_id)
    return paper_id


async def typeset_waiting(limit: int = 50) -> int:
    """Typeset acts that have no PDF yet, the oldest first; how many. One that fails is tried again by the next sweep."""
    rows = await db.fetch("SELECT id FROM payout_acts WHERE paper_id IS NULL ORDER BY id LIMIT $1", limit)
    made = 0
    for row in rows:
        with suppress(Unavailable):
            await typeset_act(row["id"])
            made += 1
    return made


async def _next_number(program_id: int, year: int) -> int:
    number: int = await db.fetchval(
        """
        INSERT INTO payout_act_numbers AS given (program_id, year, last) VALUES ($1, $2, 1)
        ON CONFLICT (program_id, year) DO UPDATE SET last = given.last + 1
        RETURNING last
        """,
        program_id,
        year,
    )
    return number


async def _period_from(partner_id: int, joined: date, today: date) -> date:
    """The day after the last valid act's period, or the day he joined; a second act of a day is about that day."""
    last = await db.fetchval(
        "SELECT max(period_to) FROM payout_acts WHERE partner_id = $1 AND state <> 'cancelled'", partner_id
    )
    return min(today, last + timedelta(days=1) if last is not None else joined)


async def _program_name(program_id: int) -> str:
    return str(await db.fetchval("SELECT name FROM programs WHERE id = $1", program_id))


async def _insert(
    program_id: int, partner_id: int, payout_id: int, facts: ActFacts, document: dict[str, object]
) -> int:
    act_id: int = await db.fetchval(
        """
        INSERT INTO payout_acts (program_id, partner_id, payout_id, year, number, drawn_on, period_from, period_to,
            amount_minor, currency, document, state, made_at, scan_refusal, signed_how, signed_ip, signed_sha256,
            cancel_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, 'made', $12, '', '', '', '', '')
        RETURNING id
        """,
        program_id,
        partner_id,
        payout_id,
        facts.drawn_on.year,
        facts.number,
        facts.drawn_on,
        facts.period_from,
        facts.period_to,
        facts.amount_minor,
        facts.currency,
        msgspec.json.encode(document).decode(),
        clock.now(),
    )
    return act_id


async def lock_in_transaction(program_id: int, act_id: int) -> Locked:
    """Lock the act's partner, then the act."""
    partner_id = await db.fetchval(
        "SELECT partner_id FROM payout_acts WHERE id = $1 AND program_id = $2", act_id, program_id
    )
    if partner_id is None:
        raise NotFound
    await db.execute("SELECT id FROM partners WHERE id = $1 FOR NO KEY UPDATE", partner_id)
    row = await db.fetchrow(
        """
        SELECT act.id, act.payout_id, act.partner_id, partner.user_id AS partner_user_id, act.year, act.number,
            act.state, act.paper_id, act.scan_id, payout.state AS payout_state, payout.amount_minor AS payout_minor
        FROM payout_acts AS act
        JOIN partners AS partner ON partner.id = act.partner_id
        JOIN payouts AS payout ON payout.id = act.payout_id
        WHERE act.id = $1
        FOR UPDATE OF act
        """,
        act_id,
    )
    assert row is not None, "acts are never deleted"
    return Locked(**dict(row))


def wrong(field: str, code: str, message: str) -> DomainError:
    return DomainError(message, code=code, fields=[FieldError(field, code, message)])


async def audit_in_transaction(
    action: str, act: Locked, program_id: int, user_id: int, *, reason: str
) -> None:
    await audit.write_in_transaction(
        action, f"act:{act.id}", program_id=program_id, user_id=user_id, reason=reason
    )


async def tell_in_transaction(kind: str, program_id: int, act_id: int, partner_id: int) -> None:
    payload = {"act_id": act_id, "partner_id": partner_id}
    await events.emit_in_transaction([events.NewEvent(kind, program_id, f"act:{act_id}", payload)])


async def _wake() -> None:
    await queue.wake(TASK)
