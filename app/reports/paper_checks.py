"""Checks of papers: acts, their signatures, stored files: (name, says, sql)."""

from app.ui.i18n import N_

PAPER_CHECKS = (
    (
        "acts_have_no_gaps",
        N_("Acts are numbered 1, 2, 3 … in each program and year, to the last number given"),
        """
        SELECT given.program_id, given.year, given.last, count(act.id) AS acts, max(act.number) AS highest
        FROM payout_act_numbers AS given
        LEFT JOIN payout_acts AS act ON act.program_id = given.program_id AND act.year = given.year
        WHERE ($1::bigint IS NULL OR given.program_id = $1)
        GROUP BY given.id
        HAVING count(act.id) <> given.last OR max(act.number) IS DISTINCT FROM given.last
        """,
    ),
    (
        "paid_payouts_have_signed_acts",
        N_("No payout was paid or sent while its act was not signed"),
        """
        SELECT act.id, act.payout_id, act.state, payout.state AS payout_state FROM payout_acts AS act
        JOIN payouts AS payout ON payout.id = act.payout_id
        WHERE ($1::bigint IS NULL OR act.program_id = $1)
            AND act.state IN ('made', 'scanned') AND payout.state <> 'approved'
        """,
    ),
    (
        "papers_have_their_digest",
        N_("Every stored file has the digest that was written down with it"),
        """
        SELECT id, kind FROM papers
        WHERE ($1::bigint IS NULL OR program_id = $1) AND encode(sha256(content), 'hex') <> sha256
        """,
    ),
    (
        "signatures_are_of_stored_papers",
        N_("What was signed is the act's PDF, or its scan, to the byte"),
        """
        SELECT act.id FROM payout_acts AS act
        LEFT JOIN papers AS paper
            ON paper.id = CASE act.signed_how WHEN 'scan' THEN act.scan_id ELSE act.paper_id END
        WHERE ($1::bigint IS NULL OR act.program_id = $1)
            AND act.signed_how <> '' AND paper.sha256 IS DISTINCT FROM act.signed_sha256
        """,
    ),
)
