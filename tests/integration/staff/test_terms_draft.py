"""The forms of the terms: a draft saved section by section, rows, two people at once, publishing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from httpx import AsyncClient

from app import clock, db
from app.programs import drafts, queries, service
from tests.cast import Cast

Browse = Callable[..., Awaitable[AsyncClient]]
pytestmark = pytest.mark.usefixtures("transaction")
Fields = dict[str, list[str]]


class _Fields(HTMLParser):
    """What a browser would send of the forms of a page: inputs, areas and chosen options."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self.select = self.area = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        name = found.get("name") or ""
        if tag == "input" and name and found.get("type") not in ("submit", "file"):
            if found.get("type") not in ("checkbox", "radio") or "checked" in found:
                self.fields.setdefault(name, []).append(found.get("value") or "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and "selected" in found:
            self.fields.setdefault(self.select, []).append(found.get("value") or "")
        elif tag == "textarea":
            self.area = name
            self.fields[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area][0] += data.lstrip("\n")


def fields_of(page: str) -> Fields:
    parser = _Fields()
    parser.feed(page[page.index('<form class="form form--wide"') :])
    return parser.fields


async def opened(browser: AsyncClient, section: str) -> Fields:
    answer = await browser.get(f"/desk/terms/draft/{section}")
    assert answer.status_code == 200
    return fields_of(answer.text)


SECTIONS = "attribution base levels plans tiers sellers bonuses calculation hold payout promo_codes cashback"


@pytest.mark.parametrize("section", SECTIONS.split())
async def test_saving_what_stands_there_changes_nothing(cast: Cast, browse: Browse, section: str) -> None:
    """Every value goes through its field and back: money, rates, days, words, lists, names."""
    olga = await browse(cast.olga)
    fields = await opened(olga, section)
    saved = await olga.post(f"/desk/terms/draft/{section}", data={**fields, "do": ["save"]})
    assert saved.status_code == 303, saved.text
    draft = await drafts.draft_of(cast.north_id)
    published = (await queries.terms_version(cast.north_id, 1)).terms.document
    assert draft.document == published
    assert "Nothing is different" in (await olga.get("/desk/terms/draft")).text


async def test_a_change_is_told_and_published(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    fields = await opened(olga, "payout") | {"payout.min_minor": ["2 500,50"]}
    await olga.post("/desk/terms/draft/payout", data={**fields, "do": ["save"]})
    overview = (await olga.get("/desk/terms/draft")).text
    assert "Least amount: " in overview
    assert "2,500.50" in overview.replace("\u00a0", " ")
    draft = await drafts.draft_of(cast.north_id)
    answer = await olga.post(
        "/desk/terms/draft", data={"revision": draft.revision, "do": "publish", "note": "Less paper"}
    )
    assert answer.status_code == 303
    found = await queries.terms_in_force(cast.north_id)
    assert (found.number, found.terms.payout.min_minor, found.note) == (2, 250_050, "Less paper")
    assert not (await drafts.draft_of(cast.north_id)).begun
    history = (await olga.get("/desk/terms/versions/2")).text
    assert "Changes against version 1" in history
    assert "Least amount: " in history


async def test_rows_are_added_moved_and_removed_by_buttons(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    fields = await opened(olga, "tiers")
    fields = await opened(olga, "levels")
    count = sum(name.endswith("].code") for name in fields)
    page = await olga.post("/desk/terms/draft/levels", data={**fields, "do": ["add:levels"]})
    assert page.status_code == 200
    added = fields_of(page.text)
    assert added[f"levels[{count}].code"] == [""]
    added |= {f"levels[{count}].code": ["diamond"], f"levels[{count}].rate": ["12.5"]}
    page = await olga.post("/desk/terms/draft/levels", data={**added, "do": [f"up:levels:{count}"]})
    moved = fields_of(page.text)
    assert moved[f"levels[{count - 1}].code"] == ["diamond"]
    page = await olga.post("/desk/terms/draft/levels", data={**moved, "do": [f"remove:levels:{count - 1}"]})
    assert fields_of(page.text) == fields
    assert not (await drafts.draft_of(cast.north_id)).begun


async def test_errors_stand_at_their_fields(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    fields = await opened(olga, "levels")
    fields["levels[0].rate"] = ["101"]
    answer = await olga.post("/desk/terms/draft/levels", data={**fields, "do": ["save"]})
    assert answer.status_code == 422
    assert 'id="levels[0].rate-error"' in answer.text
    fields = await opened(olga, "tiers") | {"tiers.rates": ["10\nx"]}
    answer = await olga.post("/desk/terms/draft/tiers", data={**fields, "do": ["save"]})
    assert "Line 2: Write a percentage" in answer.text
    fields = await opened(olga, "payout") | {"payout.min_minor": ["1.005"]}
    answer = await olga.post("/desk/terms/draft/payout", data={**fields, "do": ["save"]})
    assert answer.status_code == 422
    assert 'id="payout.min_minor-error"' in answer.text
    assert not (await drafts.draft_of(cast.north_id)).begun


async def test_two_people_do_not_overwrite_each_other(cast: Cast, browse: Browse) -> None:
    """The second gets both, what is stored and what he typed, and may then decide."""
    olga = await browse(cast.olga)
    first, second = await opened(olga, "hold"), await opened(olga, "hold")
    saved = await olga.post("/desk/terms/draft/hold", data={**first | {"hold.days": ["20"]}, "do": ["save"]})
    assert saved.status_code == 303
    refused = await olga.post(
        "/desk/terms/draft/hold", data={**second | {"hold.days": ["30"]}, "do": ["save"]}
    )
    assert refused.status_code == 409
    assert "Hold, Lasts: 20 days → 30 days" in refused.text
    assert (await drafts.draft_of(cast.north_id)).document["hold"]["days"] == 20
    again = await olga.post("/desk/terms/draft/hold", data={**fields_of(refused.text), "do": ["save"]})
    assert again.status_code == 303
    assert (await drafts.draft_of(cast.north_id)).document["hold"]["days"] == 30
    stale = await olga.post("/desk/terms/draft", data={"revision": 1, "do": "publish"})
    assert stale.status_code == 409
    assert (await queries.latest_terms(cast.north_id)).number == 1  # type: ignore[union-attr]


async def test_a_form_of_an_older_version_is_not_taken(cast: Cast, browse: Browse) -> None:
    """Nobody has a draft, but the terms went on since the form was opened."""
    olga = await browse(cast.olga)
    fields = await opened(olga, "hold")
    await service.publish_changes(cast.north_id, {"hold": {"days": 3}})
    answer = await olga.post("/desk/terms/draft/hold", data={**fields, "do": ["save"]})
    assert answer.status_code == 409


async def test_a_draft_is_laid_over_what_was_published_meanwhile(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    fields = await opened(olga, "hold") | {"hold.days": ["20"]}
    await olga.post("/desk/terms/draft/hold", data={**fields, "do": ["save"]})
    await service.publish_changes(cast.north_id, {"payout": {"min_minor": 77_700}})
    revision = (await drafts.draft_of(cast.north_id)).revision
    refused = await olga.post("/desk/terms/draft", data={"revision": revision, "do": "publish"})
    assert refused.status_code == 409
    assert "Version 2 was published after this draft was begun." in refused.text
    await olga.post("/desk/terms/draft", data={"revision": revision, "do": "rebase"})
    draft = await drafts.draft_of(cast.north_id)
    assert (draft.document["hold"]["days"], draft.document["payout"]["min_minor"]) == (20, 77_700)
    await olga.post("/desk/terms/draft", data={"revision": draft.revision, "do": "publish"})
    terms = (await queries.terms_in_force(cast.north_id)).terms
    assert (terms.hold.days, terms.payout.min_minor) == (20, 77_700)


async def test_contradictions_between_sections_keep_it_from_being_published(
    cast: Cast, browse: Browse
) -> None:
    olga = await browse(cast.olga)
    document = (await queries.terms_version(cast.north_id, 1)).terms.document
    plan = {"code": "vip", "rate": "9%", "levels": [document["levels"][-1]["code"]]}
    revision = (await drafts.draft_of(cast.north_id)).revision
    await drafts.save_sections(cast.north_id, {"plans": [plan]}, revision=revision, author_id=None)
    fields = await opened(olga, "levels")
    fields[f"levels[{len(document['levels']) - 1}].code"] = ["renamed"]
    saved = await olga.post("/desk/terms/draft/levels", data={**fields, "do": ["save"]})
    assert saved.status_code == 303
    overview = (await olga.get("/desk/terms/draft")).text
    assert "plans[0].levels[0]" in overview
    revision = (await drafts.draft_of(cast.north_id)).revision
    refused = await olga.post("/desk/terms/draft", data={"revision": revision, "do": "publish"})
    assert refused.status_code == 422
    assert len(await queries.terms_versions(cast.north_id)) == 1


async def test_past_moments_are_refused(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    fields = await opened(olga, "hold") | {"hold.days": ["20"]}
    await olga.post("/desk/terms/draft/hold", data={**fields, "do": ["save"]})
    revision = (await drafts.draft_of(cast.north_id)).revision
    answer = await olga.post(
        "/desk/terms/draft", data={"revision": revision, "do": "publish", "valid_from": "2020-01-01T00:00"}
    )
    assert answer.status_code == 422
    assert "New terms begin now or later" in answer.text


async def test_a_scheduled_version_is_withdrawn_by_another(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    later = clock.now() + timedelta(days=30)
    await service.publish_changes(cast.north_id, {"hold": {"days": 3}}, from_moment=later)
    assert "Withdraw this version" in (await olga.get("/desk/terms/versions/2")).text
    assert (await olga.post("/desk/terms/versions/2/withdraw")).status_code == 303
    assert (await queries.terms_in_force(cast.north_id, later)).terms.hold.days != 3
    assert (await queries.terms_in_force(cast.north_id, later)).number == 3
    assert (await olga.post("/desk/terms/versions/1/withdraw")).status_code == 409


async def test_only_managers_edit(cast: Cast, browse: Browse) -> None:
    for person in (cast.max, cast.fedor, cast.dana, cast.alice):
        browser = await browse(person)
        assert (await browser.get("/desk/terms/draft")).status_code == 403
        assert (await browser.post("/desk/terms/draft/hold", data={"do": "save"})).status_code == 403


async def test_saves_are_on_record(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    fields = await opened(olga, "hold") | {"hold.days": ["20"]}
    await olga.post("/desk/terms/draft/hold", data={**fields, "do": ["save"]})
    assert await db.fetchval("SELECT count(*) FROM audit_records WHERE action = 'terms.draft_saved'") == 1
    revision = (await drafts.draft_of(cast.north_id)).revision
    assert (
        await olga.post("/desk/terms/draft", data={"revision": revision, "do": "discard"})
    ).status_code == 303
    assert not (await drafts.draft_of(cast.north_id)).begun
