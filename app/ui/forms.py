"""Raw form → values or field errors; what was typed is kept and shown again.

    form = Form(await request.form())
    email = form.email("email")
    amount = form.money("amount", "RUB", minimum=100_000)
    if form.errors:
        return render(request, "payouts/payouts.html", block="request_form", status=422, form=form, …)
    return RequestPayout(email, amount)

Each reader returns a value of its type; after an error that value is a harmless blank and must not be used, which is
why `errors` is asked before anything else. A page shows an empty form by `Form.blank(amount="1000.00")`.
Error texts say what to do, in the reader's language, and are made at once: a form lives for one request.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date as Date
from enum import StrEnum
from typing import Self, TypeVar
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from app.errors import DomainError
from app.ui.filters import exponent, money
from app.ui.i18n import gettext as _
from app.ui.i18n import ngettext

Choice = TypeVar("Choice", bound=StrEnum)

MAX_TEXT = 2000
MAX_AMOUNT_MINOR = 10**15
YEARS = (2000, 2200)
"""The first and the last that a form takes."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_AMOUNT = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,4}))?")
_RATE = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,4}))?")


class Form:
    """One submitted (or blank) form."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = {name: _as_texts(raw, name) for name in raw}
        self.errors: dict[str, str] = {}
        """Field name → what is wrong, in the order in which fields were read."""

    @classmethod
    def blank(cls, **values: object) -> Self:
        """A form nobody has sent yet, with values to begin with."""
        return cls(
            {name: value if isinstance(value, list | tuple) else str(value) for name, value in values.items()}
        )

    # -- for templates ---------------------------------------------------------------------------------------------

    def value(self, name: str) -> str:
        """What was typed into `name`, as it was typed."""
        texts = self._raw.get(name)
        return texts[0] if texts else ""

    def values(self, name: str) -> Sequence[str]:
        """All that was chosen under `name` (check boxes, several selects)."""
        return self._raw.get(name, [])

    def names(self) -> Sequence[str]:
        """All names that something was sent for."""
        return list(self._raw)

    def error(self, name: str) -> str | None:
        return self.errors.get(name)

    # -- for readers -----------------------------------------------------------------------------------------------

    def fail(self, name: str, message: str) -> None:
        """Mark `name` as wrong, with a translated sentence. The first error of a field stays."""
        self.errors.setdefault(name, message)

    def fail_with(self, error: DomainError, name: str = "") -> None:
        """Show a service's refusal: at the fields it names, else at `name` ("" is the form as a whole)."""
        for field in error.fields:
            self.fail(field.pointer.strip("/").replace("/", "."), _(field.detail, **field.values))
        if not error.fields:
            self.fail(name, _(error.message, **error.values))

    def text(self, name: str, *, required: bool = True, min_length: int = 0, max_length: int = 200) -> str:
        """One line or several, trimmed; invisible and control characters are refused."""
        typed = self.value(name).replace("\r\n", "\n").strip()
        if not typed:
            if required:
                self.fail(name, _("Fill in this field."))
            return ""
        if _CONTROL.search(typed):
            self.fail(
                name, _("There are invisible characters here. Type the text anew instead of pasting it.")
            )
            return ""
        if len(typed) > max_length:
            self.fail(
                name,
                ngettext(
                    "At most %(num)s character fits here.", "At most %(num)s characters fit here.", max_length
                ),
            )
            return ""
        if len(typed) < min_length:
            self.fail(
                name,
                ngettext(
                    "At least %(num)s character is needed.",
                    "At least %(num)s characters are needed.",
                    min_length,
                ),
            )
            return ""
        return typed

    def secret(self, name: str, *, max_length: int = 200) -> str:
        """A password: taken as it is, never trimmed and never shown again."""
        typed = self.value(name)
        self._raw.pop(name, None)
        if not typed:
            self.fail(name, _("Fill in this field."))
        elif len(typed) > max_length:
            self.fail(
                name,
                ngettext(
                    "At most %(num)s character fits here.", "At most %(num)s characters fit here.", max_length
                ),
            )
        return typed

    def email(self, name: str, *, required: bool = True) -> str:
        """An address by the RFCs, its domain lower-cased. Whether it can be reached is shown by a letter, not here."""
        typed = self.text(name, required=required, max_length=254)
        if not typed:
            return ""
        try:
            return validate_email(typed, check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError:
            self.fail(name, _("This is not an e-mail address. It looks like name@example.com."))
            return ""

    def url(self, name: str, *, required: bool = True, hosts: Sequence[str] | None = None) -> str:
        """An http(s) address; with `hosts`, only on one of these hosts."""
        typed = self.text(name, required=required, max_length=MAX_TEXT)
        if not typed:
            return ""
        try:
            parts = urlsplit(typed)
            host = (parts.hostname or "").lower()
            _port = parts.port  # raises for a port that is none
        except ValueError:
            host, parts = "", urlsplit("")
        if (
            parts.scheme not in ("http", "https")
            or not host
            or "." not in host + "."
            or " " in typed
            or parts.username
        ):
            self.fail(name, _("This is not an address of a page. It looks like https://example.com/page."))
            return ""
        if hosts is not None and host not in hosts:
            self.fail(name, _("Only pages of these sites can be used: %(hosts)s.", hosts=", ".join(hosts)))
            return ""
        return typed

    def integer(self, name: str, *, minimum: int, maximum: int, required: bool = True) -> int:
        typed = _digits(self.text(name, required=required))
        if not typed:
            return 0
        if not re.fullmatch(r"-?[0-9]{1,18}", typed) or not minimum <= int(typed) <= maximum:
            self.fail(
                name,
                _("Enter a whole number from %(minimum)s to %(maximum)s.", minimum=minimum, maximum=maximum),
            )
            return 0
        return int(typed)

    def money(self, name: str, currency: str, *, minimum: int = 1, maximum: int = MAX_AMOUNT_MINOR) -> int:
        """Minor units of `1 234,56` or `1234.56`; never more digits after the point than the currency has."""
        typed = _digits(self.text(name))
        if not typed:
            return 0
        match = _AMOUNT.fullmatch(typed)
        digits = exponent(currency)
        if match is None or len(match[2] or "") > digits:
            example = "1234.56" if digits == 2 else "1234" + ("." + "5" * digits if digits else "")
            self.fail(name, _("Enter an amount such as %(example)s.", example=example))
            return 0
        unit: int = 10**digits
        amount = int(match[1]) * unit + int((match[2] or "0").ljust(digits, "0") if digits else 0)
        if amount < minimum:
            self.fail(name, _("The least amount is %(amount)s.", amount=money(minimum, currency)))
        elif amount > maximum:
            self.fail(name, _("The largest amount is %(amount)s.", amount=money(maximum, currency)))
        return amount

    def rate(self, name: str) -> int:
        """Millionths of `7`, `7%` or `33.3333 %`, from 0 to 100 percent."""
        typed = _digits(self.text(name)).removesuffix("%")
        match = _RATE.fullmatch(typed)
        if match is None:
            self.fail(name, _("Enter a percentage such as 7.5."))
            return 0
        rate = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0"))
        if rate > 1_000_000:
            self.fail(name, _("A percentage is at most 100."))
            return 0
        return rate

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        """A member of `kind`; the first one after an error."""
        try:
            return kind(self.value(name))
        except ValueError:
            self.fail(name, _("Choose one of the options."))
            return next(iter(kind))

    def one_of(self, name: str, options: Sequence[str], *, required: bool = True) -> str:
        typed = self.value(name)
        if typed in options or (not typed and not required):
            return typed
        self.fail(name, _("Choose one of the options."))
        return ""

    def some_of(self, name: str, options: Sequence[str], *, at_least: int = 0) -> tuple[str, ...]:
        """Check boxes: every chosen one is among `options`; in their order, without repetitions."""
        chosen = set(self.values(name)) - {""}
        if not chosen <= set(options):
            self.fail(name, _("Choose one of the options."))
            return ()
        if len(chosen) < at_least:
            self.fail(
                name,
                ngettext("Choose at least %(num)s option.", "Choose at least %(num)s options.", at_least),
            )
        return tuple(option for option in options if option in chosen)

    def checked(self, name: str) -> bool:
        return self.value(name) not in ("", "0", "off", "false")

    def consent(self, name: str, message: str) -> bool:
        """A box that must be ticked; `message` says why."""
        if not self.checked(name):
            self.fail(name, message)
        return self.checked(name)

    def day(self, name: str, *, required: bool = True) -> Date | None:
        """An ISO date from `<input type=date>`; None when left empty or wrong.

        Of the years that a shop can have: midnights near the calendar's ends do not fit into every time zone.
        """
        typed = self.text(name, required=required)
        if not typed:
            return None
        try:
            day = Date.fromisoformat(typed)
        except ValueError:
            day = None
        if day is None or not YEARS[0] <= day.year <= YEARS[1]:
            self.fail(name, _("Enter a date such as 2026-11-22."))
            return None
        return day

    def code(
        self, name: str, *, pattern: str, message: str, max_length: int = 64, required: bool = True
    ) -> str:
        """A text that matches `pattern` as a whole, else `message`."""
        typed = self.text(name, required=required, max_length=max_length)
        if typed and not re.fullmatch(pattern, typed):
            self.fail(name, message)
            return ""
        return typed


def _digits(text: str) -> str:
    """Without the spaces, narrow and unbreakable ones too, that people put between thousands."""
    return re.sub(r"[\s\u00a0\u202f\u2009']", "", text).replace("\u2212", "-")


def _as_texts(raw: Mapping[str, object], name: str) -> list[str]:
    """All values of a name, from a plain mapping or a multi-dict; uploads are not texts and are read elsewhere."""
    get_all = getattr(raw, "getall", None)
    found = get_all(name) if get_all is not None else raw[name]
    values = found if isinstance(found, list | tuple) else [found]
    return [value for value in values if isinstance(value, str)]
