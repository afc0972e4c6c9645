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
from hashlib import sha256

import msgspec

from app import clock, db, queue
from app.errors import DomainError, FieldError, NotFound, Unavailable
from app.events import service as events
from app.payouts import requisites
from app.payouts.act_documents import ActFacts, act_document
from app.payouts.typesetting import typeset
from app.payouts.uploads import Upload
from app.programs.queries import terms_in_force
from app.users import audit

LEGAL_ENTITIES = frozenset({"company", "sole_trader"})
"""Kinds of partners whose payouts have acts."""

TASK = "typeset_acts"


@dataclass(frozen=True, slots=True)
class _Locked:
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
    if payout["kind"] not in LEGAL_ENTITIES:
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
    await _tell("act.made", program_id, act_id, payout["partner_id"])
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
        await _tell("act.cancelled", program_id, row["id"], row["partner_id"])


async def renew(program_id: int, act_id: int, *, user_id: int, reason: str, amount_minor: int | None) -> int:
    """Cancel an act of an approved payout and make it anew under the next number; the new one's id.

    For wrong details, or an amount (`amount_minor`; None: as asked for) that a refund has cut since.
    """
    if not reason.strip():
        raise _wrong("reason", "required", "Say why the act is made anew: the partner reads it.")
    async with db.transaction():
        act = await _lock(program_id, act_id)
        if act.state == "cancelled" or act.payout_state != "approved":
            raise DomainError("Only the act of an approved, unpaid payout is made anew.", code="act_state")
        await cancel_in_transaction(program_id, act.payout_id, reason=reason)
        made = await make_in_transaction(program_id, act.payout_id, amount_minor=amount_minor)
        if made is None:
            raise DomainError("The partner is no company or sole trader any more.", code="act_state")
        await _audit("act.renewed", act, program_id, user_id, reason=reason)
    return made


async def accept(program_id: int, act_id: int, *, user_id: int, ip: str, digest: str) -> None:
    """The partner accepts the PDF with this digest. Once is enough: a second time changes nothing."""
    async with db.transaction():
        act = await _lock(program_id, act_id)
        if act.state == "signed":
            return
        if act.state == "cancelled":
            raise _cancelled(act)
        known = await db.fetchval("SELECT sha256 FROM papers WHERE id = $1", act.paper_id)
        if known is None or known != digest:
            raise DomainError(
                "The act has changed since you opened it. Read it again and accept what it says now.",
                code="act_changed",
            )
        await _sign(act, how="online", user_id=user_id, ip=ip, digest=known)
        await _audit("act.accepted", act, program_id, user_id, reason=f"sha256 {known}")
        await _tell("act.signed", program_id, act_id, act.partner_id)


async def hand_in_scan(program_id: int, act_id: int, *, user_id: int, upload: Upload) -> None:
    """The partner's scan of the signed act; until staff have approved it, another one may take its place."""
    async with db.transaction():
        act = await _lock(program_id, act_id)
        if act.state == "cancelled":
            raise _cancelled(act)
        if act.state == "signed":
            raise DomainError("This act is signed already: nothing more is needed.", code="act_signed")
        paper_id = await store_in_transaction(program_id, act.partner_id, "scan", upload, user_id=user_id)
        await db.execute(
            "UPDATE payout_acts SET state = 'scanned', scan_id = $2, scan_refusal = '' WHERE id = $1",
            act_id,
            paper_id,
        )
        await _audit("act.scanned", act, program_id, user_id, reason=f"sha256 {upload.sha256}")
        await _tell("act.scanned", program_id, act_id, act.partner_id)


async def approve_scan(program_id: int, act_id: int, *, user_id: int, digest: str) -> None:
    """Staff have read the scan with this digest: the act is signed."""
    async with db.transaction():
        act = await _lock_scanned(program_id, act_id, user_id)
        known = await db.fetchval("SELECT sha256 FROM papers WHERE id = $1", act.scan_id)
        if known != digest:
            raise DomainError(
                "The partner has handed in another scan meanwhile. Look at it first.", code="act_changed"
            )
        await _sign(act, how="scan", user_id=user_id, ip="", digest=known)
        await _audit("act.scan_approved", act, program_id, user_id, reason=f"sha256 {known}")
        await _tell("act.signed", program_id, act_id, act.partner_id)


