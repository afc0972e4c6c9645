"""The difference between what is owed and what is recorded, as changes, postings, turnover, levels and notices."""

from collections.abc import Sequence
from datetime import datetime

from app.rules.commission import Part, PartKey, direct_amounts, parts_of
from app.rules.effects import (
    CommissionChange,
    CommissionKind,
    Effects,
    LevelChange,
    Notice,
    NoticeKind,
    Posting,
    TurnoverEntry,
)
from app.rules.facts import Cause, Order
from app.rules.judgement import Judgement
from app.rules.levels import changes_by_entries, level_notice
from app.rules.money import split_by_weights
from app.rules.periods import month_index
from app.rules.postings import Purse, accrue, release_moment
from app.rules.state import CommissionKey, CommissionRecord, CustomerOrder, OrderRecord, State
from app.rules.terms import Terms

DIRECT = CommissionKind.DIRECT
NOTHING = Part(0, 0, 0)
NO_COMMISSION = CommissionRecord(0, 0, 0)


class Booking:
    """Gathers the steps that one fact leads to. `parts` and `commissions` are always as after the last step."""

    __slots__ = (
        "changes",
        "commissions",
        "judgement",
        "order",
        "parts",
        "postings",
        "purses",
        "state",
        "terms",
        "turnover",
    )

    def __init__(
        self,
        state: State,
        order: Order,
        terms: Terms,
        judgement: Judgement,
        parts: dict[PartKey, Part] | None = None,
        record: OrderRecord | None = None,
    ) -> None:
        self.state = state
        self.order = order
        self.terms = terms
        self.judgement = judgement
        self.parts = parts or {}
        self.commissions: dict[CommissionKey, CommissionRecord] = dict(record.commissions) if record else {}
        self.changes: list[CommissionChange] = []
        self.turnover: list[TurnoverEntry] = []
        self.postings: list[Posting] = []
        self.purses: dict[int, Purse] = {}

    def step(self, remaining: Sequence[int], at: datetime, cause: Cause, cause_ref: str) -> None:
        """Book the difference between what is owed on what remains and what is booked so far.

        Every credited partner gets a change for his own commission when it is first stored and at each refund,
        also one of 0; other changes are only written where money or base moves.
        """
        shares = self.judgement.shares
        directs = direct_amounts(remaining, shares, self.terms.round_per)
        after = parts_of(shares, directs, tier_per_child=self.terms.tier_per_child)
        for key, part in self.parts.items():
            if key not in after:
                after[key] = Part(0, 0, part.rate_ppm)
        month = month_index(at, self.terms.zone)
        for key, new in after.items():
            old = self.parts.get(key)
            is_direct = key.kind is DIRECT
            if old is None:
                old = NOTHING
            elif old == new and not (is_direct and cause is Cause.REFUND):
                continue
            self._book(key, old, new, at, cause, cause_ref)
            if is_direct and new.base_minor != old.base_minor:
                delta = new.base_minor - old.base_minor
                self.turnover.append(TurnoverEntry(key.partner_id, at, month, delta))
        self.parts = after

    def move_turnover(self, base_minor: int, since: datetime, until: datetime, cause_ref: str) -> None:
        """So much base (below zero) belongs to `since`, not to `until`, where it was booked; no money moves."""
        weights = [share.weight for share in self.judgement.shares]
        if not base_minor or not weights:
            return
        for share, part in zip(self.judgement.shares, split_by_weights(-base_minor, weights), strict=True):
            key = PartKey(share.partner_id, DIRECT, 0, None)
            held = self.parts.get(key, NOTHING)
            if not part:
                continue
            less = held._replace(base_minor=held.base_minor - part)
            for old, new, at, cause in (
                (held, less, since, Cause.REFUND),
                (less, held, until, Cause.CANCELLED),
            ):
                self._book(key, old, new, at, cause, cause_ref)
                delta = new.base_minor - old.base_minor
                month = month_index(at, self.terms.zone)
                self.turnover.append(TurnoverEntry(share.partner_id, at, month, delta))

    def _book(self, key: PartKey, old: Part, new: Part, at: datetime, cause: Cause, cause_ref: str) -> None:
        """One part's change, its postings, and the commission it belongs to."""
        commission_key = (key.partner_id, key.kind, key.tier)
        commission = self.commissions.get(commission_key, NO_COMMISSION)
        delta = new.amount_minor - old.amount_minor
        postings: tuple[Posting, ...] = ()
        pending = commission.pending_minor
        if delta > 0:
            postings = accrue(key.partner_id, delta)
            pending += delta
        elif delta < 0:
            postings = self._purse(key.partner_id).claw_back(-delta, pending)
            pending -= min(-delta, pending)
        self.postings.extend(postings)
        amount = commission.amount_minor + delta
        assert amount >= 0, "a commission never goes below zero"
        self.commissions[commission_key] = CommissionRecord(
            commission.base_minor + new.base_minor - old.base_minor, amount, pending
        )
        self.changes.append(
            CommissionChange(
                self.order.order_id,
                key.partner_id,
                key.kind,
                key.tier,
                key.from_partner,
                at,
                cause,
                cause_ref,
                new.rate_ppm,
                old.base_minor,
                new.base_minor,
                old.amount_minor,
                new.amount_minor,
                postings,
            )
        )

    def _purse(self, partner_id: int) -> Purse:
        purse = self.purses.get(partner_id)
        if purse is None:
            purse = self.purses[partner_id] = Purse(partner_id, self.state.partners[partner_id].balances)
        return purse

    def effects(self, *, decided: bool) -> Effects:
        """All that was gathered, with the levels that the turnover leads to and what partners are told."""
        release_at = release_moment(self.order.state, self.terms.hold)
        levels = self._levels()
        return Effects(
            order_id=self.order.order_id,
            judgement=self.judgement if decided else None,
            record=OrderRecord(self.judgement, self.commissions, release_at),
            changes=tuple(self.changes),
            turnover=tuple(self.turnover),
            levels=levels,
            postings=tuple(self.postings),
            bound=self._bound() if decided else None,
            notices=self._notices(levels),
        )

    def _bound(self) -> tuple[str, CustomerOrder] | None:
        """Whose order this is and who is credited for it; None: no known customer, or nobody."""
        state, shares = self.order.state, self.judgement.shares
        if state.customer_id is None or not shares:
            return None
        credits = tuple((share.partner_id, share.weight) for share in shares)
        return state.customer_id, CustomerOrder(self.order.order_id, state.placed_at, credits)

    def _levels(self) -> tuple[LevelChange, ...]:
        """Where levels follow every order, those of the partners whose turnover moved; else midnight does it."""
        if not self.turnover:
            return ()
        version = self.state.terms[-1] if len(self.state.terms) == 1 else None
        at = max(entry.at for entry in self.turnover)
        version = version or self.state.version_at(at)
        terms = version.terms if version is not None else self.terms
        if terms.levels_policy.recalculate != "on_paid" or len(terms.levels) == 1:
            return ()
        changes: list[LevelChange] = []
        for partner_id in dict.fromkeys(entry.partner_id for entry in self.turnover):
            more = tuple(entry for entry in self.turnover if entry.partner_id == partner_id)
            changes.extend(changes_by_entries(self.state.partners[partner_id], terms, more))
        return tuple(changes)

    def _notices(self, levels: tuple[LevelChange, ...]) -> tuple[Notice, ...]:
        """One notice per commission that moved by this fact, and one per level change."""
        if not self.changes:
            return ()
        moved: dict[CommissionKey, int] = {}
        for change in self.changes:
            key = (change.partner_id, change.kind, change.tier)
            moved[key] = moved.get(key, 0) + change.amount_after_minor - change.amount_before_minor
        at = self.changes[-1].at
        notices = []
        for (partner_id, _kind, _tier), amount in moved.items():
            if amount:
                kind = NoticeKind.COMMISSION_CREATED if amount > 0 else NoticeKind.COMMISSION_CLAWED_BACK
                notices.append(Notice(kind, partner_id, at, self.order.order_id, abs(amount)))
        notices.extend(level_notice(change) for change in levels)
        return tuple(notices)
