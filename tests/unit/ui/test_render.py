"""Rendering: blocks for htmx, escapes, redirects that stay ours, addresses of files, letters in two forms."""

from typing import Any

import pytest
from jinja2 import UndefinedError
from litestar import Request

from app.ui import mails, render
from app.ui.states import FLASHES, STATES
from tests.browser.preview import html_of
from tests.browser.sample_pages import all_pages

EVIL = '<b>"x"</b>'


def request(*headers: tuple[bytes, bytes], path: str = "/x") -> Request[Any, Any, Any]:
    return Request(
        {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": list(headers)}
    )  # type: ignore[typeddict-item,arg-type]


@pytest.mark.parametrize("name", list(all_pages()))
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_page_renders_and_escapes_what_people_wrote(name: str, lang: str) -> None:
    html = html_of(name, lang=lang)
    assert "<img src=x" not in html
    assert '& "quotes"' not in html


def test_every_page_has_a_sample_to_look_at() -> None:
    pages = {str(path.relative_to(render.TEMPLATES)) for path in render.TEMPLATES.rglob("*.html")}
    parts = {
        name for name in pages if name.startswith(("emails/", "layouts/", "components/")) or "/_" in name
    }
    looked_at = {template for template, _values in all_pages().values()}
    assert pages - parts - looked_at == {"base.html"}


@pytest.mark.parametrize(
    ("name", "block"), [("earnings", "rows"), ("links", "rows"), ("notices", "items"), ("payouts", "rows")]
)
def test_htmx_gets_the_block_alone(name: str, block: str) -> None:
    part = html_of(name, block=block)
    assert "<html" not in part
    assert part.strip().startswith("<")


def test_htmx_that_loads_a_whole_page_gets_it() -> None:
    assert render.is_htmx(request((b"hx-request", b"true"))) is True
    assert render.is_htmx(request((b"hx-request", b"true"), (b"hx-request-type", b"full"))) is False
    assert render.is_htmx(request()) is False


def test_a_missing_value_is_an_error_not_an_empty_place() -> None:
    with pytest.raises(UndefinedError):
        render.render(request(), "programs/landing.html")


def test_an_unknown_visitor_gets_a_page_in_his_browsers_language() -> None:
    values = {"message": "", "request_id": "", "retry_url": "/"}
    page = render.render(request((b"accept-language", b"en")), "errors/404.html", status=404, **values)
    assert page.status_code == 404
    assert '<html lang="en" data-theme="auto"' in page.content
    assert page.headers["Vary"] == "HX-Request, Cookie"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        None,
        "/a\r\nb",
        "x",
    ],
)
def test_the_way_back_never_leaves_the_portal(url: str | None) -> None:
    assert render.own_path(url, "/overview") == "/overview"


def test_the_way_back_within_the_portal() -> None:
    assert render.own_path("/earnings?state=pending#x") == "/earnings?state=pending#x"


def test_after_a_post_browsers_are_sent_on_and_htmx_is_told() -> None:
    plain = render.see_other(request(), "/links", flash="link_created")
    assert (plain.status_code, plain.headers["Location"]) == (303, "/links")
    assert [(cookie.key, cookie.value) for cookie in plain.cookies] == [("flash", "link_created")]
    part = render.see_other(request((b"hx-request", b"true")), "/links")
    assert (part.status_code, part.headers["HX-Redirect"]) == (200, "/links")


def test_a_flash_that_nobody_defined_is_not_shown() -> None:
    values = {"message": "", "request_id": "", "retry_url": "/"}
    forged = render.render(request((b"cookie", b"flash=Send+money")), "errors/404.html", **values)
    known = render.render(request((b"cookie", b"flash=saved")), "errors/404.html", **values)
    assert "Send" not in forged.content
    assert 'class="toast"' in known.content


def test_a_files_address_changes_with_its_content() -> None:
    address = render.asset("css/portal.css")
    path, _mark, digest = address.partition("?v=")
    assert path == "/static/css/portal.css"
    assert len(digest) == 12
    with pytest.raises(FileNotFoundError):
        render.asset("css/none.css")


