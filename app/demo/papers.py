"""Papers of the demo's past: acts in each state, receipts given and missing, details of both sides."""

from app import db
from app.demo.pictures import draw_scan
from app.errors import DomainError
from app.payouts import act_signing, acts, paper_queries, receipts, requisites
from app.payouts.requisites import Side
from app.payouts.uploads import Upload

SHOP = Side(
    full_name="ООО «Демо-магазин»",
    tax_number="7700000016",
    kpp="770001001",
    ogrn="1267700000015",
    address="115035, Москва, Овчинниковская наб., д. 20, стр. 1",
    signer="Фёдорова Ольга Игоревна",
    signer_role="Генеральный директор",
    signer_basis="Устав",
)

PARTNERS = {
    "gadgetblog": Side(
        full_name="ООО «Гаджетблог»",
        tax_number="7700000023",
        kpp="770001001",
        ogrn="1267700000026",
        address="119021, Москва, ул. Льва Толстого, д. 16",
        signer="Гаджиев Глеб Андреевич",
        signer_role="Директор",
        signer_basis="Устав",
        contract="договор № 14/П от 1 июля 2026 г.",
        vat="20",
    ),
    "boris": Side(
        full_name="Индивидуальный предприниматель Орлов Борис Петрович",
        tax_number="500100000199",
        ogrn="326500100000017",
        address="143000, Московская обл., г. Одинцово, ул. Садовая, д. 3",
        signer="Орлов Борис Петрович",
        vat_reason="применение упрощённой системы налогообложения",
    ),
}
"""What is missing of the others shows how an act with gaps looks."""


async def give_requisites(program_id: int, partners: dict[str, int]) -> None:
    """Of the shop and of two partners."""
    await requisites.give(program_id, None, SHOP, user_id=None)
    for code, side in PARTNERS.items():
        await requisites.give(program_id, partners[code], side, user_id=None)


async def sign(program_id: int, payout_id: int, *, staff_id: int, by_scan: bool) -> None:
    """The partner signs the payout's act, if it has one: online, or by a scan that staff approve."""
    act = (await paper_queries.acts_of_payouts([payout_id])).get(payout_id)
    if act is None:
        return
    user_id = await _user_of(act.partner_id)
    if by_scan:
        scan = await hand_in_scan(program_id, payout_id)
        await act_signing.approve_scan(program_id, act.id, user_id=staff_id, digest=scan.sha256)
        return
    paper = await paper_queries.stored(await acts.typeset_act(act.id))
    await act_signing.accept(program_id, act.id, user_id=user_id, ip="192.0.2.7", digest=paper.sha256)


async def hand_in_scan(program_id: int, payout_id: int) -> Upload:
    """The partner hands in a scan of the payout's act."""
    act = (await paper_queries.acts_of_payouts([payout_id]))[payout_id]
    scan = Upload("image/png", draw_scan(act.number, act.year))
    await act_signing.hand_in_scan(program_id, act.id, user_id=await _user_of(act.partner_id), upload=scan)
    return scan


async def give_receipt(program_id: int, partner_id: int, payout_id: int) -> None:
    """The link of the payout's receipt, where one is wanted."""
    try:
        await paper_queries.receipt(program_id, payout_id)
    except DomainError:
        return  # He is not self-employed.
    url = f"https://lknpd.nalog.ru/api/v1/receipt/500100732259/demo{payout_id}/print"
    await receipts.give(program_id, partner_id, payout_id, user_id=await _user_of(partner_id), url=url)


async def _user_of(partner_id: int) -> int:
    found: int = await db.fetchval("SELECT user_id FROM partners WHERE id = $1", partner_id)
    return found