async def refuse_scan(program_id: int, act_id: int, *, user_id: int, reason: str) -> None:
    """The scan is not what is needed; the partner reads why and hands in another one."""
    if not reason.strip():
        raise _wrong("reason", "required", "Say what is wrong with the scan: the partner reads it.")
    async with db.transaction():
        act = await _lock_scanned(program_id, act_id, user_id)
        await db.execute(
            "UPDATE payout_acts SET state = 'made', scan_refusal = $2 WHERE id = $1",
            act_id,
            reason.strip()[:500],
        )
        await _audit("act.scan_refused", act, program_id, user_id, reason=reason.strip())
        await _tell("act.scan_refused", program_id, act_id, act.partner_id)


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


async def store_in_transaction(
    program_id: int, partner_id: int, kind: str, upload: Upload, *, user_id: int | None
) -> int:
    """Keep a file for ever; its id."""
    stored: int = await db.fetchval(
        """
        INSERT INTO papers (program_id, partner_id, kind, media_type, sha256, size, content, made_at, made_by_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING id
        """,
        program_id,
        partner_id,
        kind,
        upload.media_type,
        sha256(upload.content).hexdigest(),
        len(upload.content),
        upload.content,
        clock.now(),
        user_id,
    )
    return stored


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


async def _lock(program_id: int, act_id: int) -> _Locked:
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
            act.state, act.paper_id, act.scan_id, payout.state AS payout_state
        FROM payout_acts AS act
        JOIN partners AS partner ON partner.id = act.partner_id
        JOIN payouts AS payout ON payout.id = act.payout_id
        WHERE act.id = $1
        FOR UPDATE OF act
        """,
        act_id,
    )
    assert row is not None, "acts are never deleted"
    return _Locked(**dict(row))


async def _lock_scanned(program_id: int, act_id: int, user_id: int) -> _Locked:
    act = await _lock(program_id, act_id)
    if act.partner_user_id == user_id:
        raise DomainError("This is your own act: somebody else must look at the scan.", code="own_act")
    if act.state != "scanned":
        raise DomainError("There is no scan of this act to decide about.", code="act_state")
    return act


async def _sign(act: _Locked, *, how: str, user_id: int, ip: str, digest: str) -> None:
    tag = await db.execute(
        """
        UPDATE payout_acts SET state = 'signed', signed_at = $2, signed_how = $3, signed_by_id = $4, signed_ip = $5,
            signed_sha256 = $6, scan_refusal = ''
        WHERE id = $1 AND state IN ('made', 'scanned')
        """,
        act.id,
        clock.now(),
        how,
        user_id,
        ip[:45],
        digest,
    )
    assert tag == "UPDATE 1", "a locked act changed its state"


def _cancelled(act: _Locked) -> DomainError:
    return DomainError(
        "The act no. %(number)s of %(year)s is cancelled.",
        code="act_cancelled",
        number=act.number,
        year=act.year,
    )


def _wrong(field: str, code: str, message: str) -> DomainError:
    return DomainError(message, code=code, fields=[FieldError(field, code, message)])


async def _audit(action: str, act: _Locked, program_id: int, user_id: int, *, reason: str) -> None:
    await audit.write_in_transaction(
        action, f"act:{act.id}", program_id=program_id, user_id=user_id, reason=reason
    )


async def _tell(kind: str, program_id: int, act_id: int, partner_id: int) -> None:
    payload = {"act_id": act_id, "partner_id": partner_id}
    await events.emit_in_transaction([events.NewEvent(kind, program_id, f"act:{act_id}", payload)])


async def _wake() -> None:
    await queue.wake(TASK)
