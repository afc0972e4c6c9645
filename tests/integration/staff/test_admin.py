"""piccolo-admin behind our sessions: who sees and edits what, in which language, and what is written down."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app import db
from app.config import settings
from app.staff import admin_words
from app.staff.admin_scope import READERS
from app.ui.messages import read
from app.users import service, sessions
from tests.browsers import Browse, Visitor
from tests.cast import Cast, Person
from tests.factories import make_partner


async def admin_of(browse: Browse, person: Person) -> Visitor:
    """A browser that has opened the admin, with piccolo-admin's own token for edits."""
    visitor = await browse(person)
    await visitor.get("/admin/api/user/")
    visitor.headers["X-CSRFToken"] = visitor.cookies["csrftoken"]
    return visitor


def banner(kind: str = "PNG", size: tuple[int, int] = (300, 250)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (20, 80, 200)).save(out, kind)
    return out.getvalue()


async def upload(visitor: Visitor, raw: bytes, name: str = "banner.png") -> tuple[int, str]:
    answer = await visitor.post(
        "/admin/api/media/",
        data={"table_name": "materials", "column_name": "image"},
        files={"file": (name, raw, "image/png")},
    )
    return answer.status_code, answer.json().get("file_key", answer.text)


async def test_a_session_of_the_portal_signs_in_the_admin(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.olga)
    assert (await visitor.get("/admin")).headers["location"] == "/admin/"
    page = await visitor.get("/admin/")
    assert page.status_code == 200
    assert "js/admin.js" in page.text
    assert (await visitor.get("/admin/api/user/")).json()["username"] == "olga@example.com"


async def test_nobody_and_partners_stay_out(cast: Cast, browse: Browse) -> None:
    nobody, alice = await browse(), await browse(cast.alice)
    answer = await nobody.get("/admin/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/admin/")
    assert (await nobody.get("/admin/api/tables/")).status_code == 401
    assert (await alice.get("/admin/")).status_code == 403
    assert (await alice.get("/admin/api/tables/partners/")).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/admin/public/login/",
        "/admin/public/docs/",
        "/admin/api/docs/",
        "/admin/api/openapi.json",
        "/admin/openapi.json",
    ],
)
async def test_its_own_sign_in_and_documentation_are_closed(cast: Cast, browse: Browse, path: str) -> None:
    visitor = await admin_of(browse, cast.owner)
    assert (await visitor.get(path)).status_code == 404
    assert (await visitor.post(path, json={"username": cast.owner.email, "password": "x"})).status_code == 404


