"""Users' tasks: letters with links, and tidying."""

from typing import Any

from app.users import letters, limits, sessions


async def mail_links(_ctx: dict[Any, Any]) -> int:
    """Send letters with one-time links that are due. Woken by the request for one, swept every 30 s."""
    return await letters.send_due()


async def sweep_tries(_ctx: dict[Any, Any]) -> int:
    """Forget yesterday's tries to sign in, and sessions and links that ended a month ago."""
    return await limits.sweep() + await sessions.sweep()
