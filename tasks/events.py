"""The outbox's task, and which slices listen to which events."""

from typing import Any

from app.commissions import notices as commissions
from app.events import service
from app.partners import notices as partners
from app.payouts import notices as payouts
from app.reports import nightly


async def work_off_events(_ctx: dict[Any, Any]) -> int:
    """Work off what has happened. Woken after each commit that emits events, swept every 30 s."""
    return await service.work_off()


def register_handlers() -> None:
    """Tell the outbox who is called for which kind. Handlers live in higher slices than the outbox does."""
    for slice_ in (partners, commissions, payouts, nightly):
        for kind, handler in slice_.HANDLERS.items():
            service.register(kind, handler)


register_handlers()
