"""Languages: which one the reader gets, and messages in it.

Source strings are English; `app/locale/ru/LC_MESSAGES/messages.po` holds the Russian ones. Catalogues are compiled in
memory when first asked for, so there is no build step and no `.mo` file that could be stale.
The language and the time zone of the reader are context variables: `render()` sets them for a page, `mail.send` for a mail.
"""

import gettext as gettext_module
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "ru"
DEFAULT_ZONE = "Europe/Moscow"
LOCALE_DIR = Path(__file__).resolve().parent.parent / "locale"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)
_zone: ContextVar[str] = ContextVar("zone", default=DEFAULT_ZONE)


def locale() -> str:
    """Language of the reader at hand: one of `LOCALES`."""
    return _locale.get()


def zone() -> ZoneInfo:
    """Time zone in which moments are shown to the reader at hand."""
    return zone_named(_zone.get())


@lru_cache(maxsize=64)
def zone_named(name: str) -> ZoneInfo:
    """The zone `name`; an unknown one (written by hand into the database) falls back to `DEFAULT_ZONE`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULT_ZONE)


@contextmanager
def use_locale(code: str, zone_name: str | None = None) -> Iterator[None]:
    """Speak `code` (and show moments in `zone_name`, unchanged when None) inside the block."""
    token = _locale.set(code if code in LOCALES else DEFAULT_LOCALE)
    zone_token = _zone.set(zone_name) if zone_name else None
    try:
        yield
    finally:
        _locale.reset(token)
        if zone_token is not None:
            _zone.reset(zone_token)


def translate(message: str) -> str:
    """`message` in the reader's language, its places left as they are."""
    return _catalogue(_locale.get()).gettext(message) if message else ""


def translate_plural(singular: str, plural: str, number: int) -> str:
    """The form that fits `number`, its places left as they are."""
    return _catalogue(_locale.get()).ngettext(singular, plural, number)


def gettext(message: str, /, **values: object) -> str:
    """`message` in the reader's language, its `%(name)s` places filled with `values`."""
    text = translate(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """The form that fits `number`, which fills the place `%(num)s`."""
    return translate_plural(singular, plural, number) % {"num": number, **values}


_ = gettext


class LazyText:
    """A message that is translated when it is shown, for constants that are read in many languages."""

    __slots__ = ("message", "values")

    def __init__(self, message: str, /, **values: object) -> None:
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return gettext(self.message, **self.values)

    def __repr__(self) -> str:
        return f"LazyText({self.message!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyText) and (self.message, self.values) == (other.message, other.values)

    def __hash__(self) -> int:
        return hash(self.message)


def lazy(message: str, /, **values: object) -> LazyText:
    """Mark `message` for translation now, translate it when it is shown."""
    return LazyText(message, **values)


def N_(message: str) -> str:  # noqa: N802 - the name that the catalogue's tools look for
    """Mark `message` for translation and leave it as it is: a page translates it when it shows it."""
    return message


def in_locale(texts: dict[str, str]) -> str:
    """The reader's text out of a document's `{ru = "…", en = "…"}`; any other when his is missing."""
    return texts.get(_locale.get()) or next((text for text in texts.values() if text), "")


def choose_locale(
    *, chosen: str | None = None, cookie: str | None = None, accept_language: str | None = None
) -> str:
    """User's own choice, else the cookie `lang`, else the browser's Accept-Language, else Russian."""
    for code in (chosen, cookie):
        if code in LOCALES:
            return str(code)
    for code in _wanted(accept_language or ""):
        if code in LOCALES:
            return code
    return DEFAULT_LOCALE


def _wanted(header: str) -> list[str]:
    """Primary language codes of an Accept-Language header (RFC 9110 §12.5.4), the most wanted first."""
    weighted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _sep, parameter = part.strip().partition(";")
        weight = 1.0
        if parameter.strip().startswith("q="):
            try:
                weight = float(parameter.strip()[2:])
            except ValueError:
                continue
        if tag and weight > 0:
            weighted.append((-weight, place, tag.split("-")[0].lower()))
    return [code for _weight, _place, code in sorted(weighted)]


@lru_cache(maxsize=len(LOCALES))
def _catalogue(code: str) -> gettext_module.NullTranslations:
    path = LOCALE_DIR / code / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as source:
        catalogue = read_po(source, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext_module.GNUTranslations(compiled)


def warm_up() -> None:
    """Compile every catalogue now, so that the first reader does not wait and a broken file stops the start."""
    for code in LOCALES:
        _catalogue(code)
