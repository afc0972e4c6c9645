"""The questionnaire: what was typed → answers, or errors that say what to do."""

import re
from dataclasses import dataclass

import phonenumbers

from app.errors import DomainError
from app.partners import checks
from app.partners.payout_details import NewPayoutDetails
from app.partners.words import CHANNELS, KINDS, PAYOUT_METHODS, SECTORS
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.users.passwords import check_strength

MAX_ADDRESSES = 10


@dataclass(frozen=True, slots=True)
class Answers:
    """A questionnaire in which every field was checked."""

    name: str
    """Person or company."""
    phone: str
    """E.164."""
    kind: str
    """A key of KINDS."""
    tax_number: str
    """INN."""
    sector: str
    channels: tuple[str, ...]
    channel_urls: str
    """One a line."""
    comment: str
    payout: NewPayoutDetails
    terms_version: int
    """The version of the conditions that he read and accepted."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What somebody who is not known yet signs in with."""

    email: str
    password: str


def read_answers(form: Form, *, methods: tuple[str, ...], terms_version: int) -> Answers:
    """The answers; to be used only when `form.errors` is empty afterwards.

    `methods`: how the program pays; `terms_version`: the version in force, which must be the one that was accepted.
    """
    name = form.text("name", min_length=2, max_length=150)
    phone = _phone(form)
    kind = form.one_of("kind", tuple(KINDS))
    answers = Answers(
        name=name,
        phone=phone,
        kind=kind,
        tax_number=_tax_number(form, company=kind == "company"),
        sector=form.one_of("sector", tuple(SECTORS)),
        channels=form.some_of("channels", tuple(CHANNELS), at_least=1),
        channel_urls=_addresses(form),
        comment=form.text("comment", required=False, max_length=2000),
        payout=read_payout(form, methods),
        terms_version=terms_version,
    )
    _consents(form, terms_version)
    return answers


def read_account(form: Form) -> NewAccount:
    """E-mail and password of a new user. The password is not shown again."""
    email = form.email("email").lower()
    password = form.secret("password", max_length=128)
    if password:
        try:
            check_strength(password, email=email)
        except DomainError as error:
            form.fail_with(error, "password")
    return NewAccount(email, password)


def _phone(form: Form) -> str:
    """As E.164; a number without a country is a Russian one."""
    typed = form.text("phone", max_length=40)
    if not typed:
        return ""
    try:
        number = phonenumbers.parse(typed, "RU")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        form.fail("phone", _("This is not a phone number. It looks like +7 900 000-00-00."))
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _tax_number(form: Form, *, company: bool) -> str:
    typed = _digits_of(form.text("tax_number", max_length=20))
    length = 10 if company else 12
    if not typed:
        return ""
    if len(typed) != length or not typed.isdigit():
        form.fail(
            "tax_number",
            _("The tax number of a company has 10 digits.")
            if company
            else _("The tax number has 12 digits; only those of companies have 10."),
        )
    elif not checks.inn_fits(typed, company=company):
        form.fail("tax_number", _("The check digits of this tax number are wrong: compare the last digits."))
    return typed


def _addresses(form: Form) -> str:
    typed = form.text("channel_urls", required=False, max_length=2000)
    lines = [line.strip() for line in re.split(r"[\s,;]+", typed) if line.strip()]
    if len(lines) > MAX_ADDRESSES:
        form.fail("channel_urls", _("Give at most %(number)s addresses.", number=MAX_ADDRESSES))
    for line in lines:
        one = Form({"channel_urls": line})
        one.url("channel_urls")
        for message in one.errors.values():
            form.fail("channel_urls", message)
    return "\n".join(lines)


def read_payout(form: Form, methods: tuple[str, ...]) -> NewPayoutDetails:
    """Where money is to be sent, checked by its control digits."""
    method = form.one_of("method", [one for one in PAYOUT_METHODS if one in methods])
    if method == "internal_account":
        return NewPayoutDetails(method)
    holder = form.text("holder", min_length=2, max_length=150)
    account = _digits_of(form.text("account", max_length=40))
    bik = ""
    if method == "bank_account":
        bik = _digits_of(form.text("bik", max_length=20))
        _check_account(form, account, bik)
    elif method == "card" and account and not checks.card_fits(account):
        form.fail("account", _("This is not a card number: compare it with the card, digit by digit."))
    elif method == "e_wallet" and account and re.fullmatch(r"[0-9]{11,20}", account) is None:
        form.fail("account", _("The number of a wallet has 11 to 20 digits."))
    return NewPayoutDetails(method, holder, account, bik)


def _check_account(form: Form, account: str, bik: str) -> None:
    if bik and not checks.bik_fits(bik):
        form.fail("bik", _("A BIK has nine digits and begins with 04."))
    elif account and re.fullmatch(r"[0-9]{20}", account) is None:
        form.fail("account", _("A bank account has 20 digits."))
    elif account and bik and not checks.account_fits(account, bik):
        form.fail("account", _("This account does not fit the bank's BIK: one of the two has a wrong digit."))


def _consents(form: Form, terms_version: int) -> None:
    if form.value("terms_version") != str(terms_version):
        form.fail(
            "terms_accepted",
            _(
                "The terms have changed meanwhile. Read version %(version)s and accept it.",
                version=terms_version,
            ),
        )
    form.consent("terms_accepted", _("Without your consent to the terms we cannot take you in."))
    form.consent("privacy_accepted", _("Without this consent we may not read your application."))


def _digits_of(text: str) -> str:
    """Without the spaces and hyphens that people put between groups of digits."""
    return re.sub(r"[\s\u00a0\u202f-]", "", text)