def test_states_and_flashes_have_icons_that_exist() -> None:
    sprite = (render.STATIC / "img/icons.svg").read_text(encoding="utf-8")
    icons = {state.icon for states in STATES.values() for state in states.values()}
    assert [icon for icon in sorted(icons) if f'id="{icon}"' not in sprite] == []
    assert len(FLASHES) > 0


LETTERS: dict[str, dict[str, Any]] = {
    "confirm_email": {"name": EVIL, "url": "https://portal.example/confirm/t", "hours": 24},
    "application_received": {"applicant": EVIL, "kind_label": "Company", "sector_label": "Media", "url": "https://portal.example/desk"},
    "application_approved": {"name": EVIL, "level_name": "Starter", "rate": 50_000, "link_url": "https://portal.example/r/a", "url": "https://portal.example/"},
    "application_rejected": {"name": EVIL, "reason": "One.\nTwo."},
    "sign_in_link": {"url": "https://portal.example/sign-in/link/t", "minutes": 30},
    "level_changed": {"name": EVIL, "level_name": "Gold", "rate": 100_000, "before_name": "Silver", "risen": True, "turnover_minor": 1, "currency": "RUB", "url": "https://portal.example/"},
    "commission_available": {"name": EVIL, "amount_minor": 100, "available_minor": 200, "currency": "RUB", "count": 2, "url": "https://portal.example/"},
    "payout_requested": {"partner": EVIL, "number": "12", "amount_minor": 100, "currency": "RUB", "url": "https://portal.example/"},
    "payout_approved": {"name": EVIL, "number": "12", "amount_minor": 100, "currency": "RUB", "account_text": "•••• 6789", "url": "https://portal.example/"},
    "payout_paid": {"name": EVIL, "number": "12", "amount_minor": 100, "cut_minor": 5, "currency": "RUB", "account_text": "•••• 6789", "url": "https://portal.example/"},
    "payout_details_changed": {"name": EVIL, "url": "https://portal.example/"},
    "payout_returned": {"name": EVIL, "number": "12", "amount_minor": 100, "currency": "RUB", "reason": "Closed.", "url": "https://portal.example/"},
    "payout_rejected": {"name": EVIL, "number": "12", "amount_minor": 100, "currency": "RUB", "reason": "Closed.", "url": "https://portal.example/"},
    "act_made": {"name": EVIL, "number": 7, "year": 2026, "amount_minor": 100, "currency": "RUB", "url": "https://portal.example/"},
    "act_scanned": {"partner": EVIL, "number": 7, "year": 2026, "amount_minor": 100, "currency": "RUB", "url": "https://portal.example/"},
    "act_scan_refused": {"name": EVIL, "number": 7, "year": 2026, "reason": "No stamp.", "url": "https://portal.example/"},
    "receipt_wanted": {"name": EVIL, "number": 7, "amount_minor": 100, "currency": "RUB", "due_on": "9 December 2026", "url": "https://portal.example/"},
    "receipt_reminder": {"name": EVIL, "number": 7, "amount_minor": 100, "currency": "RUB", "due_on": "9 December 2026", "url": "https://portal.example/"},
    "receipt_refused": {"name": EVIL, "number": 7, "reason": "Another amount.", "url": "https://portal.example/"},
    "limit_near": {"partner": EVIL, "percent": 80, "year": 2026, "amount_minor": 100, "left_minor": 5, "limit_minor": 105, "currency": "RUB", "url": "https://portal.example/"},
}  # fmt: skip


@pytest.mark.parametrize("name", list(LETTERS))
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_letters_say_the_same_in_both_forms(name: str, lang: str) -> None:
    letter = mails.render_letter(name, locale=lang, program_name=EVIL, **LETTERS[name])
    assert "\n" not in letter.subject
    assert letter.subject.strip() == letter.subject != ""
    assert EVIL in letter.text
    assert EVIL not in letter.html
    assert "&lt;b&gt;&#34;x&#34;&lt;/b&gt;" in letter.html
    assert "{" not in letter.text + letter.subject
    for url in (value for key, value in LETTERS[name].items() if key.endswith("url")):
        assert url in letter.text
        assert url in letter.html
