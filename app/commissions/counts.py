"""What a batch of judged orders adds to the daily counts: orders, base and earnings, on the links that brought them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app import db
from app.rules.effects import CommissionKind
from app.rules.facts import Cause
from app.rules.judgement import Judgement, Source, Verdict
from app.stats import service as stats
from app.stats.service import Delta

if TYPE_CHECKING:
    from app.commissions.writes import Written


def add_counts(inserts: db.Inserts, written: "Written") -> None:
    """Orders by the day of payment, base and earnings by the day of each change, in the program's zone."""
    links = {
        click.click_id: click.link_id for chain in written.loaded.state.clicks.values() for click in chain
    }
    deltas = []
    for _, change in written.changes:
        direct = change.kind is CommissionKind.DIRECT
        first = direct and change.cause is Cause.PAID
        judgement = written.records[change.order_id].judgement
        deltas.append(
            Delta(
                change.partner_id,
                link_of(judgement, change.partner_id, links) if direct else 0,
                change.at.astimezone(written.zone).date(),
                orders=1 if first else 0,
                base_minor=change.base_delta_minor if direct else 0,
                earned_minor=change.amount_delta_minor,
            )
        )
    stats.add_counts(inserts, written.program_id, deltas)


def link_of(judgement: Judgement, partner_id: int, links: Mapping[str, int | None]) -> int:
    """The link of the partner's last click that counted; 0: a promo code or a person named him.

    `links`: by click. The clicks of an order's window are loaded with every fact of it, so what a refund takes back
    it takes from the link that got it.
    """
    for item in reversed(judgement.considered):
        counted = item.source is Source.CLICK and item.verdict is Verdict.COUNTED
        if counted and item.partner_id == partner_id:
            return links.get(item.ref) or 0
    return 0
