"""Papers made by plain statements, for tests that are not about how they come to be."""

from hashlib import sha256

from app import db

PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"


async def write_papers(program_id: int, partner_id: int, payout_id: int) -> int:
    """An act of the payout with its PDF and a scan to be checked, and a receipt given as a file; the act's id."""
    kept = [await _keep(program_id, partner_id, kind) for kind in ("act", "scan", "receipt")]
    act_id: int = await db.fetchval(
        """
        INSERT INTO payout_acts (program_id, partner_id, payout_id, year, number, drawn_on, period_from, period_to,
            amount_minor, currency, document, state, made_at, paper_id, scan_id)
        VALUES ($1, $2, $3, 2026, 1, '2026-11-22', '2026-11-01', '2026-11-22', 100, 'RUB', $6::jsonb, 'scanned',
            now(), $4, $5)
        RETURNING id
        """,
        program_id,
        partner_id,
        payout_id,
        kept[0],
        kept[1],
        """{"title": "Акт", "basis": "", "period": "", "amount_in_words": "", "vat_text": "",
            "customer": {"role": "Заказчик", "name": "Shop"}, "performer": {"role": "Исполнитель", "name": "Alice"}}""",
    )
    await db.execute(
        """
        INSERT INTO payout_receipts (program_id, partner_id, payout_id, amount_minor, currency, year, state, due_on,
            paper_id, given_at)
        VALUES ($1, $2, $3, 100, 'RUB', 2026, 'given', '2026-12-09', $4, now())
        """,
        program_id,
        partner_id,
        payout_id,
        kept[2],
    )
    return act_id


async def _keep(program_id: int, partner_id: int, kind: str) -> int:
    kept: int = await db.fetchval(
        """
        INSERT INTO papers (program_id, partner_id, kind, media_type, sha256, size, content, made_at)
        VALUES ($1, $2, $3, 'application/pdf', $4, $5, $6, now()) RETURNING id
        """,
        program_id,
        partner_id,
        kind,
        sha256(PDF).hexdigest(),
        len(PDF),
        PDF,
    )
    return kept
