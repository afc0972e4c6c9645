"""Acts: numbers without gaps, signed before the payment, stored for ever (rules.md §12)."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO

import asyncpg
import pytest
from PIL import Image

from app import clock, db
from app.errors import DomainError
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.payouts import act_signing, acts, batches, paper_queries, requisites, service
from app.payouts.act_documents import ActFacts, act_document
from app.payouts.requisites import Side
from app.payouts.typesetting import typeset
from app.payouts.uploads import Upload
from tests.integration.payouts.people import NOON, People, approve, ask, claw_back, earn, make_people, pay
from tests.papers import PDF

SCAN = Upload("application/pdf", PDF)
HOSTILE = '#eval("1") *b* $x^2$ ] ) } \\ " // /* <a> @x ~ `raw` #import "/etc/passwd" \u202e =HYPERLINK("x")'


@pytest.fixture
async def people(transaction: None) -> People:
    return await company()


async def company(kind: str = "company") -> People:
    people = await make_people(min_minor=100)
    await db.execute("UPDATE partners SET kind = $2 WHERE id = $1", people.alice_id, kind)
    await earn(people, 10_000_000)
    return people


async def approved(people: People, amount_minor: int = 123_405) -> paper_queries.Act:
    payout_id = await ask(people, amount_minor)
    await approve(people, payout_id)
    return (await paper_queries.acts_of_payouts([payout_id]))[payout_id]


async def sign(people: People, act: paper_queries.Act) -> None:
    await acts.typeset_act(act.id)
    shown = await paper_queries.act(people.program_id, act.id)
    await act_signing.accept(
        people.program_id, act.id, user_id=people.alice_user_id, ip="192.0.2.1", digest=shown.sha256
    )


async def refusal(work: object) -> str:
    with pytest.raises(DomainError) as caught:
        await work  # type: ignore[misc]
    return caught.value.code


@pytest.mark.parametrize(
    ("kind", "wanted"), [("company", 1), ("sole_trader", 1), ("person", 0), ("self_employed", 0)]
)
async def test_legal_entities_get_an_act_at_approval(transaction: None, kind: str, wanted: int) -> None:
    people = await company(kind)
    payout_id = await ask(people, 1000)
    assert await paper_queries.acts_of_payouts([payout_id]) == {}
    await approve(people, payout_id)
    assert len(await paper_queries.acts_of_payouts([payout_id])) == wanted


async def test_a_payout_is_not_paid_before_its_act_is_signed(people: People) -> None:
    act = await approved(people)
    assert await refusal(pay(people, act.payout_id)) == "act_not_signed"
    await sign(people, act)
    assert await pay(people, act.payout_id) == 123_405
    signed = await paper_queries.act(people.program_id, act.id)
    assert (signed.state, signed.signed_how, signed.signed_ip) == ("signed", "online", "192.0.2.1")
    assert signed.signed_sha256 == signed.sha256 != ""


async def test_nothing_goes_to_the_bank_before_its_act_is_signed(people: People) -> None:
    with clock.at(NOON - timedelta(days=10)):
        details = NewPayoutDetails("card", "Alice", "4242424242424242")
        await give_details_in_transaction(people.alice_id, details, verified=True)
    signed, bare = await approved(people, 1000), await approved(people, 2000)
    await sign(people, signed)

    async def batch(*ids: int) -> int:
        return await batches.make_batch(
            people.program_id, ids, user_id=people.nina_id, action_id=f"batch-{ids}"
        )

    assert await refusal(batch(signed.payout_id, bare.payout_id)) == "act_not_signed"
    assert await batch(signed.payout_id) > 0


async def test_what_the_bank_returns_cancels_the_act_of_a_paid_payout(people: People) -> None:
    act = await approved(people, 1000)
    await sign(people, act)
    await pay(people, act.payout_id)
    await service.take_back(
        people.program_id, act.payout_id, user_id=people.fedor_id, reason="Closed account"
    )
    assert (await paper_queries.act(people.program_id, act.id)).state == "cancelled"


async def test_numbers_go_on_by_program_and_year(people: People) -> None:
    first, second = await approved(people, 1000), await approved(people, 2000)
    with clock.at(NOON.replace(year=2027)):
        payout_id = await service.request_payout(
            people.program_id, people.alice_id, amount_minor=3000, action_id="next-year"
        )
        await service.approve(people.program_id, payout_id, user_id=people.fedor_id)
    third = (await paper_queries.acts_of_payouts([payout_id]))[payout_id]
    assert [(one.year, one.number) for one in (first, second, third)] == [(2026, 1), (2026, 2), (2027, 1)]
    assert second.period_from == first.period_to  # two acts of one day are about that day
    assert third.period_from == second.period_to + timedelta(days=1)


async def test_the_year_is_cut_in_the_programs_zone(people: People) -> None:
    """22:00 UTC on New Year's Eve is the next year in Moscow."""
    with clock.at(datetime(2026, 12, 31, 22, tzinfo=UTC)):
        payout_id = await service.request_payout(
            people.program_id, people.alice_id, amount_minor=3000, action_id="new-year"
        )
        await service.approve(people.program_id, payout_id, user_id=people.fedor_id)
    act = (await paper_queries.acts_of_payouts([payout_id]))[payout_id]
    assert (act.year, act.number, act.drawn_on.isoformat()) == (2027, 1, "2027-01-01")


