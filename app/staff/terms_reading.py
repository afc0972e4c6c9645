"""What was typed into the forms of the terms, read into sections of a document; rows added, removed and moved."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.rules import terms_words as words
from app.rules.money import EXPONENTS
from app.rules.terms_document import contradictions
from app.rules.terms_messages import TermsProblem
from app.rules.terms_schema import MISSING, Flag, Kind, Languages, Listing, Rate, Table
from app.rules.terms_shape import SHAPE
from app.staff.terms_fields import SECTIONS, Typed, blank_row, kind_at, rows_typed, widget_of
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import locale

_NAME = re.compile(r"[a-z_]+(?:\[\d{1,4}\])?(?:\.[a-z_]+(?:\[\d{1,4}\])?)*")
ROWS_MAX = 500


def typed_of(sent: Any) -> Typed:
    """The fields of a posted form: all values of each name that can be a path."""
    names = dict.fromkeys(name for name in sent if _NAME.fullmatch(name))
    return {name: [one for one in sent.getall(name) if isinstance(one, str)] for name in names}


def read_section(section: str, form: Form, document: Mapping[str, Any]) -> dict[str, Any]:
    """The section as typed, complete; None for a table that is off. What is wrong is marked in the form."""
    found: dict[str, Any] = {}
    problems: list[TermsProblem] = []
    for key in SECTIONS[section]:
        kind = SHAPE.keys[key]
        if isinstance(kind, Table) and kind.optional and not form.checked(key):
            found[key] = None
            continue
        found[key] = kind.read(_raw(kind, key, form, document, found), key, problems)
    if not form.errors and not problems:
        whole = {name: one for name, one in {**document, **found}.items() if one is not None}
        problems = [one for one in contradictions(whole) if section_of(one.path) == section]
    for problem in problems:
        mark(form, problem)
    return found


def mark(form: Form, problem: TermsProblem) -> None:
    """Show a problem at the field of its path; one of a list's value at the list, with the number of its line."""
    path, text = problem.path, problem.message(locale())
    at_line = re.fullmatch(r"(.+)\[(\d+)\]", path)
    if at_line and not _is_list_of_rows(at_line[1]):
        path, line = at_line[1], int(at_line[2]) + 1
        text = _("Line %(line)s: %(problem)s", line=line, problem=text)
    form.fail(path, text)


def section_of(path: str) -> str:
    """The page of the form on which a path of the document stands; empty: none."""
    key = re.split(r"[.\[]", path, maxsplit=1)[0]
    return next((section for section, keys in SECTIONS.items() if key in keys), "")


def change_rows(typed: Typed, action: str, document: Mapping[str, Any]) -> Typed:
    """Rows after `add:levels`, `remove:levels:1`, `up:levels:1` or `down:levels:1`; the rest as it was typed."""
    what, _colon, rest = action.partition(":")
    path, _colon, number = rest.partition(":")
    if not _is_list_of_rows(path) or not re.fullmatch(r"\d{0,4}", number):
        return typed
    rows = [_row(typed, path, index) for index in range(rows_typed(path, typed))]
    place = int(number or 0)
    if what == "add" and len(rows) < ROWS_MAX:
        rows.append(_row(blank_row(path, document), path, 0))
    elif what == "remove" and place < len(rows):
        del rows[place]
    elif what in ("up", "down"):
        other = place - 1 if what == "up" else place + 1
        if 0 <= other < len(rows) and place < len(rows):
            rows[place], rows[other] = rows[other], rows[place]
    kept = {name: value for name, value in typed.items() if not name.startswith(f"{path}[")}
    for index, row in enumerate(rows):
        kept |= {f"{path}[{index}]{name}": value for name, value in row.items()}
    return kept


def _row(typed: Typed, path: str, index: int) -> Typed:
    start = f"{path}[{index}]"
    return {name.removeprefix(start): value for name, value in typed.items() if name.startswith(f"{start}.")}


def _is_list_of_rows(path: str) -> bool:
    kind = kind_at(words.general(path))
    return isinstance(kind, Listing) and isinstance(kind.kind, Table)


def _raw(kind: Kind, path: str, form: Form, document: Mapping[str, Any], read: Mapping[str, Any]) -> Any:
    """What the shape reads: tables, lists, numbers; a key that was left empty is left out where it may be."""
    if isinstance(kind, Table):
        keys = ((key, _raw(one, f"{path}.{key}", form, document, read)) for key, one in kind.keys.items())
        return {key: value for key, value in keys if value is not MISSING}
    if isinstance(kind, Languages):
        said = {code: form.value(f"{path}.{code}").strip() for code in kind.codes}
        return {code: text for code, text in said.items() if text}
    if isinstance(kind, Listing) and isinstance(kind.kind, Table):
        names = dict.fromkeys(form.names(), "")
        return [
            _raw(kind.kind, f"{path}[{index}]", form, document, read)
            for index in range(min(rows_typed(path, names), ROWS_MAX))
        ]
    if isinstance(kind, Listing):
        texts = form.value(path).splitlines() if widget_of(path, kind) == "lines" else form.values(path)
        return [_one(kind.kind, path, text.strip(), form, document) for text in texts if text.strip()]
    if isinstance(kind, Flag):
        return form.checked(path)
    text = form.value(path).strip()
    if not text and kind.default is None:
        return MISSING
    counted = words.unit(
        path, {**document, **read}, {"count": form.value(f"{path.rpartition('.')[0]}.count")}
    )
    if counted == "money" and widget_of(path, kind) == "text":
        return _minor(path, text, form, document["currency"])
    return _one(kind, path, text, form, document)


def _one(kind: Kind, path: str, text: str, form: Form, document: Mapping[str, Any]) -> Any:
    if isinstance(kind, Rate):
        return text.replace(",", ".").replace(" ", "").replace("\u00a0", "").removesuffix("%") + "%"
    plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace("\u2212", "-")
    if widget_of(path, kind) == "text" and hasattr(kind, "least") and re.fullmatch(r"-?\d{1,18}", plain):
        return int(plain)
    return text


def _minor(path: str, text: str, form: Form, currency: str) -> int:
    """An amount in whole units as minor ones."""
    exponent = EXPONENTS[currency]
    plain = re.sub(r"[\s\u00a0\u202f']", "", text).replace(",", ".")
    try:
        amount = Decimal(plain).scaleb(exponent)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not re.fullmatch(r"\d{1,15}(\.\d{1,4})?", plain) or amount != amount.to_integral_value():
        example = f"1234.{'5' * exponent}" if exponent else "1234"
        form.fail(path, _("Enter an amount such as %(example)s.", example=example))
        return 0
    return int(amount)
