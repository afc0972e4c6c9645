"""Papers on the pages: what is signed, handed in and downloaded, by whom, and what nobody gets in."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from app import clock, db
from app.ledger import service as ledger
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.payouts import paper_queries, service
from app.payouts.uploads import MAX_BYTES
from app.rules.effects import Account, AccountKind, Posting
from tests.browsers import Browse, Visitor
from tests.cast import Cast
from tests.papers import PDF

NOW = datetime.now(UTC)
HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture
async def act(cast: Cast) -> paper_queries.Act:
    """Alice's firm has an approved payout of 1,000.00 with its act."""
    assert cast.alice.partner_id is not None
    await db.execute("UPDATE users SET locale = 'en'")
    await db.execute(
        "UPDATE partners SET kind = 'company', name = $2 WHERE id = $1",
        cast.alice.partner_id,
        'Firm "<b>" #1\n',
    )
    with clock.at(NOW - timedelta(days=9)):
        details = NewPayoutDetails("card", "Alice", "4242424242424242")
        await give_details_in_transaction(cast.alice.partner_id, details, verified=True)
    posting = Posting(
        Account(AccountKind.EXPENSE), Account(AccountKind.AVAILABLE, cast.alice.partner_id), 100_000
    )
    await ledger.book_in_transaction(cast.north_id, [ledger.Entry("adjustment", "t", NOW, (posting,))])
    payout_id = await service.request_payout(
        cast.north_id, cast.alice.partner_id, amount_minor=100_000, action_id="papers-1"
    )
    await service.approve(cast.north_id, payout_id, user_id=cast.fedor.user_id)
    return (await paper_queries.acts_of_payouts([payout_id]))[payout_id]


@pytest.fixture
async def alice(act: paper_queries.Act, cast: Cast, browse: Browse) -> Visitor:
    return await browse(cast.alice)


def picture(kind: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, kind, **({"comment": b"<script>"} if kind == "JPEG" else {}))
    return out.getvalue()


async def test_the_act_is_found_read_and_accepted(alice: Visitor, act: paper_queries.Act, cast: Cast) -> None:
    url = f"/acts/{act.id}"
    assert url in (await alice.get("/payouts")).text
    assert url in (await alice.get("/papers")).text
    shown = (await alice.get(url)).text
    assert "Одна тысяча рублей 00 копеек" in shown
    assert "<b>" not in shown
    digest = shown.split('name="digest" value="')[1].split('"')[0]
    document = await alice.get(f"{url}/document")
    assert document.content.startswith(b"%PDF-")
    assert document.headers["content-disposition"] == f'attachment; filename="act-{act.year}-1.pdf"'
    assert document.headers["x-content-type-options"] == "nosniff"

    assert (await alice.post(f"{url}/accept", data={"digest": digest})).status_code == 422
    assert (await alice.post(f"{url}/accept", data={"agree": "yes", "digest": "0" * 64})).status_code == 422
    for _press in range(2):
        accepted = await alice.post(f"{url}/accept", data={"agree": "yes", "digest": digest})
        assert (accepted.status_code, accepted.headers["location"]) == (303, url)

    signed = await paper_queries.act(cast.north_id, act.id)
    assert (signed.state, signed.signed_by, signed.signed_sha256) == ("signed", "alice@example.com", digest)
    assert signed.signed_ip != ""
    told = await db.fetchval("SELECT count(*) FROM events WHERE kind = 'act.signed'")
    assert told == 1


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(PDF, "application/pdf"), (picture("JPEG"), "image/jpeg"), (picture("PNG"), "image/png")],
)
async def test_scans_are_told_by_their_content_and_pictures_written_anew(
    alice: Visitor, act: paper_queries.Act, content: bytes, media_type: str
) -> None:
    sent = content if media_type == "application/pdf" else content + HTML
    answer = await alice.post(f"/acts/{act.id}/scan", files={"scan": ("../../x.html", sent, "text/html")})
    assert answer.status_code == 303
    kept = await alice.get(f"/acts/{act.id}/scan")
    assert kept.headers["content-type"] == media_type
    assert kept.headers["content-disposition"].startswith(f'attachment; filename="act-{act.year}-1-scan.')
    assert HTML not in kept.content
    assert (kept.content == content) is (media_type == "application/pdf")


@pytest.mark.parametrize(
    "content",
    [
        HTML,
        b"",
        b"MZ\x90",
        b"GIF89a" + b"\0" * 20,
        HTML + PDF,
        b"%PDF-1.7 without an end",
        b"%PDF-" + b"0" * MAX_BYTES,
    ],
)
async def test_other_files_are_refused(
    alice: Visitor, act: paper_queries.Act, content: bytes, cast: Cast
) -> None:
    answer = await alice.post(
        f"/acts/{act.id}/scan", files={"scan": ("scan.pdf", content, "application/pdf")}
    )
    assert answer.status_code == 422
    assert (await paper_queries.act(cast.north_id, act.id)).state == "made"


