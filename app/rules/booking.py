"""The difference between what is owed and what is recorded, as changes, postings, turnover, levels and notices."""

from collections.abc import Iterable
from datetime import datetime

from app.rules.above import parents_parts, sellers_parts
from app.rules.base import convert, converted
from app.rules.buyers import purchase_of
from app.rules.clawback import Left
from app.rules.commission import Part, PartKey, direct_amounts, parts_of, split_bases, without_waiting
from app.rules.counting import entries_of
from app.rules.effects import (
    CommissionChange,
    CommissionKind,
    Deactivation,
    Effects,
    LevelChange,
    Notice,
    NoticeKind,
    Posting,
    SalesEntry,
    TurnoverEntry,
)
from app.rules.facts import Cause, Order
from app.rules.judgement import Judgement, RateRule
from app.rules.levels import changes_by_entries, level_notice
from app.rules.money import split_by_weights
from app.rules.periods import month_index
from app.rules.postings import Purse, accrue, release_moment
from app.rules.state import CommissionKey, CommissionRecord, CustomerOrder, OrderRecord, PartnerState, State
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
        "only",
        "order",
        "parts",
        "postings",
        "purses",
        "sales",
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
        self.only: frozenset[int] | None = None
        """Of the credited partners, those for whom anything is booked; None: all."""
        self.parts = parts or {}
        self.commissions: dict[CommissionKey, CommissionRecord] = dict(record.commissions) if record else {}
        self.changes: list[CommissionChange] = []
        self.turnover: list[TurnoverEntry] = []
        self.sales: list[SalesEntry] = []
        self.postings: list[Posting] = []
        self.purses: dict[int, Purse] = {}

    def step(self, left: Left, at: datetime, cause: Cause, cause_ref: str) -> None:
        """Book the difference between what is owed on what is left (in the order's currency) and what is booked.

        Every credited partner gets a change for his own commission when it is first stored and at each refund,
        also one of 0; other changes are only written where money, base or pieces move.
        """
        shares, conversion = self.judgement.shares, self.judgement.conversion
        if conversion is not None:
            left = left._replace(
                bases=converted(left.bases, conversion, self.terms.currency),
                platform_minor=convert(left.platform_minor, conversion, self.terms.currency),
            )
        directs = direct_amounts(left, shares, self.terms)
        after = parts_of(*without_waiting(shares, directs), self.terms)
        if self.terms.tiers.of != "earnings":
            bases = [base for base, _ in directs]
            after |= parents_parts(shares, bases, left.platform_minor, self.terms.tiers)
        after |= sellers_parts(self.judgement, left.platform_minor)
        pieces = self._pieces(left)
        counts = {share.partner_id for share in shares} if not all(left.gone) else set()
        calculated = frozenset(after) if self.only is not None else frozenset()
        for key, part in self.parts.items():
            if key not in after:
                after[key] = Part(0, 0, part.rate_ppm)
        month = month_index(at, self.terms.zone)
        for key, new in after.items():
            if self.only is not None and key in calculated and not self._is_asked(key):
                continue
            old = self.parts.get(key)
            is_direct = key.kind is DIRECT
            moved = self._pieces_moved(key, pieces) if is_direct else 0
            orders = self._orders_moved(key, counts) if is_direct else 0
            if old is None:
                old = NOTHING
            elif (
                old[:2] == new[:2] and not moved and not orders and not (is_direct and cause is Cause.REFUND)
            ):
                continue
            self._book(key, old, new, at, cause, cause_ref, moved, orders)
            if is_direct:
                self._count(key.partner_id, old, new, at, month, moved, orders)
        self.parts = after

    def _is_asked(self, key: PartKey) -> bool:
        """Whether a periodic run of some partners books this part; a tier of several children is booked with any."""
        assert self.only is not None, "asked of a run"
        of_several = key.kind is CommissionKind.TIER and key.from_partner is None
        return of_several or (key.from_partner or key.partner_id) in self.only

    def move_turnover(self, before: Left, after: Left, since: datetime, until: datetime, ref: str) -> None:
        """What a refund took (`before` it, `after` it) belongs to `since`, not to `until`; no money moves."""
        shares, conversion = self.judgement.shares, self.judgement.conversion
        weights = [share.weight for share in shares]
        if not weights:
            return
        held_before, held_after = (
            split_bases(
                converted(one.bases, conversion, self.terms.currency), weights, whole=self.terms.per_click
            )
            for one in (before, after)
        )
        bases = [more - less for more, less in zip(held_before, held_after, strict=True)]
        pieces = split_by_weights(before.quantity_micro - after.quantity_micro, weights)
        orders = int(all(after.gone)) - int(all(before.gone))
        for share, base, gone in zip(shares, bases, pieces, strict=True):
            key = PartKey(share.partner_id, DIRECT, 0, None)
            held = self.parts.get(key, NOTHING)
            if (not base and not gone and not orders) or share.rule is RateRule.WAITING:
                continue
            less = held._replace(base_minor=held.base_minor - base)
            for old, new, at, cause, sign in (
                (held, less, since, Cause.REFUND, -1),
                (less, held, until, Cause.CANCELLED, 1),
            ):
                month = month_index(at, self.terms.zone)
                self._book(key, old, new, at, cause, ref, sign * gone, sign * orders)
                self._count(share.partner_id, old, new, at, month, sign * gone, sign * orders)

    def _pieces(self, left: Left) -> dict[int, int]:
        """Each partner's share of the pieces that are left, divided like a base."""
        shares = self.judgement.shares
        if not shares:
            return {}
        parts = split_by_weights(left.quantity_micro, [share.weight for share in shares])
        return {share.partner_id: part for share, part in zip(shares, parts, strict=True)}

    def _pieces_moved(self, key: PartKey, pieces: dict[int, int]) -> int:
        recorded = self.commissions.get((key.partner_id, DIRECT, 0), NO_COMMISSION)
        return pieces.get(key.partner_id, 0) - recorded.quantity_micro

    def _orders_moved(self, key: PartKey, counts: set[int]) -> int:
        recorded = self.commissions.get((key.partner_id, DIRECT, 0), NO_COMMISSION)
        return int(key.partner_id in counts) - recorded.orders

    def _count(
        self, partner_id: int, old: Part, new: Part, at: datetime, month: int, pieces: int, orders: int
    ) -> None:
        """What the step adds to the partner's turnover and sales, or takes from them."""
        base, earned = new.base_minor - old.base_minor, new.amount_minor - old.amount_minor
        if base:
            self.turnover.append(TurnoverEntry(partner_id, at, month, base))
        if base or earned or pieces or orders:
            paid_at = self.judgement.paid_at
            paid_month = month_index(paid_at, self.terms.zone)
            self.sales.append(SalesEntry(partner_id, at, paid_month, paid_at, base, pieces, earned, orders))

    def _book(
        self,
        key: PartKey,
        old: Part,
        new: Part,
        at: datetime,
        cause: Cause,
        cause_ref: str,
        pieces: int,
        orders: int,
    ) -> None:
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
            commission.base_minor + new.base_minor - old.base_minor,
            amount,
            pending,
            commission.quantity_micro + pieces,
            commission.orders + orders,
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
                pieces,
                orders,
            )
        )

    def _purse(self, partner_id: int) -> Purse:
        purse = self.purses.get(partner_id)
        if purse is None:
            purse = self.purses[partner_id] = Purse(partner_id, self.state.partners[partner_id].balances)
        return purse

    def effects(self, *, decided: bool, deactivated: tuple[Deactivation, ...] = ()) -> Effects:
        """All that was gathered, with the levels that the turnover leads to and what partners are told."""
        release_at = release_moment(self.order.state, self.terms.hold)
        levels = () if self.state.quiet else self._levels()
        return Effects(
            order_id=self.order.order_id,
            judgement=self.judgement if decided else None,
            record=OrderRecord(self.judgement, self.commissions, release_at),
            changes=tuple(self.changes),
            turnover=tuple(self.turnover),
            sales=tuple(self.sales),
            purchase=purchase_of(self.order),
            customer_id=self.order.state.customer_id or "",
            deactivated=deactivated,
            levels=levels,
            postings=tuple(self.postings),
            bound=self._bound() if decided else None,
            notices=self._notices(levels, deactivated),
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
        if not self.turnover and not self.sales:
            return ()
        version = self.state.terms[-1] if len(self.state.terms) == 1 else None
        at = max([*(entry.at for entry in self.turnover), *(entry.at for entry in self.sales)])
        version = version or self.state.version_at(at)
        terms = version.terms if version is not None else self.terms
        if terms.levels_policy.recalculate != "on_paid" or len(terms.levels) == 1:
            return ()
        changes: list[LevelChange] = []
        partners = [one.partner_id for one in self.turnover] + [one.partner_id for one in self.sales]
        for partner_id in dict.fromkeys(partners):
            more = tuple(self._counted(self.state.partners[partner_id], terms))
            if more:
                changes.extend(changes_by_entries(self.state.partners[partner_id], terms, more))
        return tuple(changes)

    def _counted(self, partner: PartnerState, terms: Terms) -> Iterable[TurnoverEntry]:
        """What the fact adds to what the terms count for levels."""
        if terms.levels_policy.count == "base":
            return [entry for entry in self.turnover if entry.partner_id == partner.partner_id]
        sales = [entry for entry in self.sales if entry.partner_id == partner.partner_id]
        return entries_of(partner, self.order.order_id, self.order.state.customer_id or "", sales, terms)

    def _notices(
        self, levels: tuple[LevelChange, ...], deactivated: tuple[Deactivation, ...]
    ) -> tuple[Notice, ...]:
        """One notice per commission that moved by this fact, per level change and per deactivation."""
        if not self.changes or self.state.quiet:
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
        notices.extend(
            Notice(NoticeKind.DEACTIVATED, one.partner_id, one.at, one.order_id) for one in deactivated
        )
        return tuple(notices)
