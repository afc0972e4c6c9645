"""What staff set by hand about a partner: level, parent, state; with author, reason and history."""

from datetime import timedelta

import pytest

from app import clock, db
from app.errors import DomainError
from app.partners.queries import level_changes, parent_changes, partner, pin_of
from app.partners.service import set_parent
from tests.browsers import Browse
from tests.cast import Cast


async def test_a_level_is_pinned_and_unpinned_with_its_history(cast: Cast, browse: Browse) -> None:
    alice = cast.alice.partner_id
    assert alice is not None
    olga = await browse(cast.olga)
    ends = (clock.now() + timedelta(days=40)).date().isoformat()
    bad = await olga.post(f"/desk/partners/{alice}/level", data={"level": "nope", "reason": "because"})
    assert bad.status_code == 422
    past = {"level": "starter", "pinned": "yes", "until": "2020-01-01", "reason": "because"}
    assert (await olga.post(f"/desk/partners/{alice}/level", data=past)).status_code == 422
    done = await olga.post(
        f"/desk/partners/{alice}/level",
        data={"level": "starter", "pinned": "yes", "until": ends, "reason": "an old friend"},
    )
    assert done.status_code == 303
    pin = await pin_of(alice, clock.now())
    assert pin is not None
    assert (pin.level, pin.until is not None) == ("starter", True)
    shown = (await olga.get(f"/desk/partners/{alice}")).text
    assert "an old friend" in shown
    assert "Olga" in shown
    await olga.post(f"/desk/partners/{alice}/unpin", data={"unpin_reason": "a year is over"})
    assert await pin_of(alice, clock.now()) is None
    assert [one.author for one in await level_changes(alice)][:2] == ["Olga", "Olga"]


async def test_a_partner_is_moved_and_loops_are_refused(cast: Cast, browse: Browse) -> None:
    alice, boris = cast.alice.partner_id, cast.boris.partner_id
    assert alice is not None
    assert boris is not None
    olga = await browse(cast.olga)
    loop = await olga.post(
        f"/desk/partners/{boris}/parent", data={"parent": "alice", "parent_reason": "why not"}
    )
    assert (loop.status_code, "stands below" in loop.text) == (422, True)
    unknown = await olga.post(
        f"/desk/partners/{alice}/parent", data={"parent": "x", "parent_reason": "why not"}
    )
    assert unknown.status_code == 422
    await olga.post(f"/desk/partners/{alice}/parent", data={"parent": "", "parent_reason": "a quarrel"})
    assert (await partner(alice)).parent_id is None
    assert next((one.after, one.reason, one.author) for one in await parent_changes(alice)) == (
        "",
        "a quarrel",
        "Olga",
    )


async def test_a_loop_is_refused_however_deep_the_tree_is(cast: Cast) -> None:
    """Deeper than any limit on tiers."""
    above = await db.fetchval("SELECT id FROM partners WHERE id = $1", cast.boris.partner_id)
    top = above
    for number in range(1200):
        above = await db.fetchval(
            """
            INSERT INTO partners (program_id, code, name, kind, state, parent_id, level, plan, email_key, phone_key,
                joined_at, created_at)
            VALUES ($1, $2, $2, 'person', 'active', $3, 'starter', '', '', '', now(), now()) RETURNING id
            """,
            cast.north_id,
            f"deep-{number}",
            above,
        )
    with pytest.raises(DomainError, match="cannot be the parent"):
        await set_parent(top, above)


async def test_the_list_is_searched_and_foreign_partners_are_not_there(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    page = (await olga.get("/desk/partners?words=ALI")).text
    assert "Alice" in page
    assert "Boris" not in page
    assert "No partner found" in (await olga.get("/desk/partners?words=clara")).text
    assert (await olga.get(f"/desk/partners/{cast.clara.partner_id}")).status_code == 404


async def test_a_partner_is_switched_off(cast: Cast, browse: Browse) -> None:
    alice = cast.alice.partner_id
    assert alice is not None
    olga = await browse(cast.olga)
    await olga.post(f"/desk/partners/{alice}/state", data={"state": "inactive", "state_reason": "no site"})
    assert (await partner(alice)).state == "inactive"
    assert "no site" in (await olga.get(f"/desk/partners/{alice}")).text
