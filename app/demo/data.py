"""The demo program: people, terms, partners, materials and three months of a shop's life up to this moment.

Everything goes through the services that real life uses, with the clock set to each day, so that levels, holds,
clawbacks, debts and payouts come out as they would have. The same start gives the same numbers; a second start finds
everything there and only follows the portal's address.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from app import clock, db
from app.config import Settings
from app.demo import doings, papers, past
from app.demo.pictures import draw_banner
from app.demo.shop import KEY_FILE, PROGRAM
from app.partners.applications import Answers, apply_as_user
from app.partners.imports import ImportedPartner, import_partners_in_transaction
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.programs.queries import program_by_code
from app.programs.service import NewProgram, create_program, publish_consent_text
from app.rules.terms_document import Document
from app.shops.keys import create_key, keys
from app.tracking.destinations import parse
from app.tracking.links import ensure_main_links_in_transaction
from app.tracking.promo_codes import add_promo_codes_in_transaction
from app.users.identity import StaffRole
from app.users.service import create_user, create_user_in_transaction, grant_role

PEOPLE = {
    "partner": "alice@demo.example",
    "manager": "olga@demo.example",
    "marketer": "max@demo.example",
    "accountant": "fedor@demo.example",
    "owner": "owner@demo.example",
}
"""Who can be signed in as, by e-mail. Nobody has a password."""

KEY_NAME = "demo shop"

STAFF = {"olga": StaffRole.MANAGER, "max": StaffRole.MARKETER, "fedor": StaffRole.ACCOUNTANT}

TERMS: Document = {
    "currency": "RUB",
    "time_zone": "Europe/Moscow",
    "levels": [
        {
            "code": "starter",
            "name": {"ru": "Старт", "en": "Starter"},
            "from": 0,
            "rate": "5%",
            "promo_codes_max": 1,
            "perks": {"ru": "Базовые материалы", "en": "Basic promo materials"},
        },
        {
            "code": "silver",
            "name": {"ru": "Серебро", "en": "Silver"},
            "from": 50_000_000,
            "rate": "7%",
            "promo_codes_max": 3,
            "perks": {"ru": "Три промокода", "en": "Three promo codes"},
        },
        {
            "code": "gold",
            "name": {"ru": "Золото", "en": "Gold"},
            "from": 200_000_000,
            "rate": "10%",
            "promo_codes_max": 5,
            "perks": {"ru": "Баннеры для Золота", "en": "Banners for Gold"},
        },
        {
            "code": "platinum",
            "name": {"ru": "Платина", "en": "Platinum"},
            "from": 500_000_000,
            "rate": "12%",
            "promo_codes_max": 10,
            "perks": {"ru": "Личный менеджер", "en": "A manager of one's own"},
        },
    ],
    "tiers": {"rates": ["10%", "5%"]},
    "hold": {"release_on": "fulfilled", "days": 14},
    "payout": {"min_minor": 100_000},
    "attribution": {"self_referral": "hold"},
    "bonuses": [{"code": "first-buyers", "count": "customers", "reach": 25, "reward_minor": 100_000}],
    "cashback": {
        "max_share": "30%",
        "lifetime_days": 180,
        "rules": [
            {"code": "sound", "condition": "category", "values": ["sound"], "rate": "5%"},
            {"code": "all", "rate": "2%"},
        ],
    },
}

PARTNERS = (
    ("boris", "Борис Орлов", "sole_trader", ""),
    ("alice", "Алиса Ветрова", "self_employed", "boris"),
    ("vera", "Вера Лис", "person", "alice"),
    ("gadgetblog", "ООО «Гаджетблог»", "company", ""),
    ("denis", "Денис Ким", "person", "gadgetblog"),
    ("elena", "Елена Соколова", "self_employed", "gadgetblog"),
    ("fotofox", "Фотофокс", "sole_trader", ""),
    ("glebtech", "Глеб Титов", "person", "boris"),
)
"""(code, name, kind, code of the parent)."""

CONDITIONS = {
    "terms": (
        "Партнёр рекомендует магазин честно, не рассылает спам и не выдаёт себя за магазин.",
        "A partner recommends the shop honestly, sends no spam and does not pretend to be the shop.",
    ),
    "privacy": (
        "Данные партнёра нужны для расчётов и выплат и никому больше не передаются.",
        "A partner's data serve settlements and payouts and are given to nobody else.",
    ),
}


async def seed(config: Settings) -> None:
    """Make the demo program with its past, unless it is there."""
    home = f"{config.base_url}/demo-shop"
    known = await program_by_code(PROGRAM)
    if known is None:
        today = clock.now().replace(minute=0, second=0, microsecond=0)
        program_id = await _make_program(home, today - timedelta(days=past.DAYS + 30))
        await _live(config, program_id, today)
    else:
        await _follow_address(known.id, known.home_url, home)
    await _make_shop_key(config.var_dir / KEY_FILE)


async def _make_program(home: str, long_ago: datetime) -> int:
    with clock.at(long_ago):
        address = parse(home)
        assert address is not None, "the portal's own address can be read"
        new = NewProgram(
            code=PROGRAM,
            name="Demo shop",
            home_url=home,
            hosts=[address.host],
            utm={"utm_source": "partner", "utm_medium": "referral", "utm_campaign": "{partner}"},
            about={
                "ru": "Рекомендуйте демо-магазин и получайте до 12 % с каждого заказа.",
                "en": "Recommend the demo shop and earn up to 12% of every order.",
            },
        )
        program_id = await create_program(new, TERMS, from_moment=long_ago)
        for kind, (russian, english) in CONDITIONS.items():
            await publish_consent_text(program_id, kind, ru=russian, en=english)
    return program_id


async def _live(config: Settings, program_id: int, today: datetime) -> None:
    """People first, then day by day what happened."""
    joined = today - timedelta(days=past.DAYS + 5)
    with clock.at(joined):
        staff = await _make_staff(program_id)
        partners = await _make_partners(program_id, joined)
        await papers.give_requisites(program_id, partners)
        await _make_materials(config.media_dir, program_id, joined)
    await past.play(program_id, partners, accountant_id=staff["fedor"], today=today)
    await doings.play(program_id, partners, staff, today)
    with clock.at(today - timedelta(hours=3)):
        await _make_application(program_id)
    await _forget_old_news(program_id, today - timedelta(days=2))


async def _make_staff(program_id: int) -> dict[str, int]:
    owner_id = await create_user(PEOPLE["owner"], name="Owner")
    await grant_role(owner_id, StaffRole.OWNER)
    staff = {}
    for name, role in STAFF.items():
        staff[name] = await create_user(f"{name}@demo.example", name=name.title())
        await grant_role(staff[name], role, program_id=program_id)
    return staff


async def _make_partners(program_id: int, joined: datetime) -> dict[str, int]:
    imported = []
    async with db.transaction():
        for number, (code, name, kind, parent) in enumerate(PARTNERS):
            email = f"{code}@demo.example"
            user_id = await create_user_in_transaction(email, name=name)
            gold = code == "gadgetblog"
            imported.append(
                ImportedPartner(
                    code,
                    name=name,
                    kind=kind,
                    parent=parent,
                    level="gold" if gold else "",
                    pinned=gold,
                    joined_at=joined + timedelta(hours=number),
                    email=email,
                    user_id=user_id,
                )
            )
        await db.execute(
            "UPDATE users SET email_confirmed_at = $1 WHERE email LIKE '%@demo.example'", clock.now()
        )
        partners = await import_partners_in_transaction(program_id, imported)
        await ensure_main_links_in_transaction(program_id, list(partners.values()))
        codes = [
            (partners["alice"], "ALICE10"),
            (partners["gadgetblog"], "GADGET"),
            (partners["elena"], "LENA5"),
        ]
        await add_promo_codes_in_transaction(program_id, codes, joined)
        for number, partner_id in enumerate(partners.values()):
            details = NewPayoutDetails("e_wallet", holder="Demo", account=f"4100112345678{number:02d}")
            await give_details_in_transaction(partner_id, details, verified=True)
    return partners


async def _make_materials(media_dir: Path, program_id: int, at: datetime) -> None:
    """Banners for everybody and for Gold, and a text."""
    banners = (
        ("Баннер 728×90", "Banner 728×90", "", 728, 90),
        ("Баннер 300×250", "Banner 300×250", "", 300, 250),
        ("Золотой баннер 970×250", "Gold banner 970×250", "gold", 970, 250),
    )
    rows = [
        ("banner", ru, en, level, draw_banner(media_dir, width, height, gold=bool(level)), width, height, "")
        for ru, en, level, width, height in banners
    ]
    text = "Чехлы и наушники с доставкой за день: {link}"
    rows.append(("text", "Короткий пост", "Short post", "", "", 0, 0, text))
    async with db.transaction():
        for row in rows:
            await db.execute(
                """
                INSERT INTO materials (program_id, kind, title_ru, title_en, level, image, width, height, text,
                    landing_url, active, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', true, $10)
                """,
                program_id,
                *row,
                at,
            )


async def _make_application(program_id: int) -> None:
    """Somebody waits for the manager's decision."""
    user_id = await create_user("nina@demo.example", name="Нина Морозова")
    async with db.transaction():
        await db.execute("UPDATE users SET email_confirmed_at = $2 WHERE id = $1", user_id, clock.now())
    answers = Answers(
        name="Нина Морозова",
        phone="+79161234567",
        kind="self_employed",
        tax_number="500100732259",
        sector="blog",
        channels=("telegram",),
        channel_urls="https://t.me/nina_gadgets",
        comment="Обзоры аксессуаров, 4 000 читателей.",
        payout=NewPayoutDetails("e_wallet", holder="Нина Морозова", account="410011234567800"),
        terms_version=1,
    )
    await apply_as_user(program_id, answers, user_id=user_id)


async def _forget_old_news(program_id: int, before: datetime) -> None:
    """Nobody wants a hundred mails about the past: what happened long ago is taken as told."""
    async with db.transaction():
        await db.execute(
            "UPDATE events SET state = 'done' WHERE program_id = $1 AND state = 'new' AND occurred_at < $2",
            program_id,
            before,
        )


async def _make_shop_key(path: Path) -> None:
    """The demo shop's key lies in a file that only we can read."""
    if any(row.name == KEY_NAME and row.revoked_at is None for row in await keys(PROGRAM)) and os.access(
        path, os.R_OK
    ):
        return
    _write_secret(path, await create_key(PROGRAM, KEY_NAME, ["track", "orders", "cashback"]))


def _write_secret(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret)


async def _follow_address(program_id: int, before: str, home: str) -> None:
    """The portal may be started on another port: its own shop moves with it."""
    address = parse(home)
    assert address is not None, "the portal's own address can be read"
    if before == home:
        return
    async with db.transaction():
        await db.execute(
            "UPDATE programs SET home_url = $2, hosts = $3 WHERE id = $1", program_id, home, [address.host]
        )
        await db.execute(
            """
            UPDATE links SET destination = $3 || substr(destination, length($2) + 1)
            WHERE program_id = $1 AND starts_with(destination, $2)
            """,
            program_id,
            before,
            home,
        )