async def test_its_cookie_is_worth_nothing(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    nobody = await browse()
    nobody.cookies.set("id", olga.cookies["tandem"], domain="portal.test")
    assert (await nobody.get("/admin/api/user/")).status_code == 401


async def test_signing_out_there_signs_out_everywhere(cast: Cast, browse: Browse) -> None:
    visitor = await admin_of(browse, cast.olga)
    token = visitor.cookies["tandem"]
    assert (await visitor.post("/admin/public/logout/")).status_code == 200
    assert await sessions.find(token) is None


async def test_a_revoked_session_is_out_of_the_admin_at_once(cast: Cast, browse: Browse) -> None:
    visitor = await admin_of(browse, cast.olga)
    await service.revoke_sessions(cast.olga.user_id)
    assert (await visitor.get("/admin/api/user/")).status_code == 401


async def test_each_role_has_its_tables(cast: Cast, browse: Browse) -> None:
    async def tables(person: Person) -> set[str]:
        return set((await (await browse(person)).get("/admin/api/tables/")).json())

    assert await tables(cast.max) == {"Programs", "Materials"}
    manager = await tables(cast.olga)
    assert {"Partners", "Orders", "Commissions", "Payouts", "Terms", "Materials"} <= manager
    assert not manager & {"Users", "Roles", "Audit_log", "Journal"}
    assert {"Journal", "Postings", "Payouts"} <= await tables(cast.fedor)
    assert {"Users", "Roles", "Audit_log", "Journal"} <= await tables(cast.owner)


async def test_a_role_for_one_program_shows_that_program_alone(cast: Cast, browse: Browse) -> None:
    olga, owner = await browse(cast.olga), await browse(cast.owner)
    names = {row["name"] for row in (await olga.get("/admin/api/tables/partners/")).json()["rows"]}
    assert names == {"Alice", "Boris", "Dora"}
    rows = (await olga.get("/admin/api/tables/partners/?__readable=true")).json()["rows"]
    assert {row["program_id"] for row in rows} == {cast.north_id}
    assert {row["program_id_readable"] for row in rows} == {"North"}
    assert (await olga.get("/admin/api/tables/partners/count/")).json()["count"] == 3
    assert (await olga.get(f"/admin/api/tables/partners/{cast.clara.partner_id}/")).status_code == 404
    assert str(cast.clara.partner_id) not in (await olga.get("/admin/api/tables/partners/ids/")).json()
    assert (await owner.get("/admin/api/tables/partners/count/")).json()["count"] == 4


async def test_a_form_offers_nothing_of_a_table_that_is_closed(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    assert (await olga.get("/admin/api/tables/users/")).status_code == 403
    assert (await olga.get("/admin/api/tables/users/ids/")).json() == {}


async def test_joined_tables_are_cut_to_the_program_too(cast: Cast, browse: Browse) -> None:
    fedor = await browse(cast.fedor)
    balances = (await fedor.get("/admin/api/tables/ledger_balances/count/")).json()["count"]
    mine = await db.fetchval(
        "SELECT count(*) FROM ledger_accounts WHERE program_id = $1 AND owner_id > 0", cast.north_id
    )
    assert balances == mine > 0


MONEY = [
    "program_terms",
    "partner_level_changes",
    "orders",
    "order_lines",
    "order_refunds",
    "attributions",
    "commissions",
    "commission_entries",
    "payouts",
    "journal_entries",
    "postings",
    "ledger_accounts",
    "ledger_balances",
    "user_roles",
    "audit_records",
]


@pytest.mark.parametrize("table", MONEY)
async def test_money_and_history_are_only_shown(cast: Cast, browse: Browse, table: str) -> None:
    owner = await admin_of(browse, cast.owner)
    assert (await owner.get(f"/admin/api/tables/{table}/")).status_code == 200
    assert (await owner.post(f"/admin/api/tables/{table}/", json={})).status_code == 405
    assert (await owner.delete(f"/admin/api/tables/{table}/")).status_code == 405
    for row in (await owner.get(f"/admin/api/tables/{table}/")).json()["rows"][:1]:
        path = f"/admin/api/tables/{table}/{row['id']}/"
        assert (await owner.patch(path, json={})).status_code == 405
        assert (await owner.put(path, json=row)).status_code == 405
        assert (await owner.delete(path)).status_code == 405


async def test_a_partners_level_and_state_cannot_be_typed_over(cast: Cast, browse: Browse) -> None:
    olga = await admin_of(browse, cast.olga)
    path = f"/admin/api/tables/partners/{cast.alice.partner_id}/"
    for values in (
        {"level": "gold"},
        {"state": "closed"},
        {"own_rate": 500000},
        {"program_id": cast.south_id},
    ):
        answer = await olga.patch(path, json=values)
        assert answer.status_code == 422, values
        assert next(iter(values)) in answer.text
    assert (await olga.patch(path, json={"name": "Alice P."})).status_code == 200
    row = await db.fetchrow("SELECT name, level, state FROM partners WHERE id = $1", cast.alice.partner_id)
    assert row is not None
    assert dict(row) == {"name": "Alice P.", "level": "starter", "state": "active"}


async def test_edits_are_audited_with_who_and_which_fields(cast: Cast, browse: Browse) -> None:
    olga = await admin_of(browse, cast.olga)
    await olga.patch(f"/admin/api/tables/partners/{cast.alice.partner_id}/", json={"name": "Alice P."})
    row = await db.fetchrow("SELECT * FROM audit_records WHERE action = 'partners.edited'")
    assert row is not None
    assert row["user_id"] == cast.olga.user_id
    assert row["subject"] == f"partners:{cast.alice.partner_id}"
    assert row["reason"] == "changed: name"
    assert row["request_id"]


async def test_passwords_and_roles_cannot_be_set_here(cast: Cast, browse: Browse) -> None:
    owner = await admin_of(browse, cast.owner)
    path = f"/admin/api/tables/users/{cast.alice.user_id}/"
    before = await db.fetchval("SELECT password FROM users WHERE id = $1", cast.alice.user_id)
    for values in (
        {"password": "four quite unlikely words"},
        {"superuser": True},
        {"email": "x@example.com"},
    ):
        assert (await owner.patch(path, json=values)).status_code == 422
    assert await db.fetchval("SELECT password FROM users WHERE id = $1", cast.alice.user_id) == before
    assert (await owner.get(path)).json()["password"] is None


async def test_switching_a_user_off_ends_his_sessions(cast: Cast, browse: Browse) -> None:
    owner, alice = await admin_of(browse, cast.owner), await browse(cast.alice)
    assert (await alice.get("/home")).headers["location"] == "/overview"
    answer = await owner.patch(f"/admin/api/tables/users/{cast.alice.user_id}/", json={"active": False})
    assert answer.status_code == 200
    assert (await alice.get("/home")).headers["location"].startswith("/sign-in")
    answer = await owner.patch(f"/admin/api/tables/users/{cast.owner.user_id}/", json={"active": False})
    assert answer.status_code == 422


async def test_a_marketer_uploads_a_banner_for_gold(cast: Cast, browse: Browse) -> None:
    marketer = await admin_of(browse, cast.max)
    status, key = await upload(marketer, banner())
    assert status == 200
    assert key.startswith("materials/")
    assert "banner" not in key
    values = {
        "program_id": cast.north_id,
        "kind": "banner",
        "title_ru": "Баннер",
        "title_en": "Banner",
        "level": "Gold",
        "image": key,
        "landing_url": "https://shop.example/sale",
    }
    answer = await marketer.post("/admin/api/tables/materials/", json=values)
    assert answer.status_code == 201, answer.text
    row = await db.fetchrow("SELECT * FROM materials")
    assert row is not None
    assert (row["level"], row["width"], row["height"], row["image"]) == ("gold", 300, 250, key)
    assert row["created_at"] is not None
    picture = await marketer.get(f"/media/{key}")
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": "Platinum"}, "starter, silver, gold"),
        ({"landing_url": "https://evil.example/"}, "shop.example"),
        ({"image": "materials/" + "0" * 32 + ".png"}, "upload one"),
        ({"image": "../../etc/passwd"}, "upload one"),
        ({"title_en": " "}, "both languages"),
        ({"program_id": None}, "program"),
    ],
)
async def test_a_material_is_checked(
    cast: Cast, browse: Browse, change: dict[str, object], said: str
) -> None:
    marketer = await admin_of(browse, cast.max)
    _status, key = await upload(marketer, banner())
    values = {
        "program_id": cast.north_id,
        "kind": "banner",
        "title_ru": "Б",
        "title_en": "B",
        "image": key,
    } | change
    answer = await marketer.post("/admin/api/tables/materials/", json=values)
    assert answer.status_code in (400, 422)
    assert said in answer.text
    assert await db.fetchval("SELECT count(*) FROM materials") == 0


