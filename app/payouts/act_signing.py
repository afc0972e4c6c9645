"""How acts are signed: accepted online, or by a scan that staff approve (rules.md §12; the states are in `acts.py`)."""

from app import clock, db
from app.errors import DomainError, message_id
from app.payouts.acts import Locked, audit_in_transaction, lock_in_transaction, tell_in_transaction, wrong
from app.payouts.uploads import Upload, store_in_transaction


async def accept(program_id: int, act_id: int, *, user_id: int, ip: str, digest: str) -> None:
    """The partner accepts the PDF with this digest. Once is enough: a second time changes nothing."""
    async with db.transaction():
        act = await lock_in_transaction(program_id, act_id)
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
        await audit_in_transaction("act.accepted", act, program_id, user_id, reason=f"sha256 {known}")
        await tell_in_transaction("act.signed", program_id, act_id, act.partner_id)


async def hand_in_scan(program_id: int, act_id: int, *, user_id: int, upload: Upload) -> None:
    """The partner's scan of the signed act; until staff have approved it, another one may take its place."""
    async with db.transaction():
        act = await lock_in_transaction(program_id, act_id)
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
        await audit_in_transaction("act.scanned", act, program_id, user_id, reason=f"sha256 {upload.sha256}")
        await tell_in_transaction("act.scanned", program_id, act_id, act.partner_id)


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
        await audit_in_transaction("act.scan_approved", act, program_id, user_id, reason=f"sha256 {known}")
        await tell_in_transaction("act.signed", program_id, act_id, act.partner_id)


async def refuse_scan(program_id: int, act_id: int, *, user_id: int, reason: str) -> None:
    """The scan is not what is needed; the partner reads why and hands in another one."""
    if not reason.strip():
        raise wrong(
            "reason", "required", message_id("Say what is wrong with the scan: the partner reads it.")
        )
    async with db.transaction():
        act = await _lock_scanned(program_id, act_id, user_id)
        await db.execute(
            "UPDATE payout_acts SET state = 'made', scan_refusal = $2 WHERE id = $1",
            act_id,
            reason.strip()[:500],
        )
        await audit_in_transaction("act.scan_refused", act, program_id, user_id, reason=reason.strip())
        await tell_in_transaction("act.scan_refused", program_id, act_id, act.partner_id)


async def _lock_scanned(program_id: int, act_id: int, user_id: int) -> Locked:
    act = await lock_in_transaction(program_id, act_id)
    if act.partner_user_id == user_id:
        raise DomainError("This is your own act: somebody else must look at the scan.", code="own_act")
    if act.state != "scanned":
        raise DomainError("There is no scan of this act to decide about.", code="act_state")
    return act


async def _sign(act: Locked, *, how: str, user_id: int, ip: str, digest: str) -> None:
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


def _cancelled(act: Locked) -> DomainError:
    return DomainError(
        "The act no. %(number)s of %(year)s is cancelled.",
        code="act_cancelled",
        number=act.number,
        year=act.year,
    )