async def test_64_approvals_at_once_with_failures_leave_no_gap_and_no_double(committing: object) -> None:
    """Every third approval fails after its number was taken: the number goes to the next one."""
    async with db.transaction():
        people = await company()
    payouts = [await ask(people, 1000 + number) for number in range(48)]

    async def approve_or_fail(place: int, payout_id: int) -> None:
        async with db.transaction():
            await acts.make_in_transaction(people.program_id, payout_id)
            await asyncio.sleep(0.001 * (place % 5))
            if place % 3 == 0:
                raise RuntimeError("the approval fails")

    outcomes = await asyncio.gather(
        *(approve_or_fail(place, payout_id) for place, payout_id in enumerate(payouts)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, RuntimeError) for one in outcomes) == 16
    rows = await db.fetch("SELECT number FROM payout_acts WHERE program_id = $1", people.program_id)
    assert sorted(row["number"] for row in rows) == list(range(1, 33))


async def test_a_rejected_payouts_act_is_cancelled_and_keeps_its_number(people: People) -> None:
    act = await approved(people)
    await sign(people, act)
    await service.reject(people.program_id, act.payout_id, user_id=people.fedor_id, reason="Wrong account")
    gone = await paper_queries.act(people.program_id, act.id)
    assert (gone.state, gone.cancel_reason, gone.number) == ("cancelled", "Wrong account", 1)
    assert (await approved(people)).number == 2


@pytest.mark.parametrize("end", ["signed", "cancelled"])
async def test_an_act_that_ended_before_its_pdf_was_made_gets_it_all_the_same(
    people: People, end: str
) -> None:
    act = await approved(people)
    at = (people.program_id, act.id)
    await act_signing.hand_in_scan(*at, user_id=people.alice_user_id, upload=SCAN)
    if end == "signed":
        await act_signing.approve_scan(*at, user_id=people.fedor_id, digest=SCAN.sha256)
    else:
        await service.reject(people.program_id, act.payout_id, user_id=people.fedor_id, reason="x")
    assert await acts.typeset_waiting() == 1
    ended = await paper_queries.act(*at)
    assert (ended.state, ended.paper_id is None) == (end, False)
    assert await acts.typeset_waiting() == 0


async def test_the_same_data_give_the_same_bytes_and_the_digest_tells_them(people: People) -> None:
    act = await approved(people)
    paper = await paper_queries.stored(await acts.typeset_act(act.id))
    again = await typeset("act", act.document, act.made_at)
    assert paper.content == again
    assert paper.content.startswith(b"%PDF-")
    assert paper.sha256 == sha256(paper.content).hexdigest()
    assert await acts.typeset_act(act.id) == await acts.typeset_act(act.id)


async def test_nothing_in_a_name_becomes_markup(people: People) -> None:
    """With markup in it typst would fail (unbalanced brackets, a missing file) or show something else."""
    await db.execute("UPDATE partners SET name = $2 WHERE id = $1", people.alice_id, HOSTILE[:150])
    side = Side(HOSTILE, HOSTILE[:12], HOSTILE[:9], HOSTILE[:15], *[HOSTILE[:150]] * 5)
    await requisites.give(people.program_id, people.alice_id, side, user_id=people.alice_user_id)
    act = await approved(people)
    performer = act.document["performer"]
    assert performer["name"] == HOSTILE
    paper = await paper_queries.stored(await acts.typeset_act(act.id))
    assert paper.content.startswith(b"%PDF-")
    assert b"/Title" in paper.content