async def test_a_material_of_another_program_is_refused(cast: Cast, browse: Browse) -> None:
    marketer = await admin_of(browse, cast.max)
    values = {
        "program_id": cast.south_id,
        "kind": "text",
        "title_ru": "Т",
        "title_en": "T",
        "text": "Buy {link}",
    }
    assert (await marketer.post("/admin/api/tables/materials/", json=values)).status_code == 422
    assert await db.fetchval("SELECT count(*) FROM audit_records WHERE action = 'materials.made'") == 0


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.svg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.png"),
        (b"<html><script>alert(1)</script>", "x.gif"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "x.png"),
        (b"PK\x03\x04" + b"0" * 100, "x.png"),
        (b"", "x.png"),
        (banner("BMP"), "x.png"),
        (b"0" * (5 * 1024 * 1024 + 1), "x.png"),
    ],
)
async def test_only_pictures_are_taken(cast: Cast, browse: Browse, raw: bytes, name: str) -> None:
    marketer = await admin_of(browse, cast.max)
    status, said = await upload(marketer, raw, name)
    assert status == 422, said


async def test_a_picture_of_too_many_pixels_is_not_even_decoded(cast: Cast, browse: Browse) -> None:
    marketer = await admin_of(browse, cast.max)
    status, said = await upload(marketer, banner(size=(6000, 6000)))
    assert status == 422
    assert "pixels" in said


