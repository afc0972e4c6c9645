"""piccolo-admin as an attacker's tool: no filter, order, join or reference leads out of the reader's program."""

from datetime import timedelta

import pytest

from app import clock, db
from app.staff.admin_scope import READERS
from app.tracking.links import NewLink, create_link
from tests.browsers import Browse, Visitor
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.integration.staff.test_admin import admin_of
from tests.sales import sell

CANARY = "souths-own-words"
SEALED = "gAAAA-souths-sealed-account"

QUERIES = (
    "",
    "?__readable=true",
    "?__page_size=100&__order=-id",
    "?program_id={south}",
    "?id__operator=gt&id=0&__page_size=100",
)
UNREADABLE = (
    "?__order=program_id.name",
    "?__order=nothing;drop",
    "?__order=details_encrypted.x",
    "?id=" + "9" * 30,
    "?__page=" + "9" * 30,
    "?__page_size=-1",
    "?__visible_fields=user_id.password",
    "?__visible_fields=program_id.secret",
    "?nothing=1",
)


@pytest.fixture
async def real_cast(committing: TestEngines) -> Cast:
    """Both programs have a sale, a link, a material and a payout; South's are marked."""
    cast = await make_cast()
    assert cast.clara.partner_id is not None
    for program_id, partner, word in (
        (cast.north_id, cast.alice, "north"),
        (cast.south_id, cast.clara, CANARY),
    ):
        assert partner.partner_id is not None
        name = "alice" if word == "north" else "clara"
        await create_link(program_id, partner.partner_id, NewLink("https://shop.example/", name=word))
        await sell(program_id, name, f"{word}-1", clock.now() - timedelta(days=1), number=word)
        await db.execute("UPDATE partners SET name = $2 WHERE id = $1", partner.partner_id, word)
        await db.execute("UPDATE programs SET name = $2 WHERE id = $1", program_id, word)
        await db.execute(
            """
            INSERT INTO materials (program_id, kind, title_ru, title_en, text, image, level, landing_url, created_at,
                width, height, active)
            VALUES ($1, 'text', $2::text, $2::text, $2::text, '', '', '', now(), 0, 0, TRUE)
            """,
            program_id,
            word,
        )
        await db.execute(
            """
            INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, method,
                details_masked, details_encrypted, action_id, requested_at)
            VALUES ($1, $2, 1, 'paid', 100, 100, 'card', $3::text, $4, $3::text, now())
            """,
            program_id,
            partner.partner_id,
            word,
            SEALED.encode(),
        )
    return cast


async def everything_read(visitor: Visitor, south_id: int) -> str:
    """All that the REST interface says to this reader."""
    said = []
    for table in READERS:
        base = f"/admin/api/tables/{table}/"
        paths = ("count/", "ids/", "ids/?search=so", "references/", "schema/")
        said += [(await visitor.get(base + path)).text for path in paths]
        for query in QUERIES:
            answer = await visitor.get(base + query.format(south=south_id))
            assert answer.status_code < 500, (base, query)
            said.append(answer.text)
        said += [(await visitor.get(f"{base}{number}/?__readable=true")).text for number in range(1, 5)]
    return "\n".join(said)


@pytest.mark.parametrize("role", ["olga", "max", "dana"])
async def test_who_works_for_north_reads_nothing_of_souths(
    role: str, real_cast: Cast, browse: Browse
) -> None:
    said = await everything_read(await admin_of(browse, getattr(real_cast, role)), real_cast.south_id)
    assert "north" in said
    for secret in (CANARY, SEALED, "clara", "argon2", "sergei@example.com"):
        assert secret not in said, secret


async def test_not_even_the_owner_reads_what_is_sealed(real_cast: Cast, browse: Browse) -> None:
    said = await everything_read(await admin_of(browse, real_cast.owner), real_cast.south_id)
    assert CANARY in said
    for secret in (SEALED, "argon2"):
        assert secret not in said, secret


@pytest.mark.parametrize("column", ["details_encrypted", "action_id"])
async def test_what_is_sealed_cannot_be_guessed_by_filters(
    column: str, real_cast: Cast, browse: Browse
) -> None:
    owner = await admin_of(browse, real_cast.owner)
    for query in (
        f"?{column}={SEALED}",
        f"?{column}={SEALED[:4]}&{column}__match=starts",
        f"?{column}__operator=is_not_null",
    ):
        answer = await owner.get(f"/admin/api/tables/payouts/{query}")
        assert answer.status_code == 400, query
    assert (
        await owner.get("/admin/api/tables/users/?password__match=starts&password=$argon")
    ).status_code == 400


@pytest.mark.parametrize("column", ["details_encrypted", "action_id"])
async def test_what_is_sealed_orders_nothing(column: str, real_cast: Cast, browse: Browse) -> None:
    owner = await admin_of(browse, real_cast.owner)
    assert (await owner.get(f"/admin/api/tables/payouts/?__order={column}")).status_code == 400
    assert (await owner.get("/admin/api/tables/users/?__order=-password")).status_code == 400


async def test_parameters_that_cannot_be_read_are_refused(real_cast: Cast, browse: Browse) -> None:
    olga = await admin_of(browse, real_cast.olga)
    for query in UNREADABLE:
        assert (await olga.get(f"/admin/api/tables/payouts/{query}")).status_code == 400, query
    for path in ("partners/?name=%00", "partners/ids/?search=%00", f"partners/{'9' * 30}/"):
        assert (await olga.get(f"/admin/api/tables/{path}")).status_code == 400, path
    answer = await olga.patch(
        f"/admin/api/tables/partners/{real_cast.alice.partner_id}/", json={"name": "\x00"}
    )
    assert answer.status_code in (400, 422)


async def test_notices_of_a_member_of_staff_show_his_own_program(real_cast: Cast, browse: Browse) -> None:
    olga = await browse(real_cast.olga)
    sergei = await browse(real_cast.sergei)
    for query in ("", "?program=north", "?program=south"):
        assert CANARY not in (await olga.get(f"/notices{query}")).text
        page = (await sergei.get(f"/notices{query}")).text
        assert CANARY in page
        assert ">north<" not in page