async def test_the_desk_refuses_then_approves_a_scan_and_pays(
    alice: Visitor, act: paper_queries.Act, cast: Cast, browse: Browse
) -> None:
    olga, fedor = await browse(cast.olga), await browse(cast.fedor)
    await alice.post(f"/acts/{act.id}/scan", files={"scan": ("a.pdf", PDF, "application/pdf")})
    assert "Scan handed in" in (await olga.get("/desk/papers")).text
    assert (await olga.post(f"/desk/acts/{act.id}/refuse", data={"reason": " "})).status_code == 422
    assert (await olga.post(f"/desk/acts/{act.id}/refuse", data={"reason": "No stamp"})).status_code == 303
    assert "No stamp" in (await alice.get(f"/acts/{act.id}")).text
    assert (await fedor.post(f"/desk/payouts/{act.payout_id}/paid")).status_code == 422
    await alice.post(f"/acts/{act.id}/scan", files={"scan": ("a.pdf", PDF, "application/pdf")})
    shown = (await olga.get("/desk/papers")).text
    digest = shown.split('name="digest" value="')[1].split('"')[0]
    approved = await olga.post(f"/desk/acts/{act.id}/approve", data={"digest": digest})
    assert approved.status_code == 303
    assert (await fedor.post(f"/desk/payouts/{act.payout_id}/paid")).status_code == 303


@pytest.mark.parametrize("path", ["", "/document", "/scan"])
async def test_clara_and_boris_find_nothing_of_alices(
    alice: Visitor, act: paper_queries.Act, cast: Cast, browse: Browse, path: str
) -> None:
    await alice.post(f"/acts/{act.id}/scan", files={"scan": ("a.pdf", PDF, "application/pdf")})
    assert (await alice.get(f"/acts/{act.id}{path}")).status_code == 200
    for person in (cast.clara, cast.boris):
        other = await browse(person)
        assert (await other.get(f"/acts/{act.id}{path}")).status_code == 404
        assert (await other.post(f"/acts/{act.id}/accept", data={"agree": "yes"})).status_code == 404


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://lknpd.nalog.ru/api/v1/receipt/500100732259/20abc/print", 303),
        ("https://lknpd.nalog.ru/web/receipt/500100732259/20abc/print", 303),
        ("http://lknpd.nalog.ru/api/v1/receipt/1/2/print", 422),
        ("https://lknpd.nalog.ru.evil.example/api/v1/receipt/1/2/print", 422),
        ("https://evil.example/lknpd.nalog.ru/receipt/", 422),
        ("https://lknpd.nalog.ru@evil.example/receipt/1", 422),
        ("https://lknpd.nalog.ru/", 422),
        ("javascript:alert(1)//lknpd.nalog.ru/receipt/", 422),
        ("", 422),
    ],
)
async def test_a_receipt_is_a_page_of_the_tax_office(
    act: paper_queries.Act, cast: Cast, browse: Browse, url: str, status: int
) -> None:
    await db.execute("UPDATE payout_acts SET state = 'cancelled', cancelled_at = now()")
    await db.execute(
        "UPDATE partners SET kind = 'self_employed', name = 'Alice' WHERE id = $1", cast.alice.partner_id
    )
    await service.mark_paid(cast.north_id, act.payout_id, user_id=cast.fedor.user_id)
    alice = await browse(cast.alice)
    answer = await alice.post(f"/receipts/{act.payout_id}", data={"url": url})
    assert answer.status_code == status
    state = (await paper_queries.receipt(cast.north_id, act.payout_id)).state
    assert state == ("given" if status == 303 else "missing")


async def test_both_sides_give_what_papers_say_of_them(alice: Visitor, cast: Cast, browse: Browse) -> None:
    wrong = await alice.post(
        "/requisites", data={"full_name": "Firm", "tax_number": "7707083894", "vat": "none"}
    )
    assert wrong.status_code == 422
    fields = {"full_name": "ООО «Фирма»", "tax_number": "7707083893", "kpp": "770701001", "vat": "20"}
    assert (await alice.post("/requisites", data=fields)).status_code == 303
    assert "ООО «Фирма»" in (await alice.get("/requisites")).text
    olga = await browse(cast.olga)
    ours = {"full_name": "ООО «Север»", "tax_number": "7707083893", "ogrn": "1027700132195"}
    assert (await olga.post("/desk/requisites", data=ours)).status_code == 303
    assert "ООО «Север»" in (await olga.get("/desk/requisites")).text
