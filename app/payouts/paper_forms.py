"""Forms of papers: both sides' details, the link of a receipt."""

import re
from dataclasses import fields
from urllib.parse import urlsplit

from app.partners import checks
from app.payouts.requisites import VAT_RATES, Side
from app.ui.forms import Form
from app.ui.i18n import LazyText, lazy
from app.ui.i18n import gettext as _

RECEIPT_HOST = "lknpd.nalog.ru"

LABELS: dict[str, LazyText] = {
    "full_name": lazy("Full name"),
    "tax_number": lazy("Tax number (INN)"),
    "kpp": lazy("KPP"),
    "ogrn": lazy("OGRN or OGRNIP"),
    "address": lazy("Legal address"),
    "signer": lazy("Who signs"),
    "signer_role": lazy("His office"),
    "signer_basis": lazy("Acts on the basis of"),
    "contract": lazy("Contract"),
    "vat": lazy("VAT"),
    "vat_reason": lazy("Why there is no VAT"),
}
"""By field of `requisites.Side`."""


def vat_options() -> list[tuple[str, str]]:
    """Value and label."""
    return [
        (rate, _("No VAT") if rate == "none" else _("%(rate)s%% inside the amount", rate=rate))
        for rate in VAT_RATES
    ]


def blank(side: Side) -> Form:
    """The form with what is known."""
    return Form.blank(**{one.name: getattr(side, one.name) for one in fields(side)})


def read_side(form: Form, *, company: bool) -> Side:
    """What a side says of itself; to be used only when `form.errors` is empty. Texts may stay empty, numbers must fit."""
    return Side(
        full_name=form.text("full_name", min_length=2, max_length=300),
        tax_number=_tax_number(form, company=company),
        kpp=_digits(form, "kpp", (9,), _("A KPP has nine digits.")) if company else "",
        ogrn=_digits(
            form,
            "ogrn",
            (13,) if company else (15,),
            _("An OGRN has 13 digits.") if company else _("An OGRNIP has 15 digits."),
        ),
        address=form.text("address", required=False, max_length=300),
        signer=form.text("signer", required=False, max_length=150),
        signer_role=form.text("signer_role", required=False, max_length=150),
        signer_basis=form.text("signer_basis", required=False, max_length=150),
        contract=form.text("contract", required=False, max_length=200),
        vat=form.one_of("vat", VAT_RATES, required=False) or "none",
        vat_reason=form.text("vat_reason", required=False, max_length=150),
    )


def read_receipt_url(form: Form) -> str:
    """The address of a receipt at the tax office: https, its own host, a page of a receipt."""
    typed = form.url("url", required=False)
    if not typed:
        return ""
    parts = urlsplit(typed)
    if (
        parts.scheme != "https"
        or (parts.hostname or "").lower() != RECEIPT_HOST
        or "/receipt/" not in parts.path
    ):
        form.fail(
            "url",
            _(
                "This is not the address of a receipt. It looks like "
                "https://lknpd.nalog.ru/api/v1/receipt/500100732259/20abc/print."
            ),
        )
        return ""
    if len(typed) > 500:
        form.fail("url", _("This address is too long."))
    return typed


def _tax_number(form: Form, *, company: bool) -> str:
    typed = _digits(
        form,
        "tax_number",
        (10,) if company else (12,),
        _("The tax number of a company has 10 digits.")
        if company
        else _("The tax number has 12 digits; only those of companies have 10."),
    )
    if typed and "tax_number" not in form.errors and not checks.inn_fits(typed, company=company):
        form.fail("tax_number", _("The check digits of this tax number are wrong: compare the last digits."))
    return typed


def _digits(form: Form, name: str, lengths: tuple[int, ...], message: str) -> str:
    typed = re.sub(r"[\s\u00a0\u202f-]", "", form.text(name, required=False, max_length=40))
    if typed and (not re.fullmatch(r"[0-9]+", typed) or len(typed) not in lengths):
        form.fail(name, message)
        return ""
    return typed