async def test_what_is_accepted_must_be_what_was_read(people: People) -> None:
    act = await approved(people)
    await acts.typeset_act(act.id)
    code = await refusal(
        act_signing.accept(people.program_id, act.id, user_id=people.alice_user_id, ip="", digest="0" * 64)
    )
    assert code == "act_changed"


async def test_a_scan_is_approved_or_refused_and_replaced(people: People) -> None:
    act = await approved(people)
    at = (people.program_id, act.id)
    await act_signing.hand_in_scan(*at, user_id=people.alice_user_id, upload=SCAN)
    assert await refusal(pay(people, act.payout_id)) == "act_not_signed"
    assert await refusal(act_signing.refuse_scan(*at, user_id=people.fedor_id, reason=" ")) == "required"
    await act_signing.refuse_scan(*at, user_id=people.fedor_id, reason="No stamp")
    refused = await paper_queries.act(*at)
    assert (refused.state, refused.scan_refusal) == ("made", "No stamp")
    better = Upload("application/pdf", PDF + b"2\n%%EOF")
    await act_signing.hand_in_scan(*at, user_id=people.alice_user_id, upload=SCAN)
    await act_signing.hand_in_scan(*at, user_id=people.alice_user_id, upload=better)
    assert (
        await refusal(act_signing.approve_scan(*at, user_id=people.fedor_id, digest=SCAN.sha256))
        == "act_changed"
    )
    assert await refusal(act_signing.approve_scan(*at, user_id=people.alice_user_id, digest="")) == "own_act"
    await act_signing.approve_scan(*at, user_id=people.fedor_id, digest=better.sha256)
    signed = await paper_queries.act(*at)
    assert (signed.state, signed.signed_how, signed.signed_sha256) == ("signed", "scan", better.sha256)
    assert (
        await refusal(act_signing.hand_in_scan(*at, user_id=people.alice_user_id, upload=SCAN))
        == "act_signed"
    )


async def test_an_act_made_anew_has_the_next_number_and_what_can_be_paid_now(people: People) -> None:
    act = await approved(people, 10_000_000)
    await sign(people, act)
    await claw_back(people, 4_000_000)
    anew = await acts.renew(people.program_id, act.id, user_id=people.fedor_id, reason="Refunds")
    made = await paper_queries.act(people.program_id, anew)
    assert (made.number, made.amount_minor, made.state) == (2, 6_000_000, "made")
    assert (await paper_queries.act(people.program_id, act.id)).state == "cancelled"
    assert await refusal(pay(people, act.payout_id)) == "act_not_signed"
    await sign(people, made)
    assert await pay(people, act.payout_id) == 6_000_000


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payout_acts SET number = 7",
        "UPDATE payout_acts SET document = '{}'",
        "UPDATE payout_acts SET amount_minor = 1",
        "UPDATE payout_acts SET state = 'made'",
        "UPDATE payout_acts SET signed_at = now()",
        "UPDATE payout_acts SET signed_sha256 = repeat('0', 64)",
        "UPDATE payout_acts SET paper_id = NULL",
        "DELETE FROM payout_acts",
    ],
)
async def test_the_database_keeps_what_was_signed(people: People, sql: str) -> None:
    await sign(people, await approved(people))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await db.execute(sql)


def test_vat_is_inside_the_amount_and_rounded_half_up() -> None:
    today = NOON.date()
    facts = ActFacts(1, today, today, today, 123_405, "RUB", "Shop", 1, 1, company=True)
    plain = act_document(facts, Side("Shop"), Side("Firm", vat_reason="применение УСН"))
    assert (plain["vat_label"], plain["vat_text"]) == ("Без НДС", "НДС не облагается: применение УСН.")
    taxed = act_document(facts, Side("Shop"), Side("Firm", vat="20"))
    assert (taxed["amount"], taxed["vat_amount"]) == ("1\u00a0234,05", "205,68")
    assert taxed["vat_text"] == "В том числе НДС 20\u00a0%: двести пять рублей 68 копеек."


def picture(kind: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, kind)
    return out.getvalue()
