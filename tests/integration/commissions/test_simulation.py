"""Simulation: a draft of the terms over history, in memory (rules.md §3 `simulate`)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import db
from app.commissions.simulation import from_json, retried, simulate, to_json
from app.programs import service
from app.programs.queries import latest_terms
from app.rules.terms import Terms
from app.rules.terms_document import merge_document, parse_terms
from app.tracking.links import NewLink, create_link
from app.tracking.messages import ClickMessage
from app.tracking.service import record_clicks
from tests.factories import make_partner, make_program
from tests.sales import give_back, sell

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
VISITOR = "v" * 22
SPAN = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
pytestmark = pytest.mark.usefixtures("transaction")


async def changed(program_id: int, changes: dict[str, Any]) -> Terms:
    newest = await latest_terms(program_id)
    assert newest is not None
    return parse_terms(merge_document(newest.terms.document, changes))


async def past() -> int:
    """Ann brought Ben; Ben sells twice in March, and once in February; one order is given back in half."""
    program = await make_program("sim")
    await make_partner(program, "ann")
    await make_partner(program, "ben", parent="ann")
    await sell(program, "ben", "1", AT - timedelta(days=30))
    await sell(program, "ben", "2", AT)
    await sell(program, "ben", "3", AT + timedelta(days=1))
    await give_back(program, "3", "r", AT + timedelta(days=2), 50_000)
    return program


async def checksums() -> dict[str, str]:
    """Of all rows of every table."""
    names = await db.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
    )
    found = {}
    for row in names:
        name = row["table_name"]
        found[name] = await db.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{name}\" AS t"
        )
    return found


async def test_the_terms_in_force_give_the_ledger_and_nothing_is_written() -> None:
    program = await past()
    before = await checksums()
    result = await simulate(program, await changed(program, {}), *SPAN)
    assert (result.orders, result.orders_changed, result.delta_minor) == (2, 0, 0)
    # 7 % of 1,000.00 and of 500.00, and a tenth of each to the parent.
    assert result.now_by_kind == result.then_by_kind == {"direct": 10_500, "tier": 1_050}
    assert await retried(program) == 0
    assert await checksums() == before


async def test_another_rate_costs_more_in_the_span_only() -> None:
    program = await past()
    levels = (await changed(program, {})).document["levels"]
    dearer = [levels[0] | {"rate": "10%"}, *levels[1:]]
    result = await simulate(program, await changed(program, {"levels": dearer}), *SPAN)
    assert result.orders == 2
    assert result.then_by_kind == {"direct": 15_000, "tier": 1_500}
    assert (result.now_minor, result.then_minor, result.delta_minor) == (11_550, 16_500, 4_950)
    assert [(one.code, one.delta_minor, one.orders) for one in result.winners] == [
        ("ben", 4_500, 2),
        ("ann", 450, 2),
    ]
    assert result.losers == []
    whole = await simulate(
        program, await changed(program, {"levels": dearer}), SPAN[0] - timedelta(days=60), SPAN[1]
    )
    assert whole.orders == 3


async def test_turnover_before_the_span_counts_and_levels_move() -> None:
    """Silver from 1,500.00: February's 1,000.00 and March's first order reach it, the last order earns 9 %."""
    program = await past()
    levels = (await changed(program, {})).document["levels"]
    lower = [levels[0], levels[1] | {"from": 150_000}, levels[2]]
    result = await simulate(program, await changed(program, {"levels": lower}), *SPAN)
    assert result.then_by_kind["direct"] == 7_000 + 4_500
    (moved,) = [one for one in result.moves if one.code == "ben"]
    assert (moved.level_now, moved.level_then) == ("starter", "silver")


async def test_losers_are_told() -> None:
    program = await past()
    result = await simulate(program, await changed(program, {"tiers": {"rates": []}}), *SPAN)
    assert [(one.code, one.delta_minor) for one in result.losers] == [("ann", -1_050)]


async def test_other_attribution_reads_the_clicks_again() -> None:
    """The first click instead of the last one: the clicks are those of the database, for every order anew."""
    program = await make_program("clicks")
    for code in ("ann", "ben"):
        await create_link(
            program, await make_partner(program, code), NewLink("https://shop.example/", code=f"link-{code}")
        )
    for code, days in (("ann", 10), ("ben", 3)):
        at = AT - timedelta(days=days)
        outcomes = await record_clicks(
            program, [ClickMessage(link=f"link-{code}", visitor_id=VISITOR, at=at)]
        )
        assert all(one.refused is None for one in outcomes)
    await sell(program, "", "1", AT, visitor_id=VISITOR)
    same = await simulate(program, await changed(program, {}), *SPAN)
    assert {one.code: one.then_minor for one in same.partners} == {"ben": 7_000}
    first = await changed(program, {"attribution": {"model": "first_click"}})
    result = await simulate(program, first, *SPAN)
    assert {one.code: (one.now_minor, one.then_minor) for one in result.partners} == {
        "ann": (0, 7_000),
        "ben": (7_000, 0),
    }
    narrow = await simulate(program, await changed(program, {"attribution": {"window_days": 1}}), *SPAN)
    assert (narrow.orders, narrow.then_minor) == (1, 0)


async def test_results_are_kept_as_json() -> None:
    program = await past()
    result = await simulate(program, await changed(program, {}), *SPAN)
    assert from_json(json.dumps(to_json(result))) == result


async def test_later_versions_bound_what_is_tried_again() -> None:
    program = await past()
    await service.publish_changes(
        program, {"tiers": {"rates": ["20%"]}}, from_moment=datetime(2030, 1, 1, tzinfo=UTC)
    )
    await sell(program, "ben", "9", datetime(2030, 2, 1, tzinfo=UTC))
    assert await retried(program) == 0