async def test_what_hides_behind_a_picture_is_gone(cast: Cast, browse: Browse) -> None:
    marketer = await admin_of(browse, cast.max)
    _status, key = await upload(marketer, banner("GIF") + b"<script>canary</script>", "x.gif")
    stored = (Path(settings().media_dir) / key).read_bytes()
    assert b"canary" not in stored
    assert stored.startswith(b"GIF8")


async def test_who_may_not_write_materials_cannot_upload(cast: Cast, browse: Browse) -> None:
    assert (await upload(await admin_of(browse, cast.fedor), banner()))[0] == 403


async def test_edits_need_the_admins_own_token_and_this_site(cast: Cast, browse: Browse) -> None:
    path = f"/admin/api/tables/partners/{cast.alice.partner_id}/"
    without = await admin_of(browse, cast.olga)
    del without.headers["X-CSRFToken"]
    assert (await without.patch(path, json={"name": "x"})).status_code == 403
    elsewhere = await admin_of(browse, cast.olga)
    elsewhere.headers["Sec-Fetch-Site"] = "cross-site"
    assert (await elsewhere.patch(path, json={"name": "x"})).status_code == 403


async def test_names_are_in_the_readers_language(cast: Cast, browse: Browse) -> None:
    await db.execute("UPDATE users SET locale = 'ru' WHERE id = $1", cast.olga.user_id)
    olga = await browse(cast.olga)
    assert '<html lang="ru"' in (await olga.get("/admin/")).text
    assert "Партнёры" in (await olga.get("/admin/api/tables/")).json()
    assert (await olga.get("/admin/api/tables/Партнёры/count/")).json()["count"] == 3
    assert (await olga.get("/admin/api/tables/Partners/count/")).json()["count"] == 3
    schema = (await olga.get("/admin/api/tables/Партнёры/schema/")).json()
    assert schema["properties"]["parent_id"]["title"] == "Вышестоящий"
    assert schema["properties"]["program_id"]["extra"]["foreign_key"]["to"] == "Программы"


async def test_every_table_column_and_help_has_its_russian_words(cast: Cast, browse: Browse) -> None:
    await db.execute("UPDATE users SET locale = 'ru' WHERE id = $1", cast.owner.user_id)
    owner = await browse(cast.owner)
    russian = read("ru")
    shown = (await owner.get("/admin/api/tables/")).json()
    assert {admin_words.table_of(alias) for alias in shown} == set(READERS)
    for alias in shown:
        assert re.search("[а-яё]", alias)
        schema = (await owner.get(f"/admin/api/tables/{alias}/schema/")).json()
        for name, column in schema["properties"].items():
            assert name in admin_words.COLUMNS or name.removesuffix("_id") in admin_words.COLUMNS, (
                alias,
                name,
            )
            text = column.get("extra", {}).get("help_text")
            assert not text or re.search("[а-яё]", text) or russian.get(text), (alias, name, text)


async def test_the_portals_forms_work_after_a_visit_to_the_admin(cast: Cast, browse: Browse) -> None:
    visitor = await admin_of(browse, cast.olga)
    assert (await visitor.post("/preferences", data={"theme": "dark"})).status_code == 303


async def test_sealed_details_are_never_read(cast: Cast, browse: Browse) -> None:
    await make_partner(cast.north_id, "eva")
    owner = await browse(cast.owner)
    schema = (await owner.get("/admin/api/tables/payouts/")).json()
    assert "details_encrypted" not in str(schema)
