"""People of a scenario: they sign in and fill in forms on the real pages, as browsers do."""

from html.parser import HTMLParser
from typing import Any

import httpx

from app.config import settings
from app.ui.render import CSRF_FIELD


class PersonError(Exception):
    """A page is not as a person needs it."""


class _Forms(HTMLParser):
    """Forms of a page: action and hidden or filled-in fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "input" and self.forms and values.get("name"):
            if values.get("type") in ("checkbox", "radio") and "checked" not in values:
                return
            self.forms[-1][1][values["name"]] = values.get("value", "")


class Person:
    """Somebody with a browser. Signs in anew for every action: days pass between them."""

    def __init__(self, app: Any, email: str, password: str) -> None:
        self._app = app
        self.email = email
        self._password = password

    async def submit(
        self, page: str, action: str, values: dict[str, str]
    ) -> tuple[httpx.Response, dict[str, str]]:
        """Open `page`, fill in the form with this action and send it; the answer, and what was sent.

        Where the page does not offer the form, it is sent all the same, as somebody with an old page would.
        """
        async with self._browser() as browser:
            await self._sign_in(browser)
            shown = await browser.get(page)
            if shown.status_code != 200:
                raise PersonError(f"{self.email}: {page} answers {shown.status_code}")
            forms = _forms(shown.text)
            fields = next((fields for where, fields in forms if where == action), None)
            if fields is None:
                fields = {CSRF_FIELD: _token(forms, page)}
            sent = fields | values
            return await browser.post(action, data=sent), sent

    async def repeat(self, page: str, action: str, sent: dict[str, str]) -> httpx.Response:
        """Send the same form again, with the token of a new session."""
        async with self._browser() as browser:
            await self._sign_in(browser)
            shown = await browser.get(page)
            return await browser.post(action, data=sent | {CSRF_FIELD: _token(_forms(shown.text), page)})

    async def _sign_in(self, browser: httpx.AsyncClient) -> None:
        shown = await browser.get("/sign-in")
        fields = next((fields for where, fields in _forms(shown.text) if where == "/sign-in"), None)
        if fields is None:
            raise PersonError("there is no form at /sign-in")
        answer = await browser.post(
            "/sign-in", data=fields | {"email": self.email, "password": self._password}
        )
        if answer.status_code != 303:
            raise PersonError(f"{self.email} cannot sign in: {answer.status_code}")

    def _browser(self) -> httpx.AsyncClient:
        base_url = settings().base_url
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url=base_url,
            headers={"Origin": base_url, "Sec-Fetch-Site": "same-origin", "Accept-Language": "en"},
        )


def _forms(page: str) -> list[tuple[str, dict[str, str]]]:
    parser = _Forms()
    parser.feed(page)
    return parser.forms


def _token(forms: list[tuple[str, dict[str, str]]], page: str) -> str:
    for _action, fields in forms:
        if CSRF_FIELD in fields:
            return fields[CSRF_FIELD]
    raise PersonError(f"no form of {page} has a token")
