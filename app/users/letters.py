"""Letters with one-time links. The row of the link is the queue; its token is made when the letter is."""

from datetime import timedelta

import structlog
from aiosmtplib import SMTPException

from app import clock, db, mail
from app.users import service, sessions

BATCH = 20
TRY_AGAIN_AFTER = timedelta(minutes=2)

log = structlog.get_logger(__name__)


async def send_due() -> int:
    """Send up to `BATCH` due letters; how many went out. Any number may run at a time, and again after a crash."""
    sent = 0
    for link_id, purpose, email, locale, token in await _claim():
        try:
            await mail.send(
                "sign_in_link",
                email,
                locale=locale,
                url=service.link_url(purpose, token),
                minutes=int(service.LIVES[purpose].total_seconds() // 60),
                program_name="Tandem",
            )
        except (OSError, SMTPException) as error:
            # The lease runs out and the next sweep tries again, with a new token.
            log.warning("letter.failed", link=link_id, error=type(error).__name__)
            continue
        await db.execute("UPDATE user_one_time_links SET mail_due_at = NULL WHERE id = $1", link_id)
        sent += 1
    return sent


async def _claim() -> list[tuple[int, service.Purpose, str, str, str]]:
    """Due links, each with the token that it now has. Those too old to be of use are left alone."""
    now = clock.now()
    claimed = []
    async with db.transaction():
        rows = await db.fetch(
            """
            SELECT l.id, l.purpose, u.email, u.locale
              FROM user_one_time_links l JOIN users u ON u.id = l.user_id
             WHERE l.mail_due_at <= $1 AND l.used_at IS NULL AND l.expires_at > $1
             ORDER BY l.mail_due_at, l.id
             LIMIT $2
               FOR UPDATE OF l SKIP LOCKED
            """,
            now,
            BATCH,
        )
        for row in rows:
            token = sessions.new_token()
            await db.execute(
                "UPDATE user_one_time_links SET token_digest = $2, mail_due_at = $3 WHERE id = $1",
                row["id"],
                sessions.digest(token),
                now + TRY_AGAIN_AFTER,
            )
            claimed.append((row["id"], service.Purpose(row["purpose"]), row["email"], row["locale"], token))
    return claimed
