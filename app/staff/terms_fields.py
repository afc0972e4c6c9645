"""The forms of the terms, made from their shape: which fields a section has, and how values are typed into them.

A field's name is the path of its key, `levels[1].rate`, so what a check refuses by its path is shown at its field.
Amounts are typed in whole units of the program's currency, rates without the percent sign, lists one value a line.

    section_groups   the shape of a section as groups of fields, for the template
    typed_from       a document's section as what stands in the fields
    raw_from         what was typed as a document's section, for the shape to read
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.rules import terms_words as words
from app.rules.money import EXPONENTS
from app.rules.terms_schema import Choice, Day, Flag, Kind, Languages, Listing, Rate, Table
from app.rules.terms_shape import SHAPE
from app.ui.i18n import locale

Typed = dict[str, str | list[str]]

SECTIONS: dict[str, tuple[str, ...]] = {
    "attribution": ("attribution",),
    "base": ("base",),
    "levels": ("levels_policy", "levels"),
    "plans": ("plan_choice", "plans"),
    "tiers": ("tiers",),
    "sellers": ("sellers",),
    "bonuses": ("bonuses", "volume_bonuses"),
    "calculation": ("calculation",),
    "hold": ("hold",),
    "payout": ("payout",),
    "promo_codes": ("promo_codes",),
    "cashback": ("cashback",),
}
"""The pages of the form, and the keys of the document that each has. Currency and zone are fixed for good."""

LEVEL_CODES = ("plans[].levels", "volume_bonuses[].level")
"""Keys that name levels of the same document."""
NO_WORD = "—"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field."""

    path: str
    label: str
    hint: str
    widget: str
    """text, number, rate, money, day, lines, select, check, checks or order."""
    required: bool
    suffix: str = ""
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class FormRow:
    """One item of a list."""

    path: str
    title: str
    index: int
    fields: Sequence[FormField]


@dataclass(frozen=True, slots=True)
class FormGroup:
    """Fields under a heading; a list has rows instead of fields."""

    path: str
    title: str
    hint: str
    fields: Sequence[FormField] = ()
    rows: Sequence[FormRow] | None = None
    """None: not a list."""
    switch: bool = False
    """The whole group may be off."""


def section_groups(section: str, typed: Typed, document: Mapping[str, Any]) -> list[FormGroup]:
    """The fields of a section's page; as many rows of each list as were typed."""
    groups: list[FormGroup] = []
    for key in SECTIONS[section]:
        groups.extend(_groups(SHAPE.keys[key], key, typed, document))
    return groups


def typed_from(section: str, document: Mapping[str, Any]) -> Typed:
    """What stands in the fields of a section for a document."""
    typed: Typed = {}
    for key in SECTIONS[section]:
        if key in document:
            _flatten(SHAPE.keys[key], key, document[key], document, None, typed)
        if _optional(SHAPE.keys[key]):
            typed[key] = "yes" if key in document else ""
            if key not in document:
                _flatten(SHAPE.keys[key], key, SHAPE.keys[key].read({}, key, []), document, None, typed)
    return typed


def blank_row(path: str, document: Mapping[str, Any]) -> Typed:
    """What stands in a new row of a list, at `path[0]`."""
    listing = kind_at(path)
    assert isinstance(listing, Listing), "rows belong to lists"
    typed: Typed = {}
    _flatten(listing.kind, f"{path}[0]", listing.kind.read({}, "", []), document, {}, typed)
    return typed


def kind_at(path: str) -> Kind | None:
    """The kind of a key by its path without indexes; None: there is no such key."""
    kind: Kind | None = SHAPE
    for key in path.replace("[]", "").split("."):
        kind = kind.kind if isinstance(kind, Listing) else kind
        kind = kind.keys.get(key) if isinstance(kind, Table) else None
    return kind


def rows_typed(path: str, typed: Mapping[str, object]) -> int:
    """How many rows of a list were typed."""
    found = (re.match(rf"{re.escape(path)}\[(\d{{1,4}})\]", name) for name in typed)
    return max((int(one[1]) + 1 for one in found if one), default=0)


def widget_of(path: str, kind: Kind) -> str:
    """How a key of this kind is typed."""
    known = words.general(path)
    match kind:
        case Choice():
            return "select"
        case Flag():
            return "check"
        case Rate():
            return "rate"
        case Day():
            return "day"
        case Listing(kind=Choice()):
            return "order" if known == "attribution.precedence" else "checks"
        case Listing():
            return "checks" if known in LEVEL_CODES else "lines"
        case _:
            return "select" if known in LEVEL_CODES else "text"


def _optional(kind: Kind) -> bool:
    return isinstance(kind, Table) and kind.optional


def _groups(kind: Kind, path: str, typed: Typed, document: Mapping[str, Any]) -> list[FormGroup]:
    if isinstance(kind, Listing) and isinstance(kind.kind, Table):
        rows = [
            FormRow(
                f"{path}[{index}]",
                _row_title(f"{path}[{index}]", typed, index),
                index,
                _fields(kind.kind, f"{path}[{index}]", typed, document),
            )
            for index in range(rows_typed(path, typed))
        ]
        return [FormGroup(path, *_about(path), rows=rows)]
    assert isinstance(kind, Table), "a section is a table or a list of tables"
    plain = {key: one for key, one in kind.keys.items() if not _is_rows(one)}
    group = FormGroup(
        path, *_about(path), fields=_fields(Table(plain), path, typed, document), switch=kind.optional
    )
    inner = [
        found
        for key, one in kind.keys.items()
        if _is_rows(one)
        for found in _groups(one, f"{path}.{key}", typed, document)
    ]
    return [group, *inner]


def _is_rows(kind: Kind) -> bool:
    return isinstance(kind, Listing) and isinstance(kind.kind, Table)


def _about(path: str) -> tuple[str, str]:
    return words.label(path, locale()), words.help_text(path, locale())


def _row_title(path: str, typed: Typed, index: int) -> str:
    for key in (f"name.{locale()}", "code", "level"):
        text = typed.get(f"{path}.{key}")
        if isinstance(text, str) and text:
            return text
    return str(index + 1)


def _fields(table: Table, path: str, typed: Typed, document: Mapping[str, Any]) -> list[FormField]:
    fields: list[FormField] = []
    for key, kind in table.keys.items():
        inner = f"{path}.{key}"
        if isinstance(kind, Table):
            fields.extend(_fields(kind, inner, typed, document))
        elif isinstance(kind, Languages):
            label, hint = _about(inner)
            said = {code: words.sentence(f"names.{code}", locale()) for code in kind.codes}
            fields.extend(
                FormField(f"{inner}.{code}", f"{label}, {said[code]}", hint, "text", required=False)
                for code in kind.codes
            )
        else:
            fields.append(_field(inner, kind, typed, document))
    return fields


def _field(path: str, kind: Kind, typed: Typed, document: Mapping[str, Any]) -> FormField:
    label, hint = _about(path)
    widget = widget_of(path, kind)
    item = {"count": typed.get(path.rpartition(".")[0] + ".count")}
    counted = "" if widget != "text" else words.unit(path, _with_typed(document, typed), item)
    suffix = {"money": document["currency"], "days": words.unit_word("days", locale())}.get(counted, "")
    if counted in ("minutes", "years"):
        suffix = words.unit_word(counted, locale())
    return FormField(
        path,
        label,
        hint,
        "money" if counted == "money" else widget,
        required=kind.default is not None and widget not in ("lines", "checks", "check", "order"),
        suffix="%" if widget == "rate" else suffix,
        options=_options(path, kind, document),
    )


def _with_typed(document: Mapping[str, Any], typed: Typed) -> Mapping[str, Any]:
    """The document with the keys that say what other numbers count, as they are typed at the moment."""
    tables = dict(document)
    for path, _money in words.COUNTED_IN.values():
        table, _, key = path.partition(".")
        if isinstance(typed.get(path), str):
            tables[table] = {**tables.get(table, {}), key: typed[path]}
    return tables


def _options(path: str, kind: Kind, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    if words.general(path) in LEVEL_CODES:
        return [
            (level["code"], level.get("name", {}).get(locale()) or level["code"])
            for level in document["levels"]
        ]
    choice = kind.kind if isinstance(kind, Listing) else kind
    if not isinstance(choice, Choice):
        return []
    found = [(value, words.word(path, value, locale())) for value in choice.values]
    return [("", NO_WORD), *found] if kind.default is None else found


def _flatten(
    kind: Kind,
    path: str,
    value: Any,
    document: Mapping[str, Any],
    item: Mapping[str, Any] | None,
    typed: Typed,
) -> None:
    """Put what stands in the fields for a value of the document into `typed`."""
    if isinstance(kind, Table):
        inside = value if path.endswith("]") else item
        for key, one in kind.keys.items():
            _flatten(one, f"{path}.{key}", value.get(key), document, inside, typed)
    elif isinstance(kind, Languages):
        for code in kind.codes:
            typed[f"{path}.{code}"] = (value or {}).get(code, "")
    elif _is_rows(kind):
        assert isinstance(kind, Listing)
        for index, one in enumerate(value or []):
            _flatten(kind.kind, f"{path}[{index}]", one, document, one, typed)
    elif isinstance(kind, Listing):
        texts = [_text(path, one, document, item) for one in value or []]
        typed[path] = "\n".join(texts) if widget_of(path, kind) == "lines" else texts
    elif isinstance(kind, Flag):
        typed[path] = "yes" if value else ""
    else:
        typed[path] = "" if value is None else _text(path, value, document, item)


def _text(path: str, value: Any, document: Mapping[str, Any], item: Mapping[str, Any] | None) -> str:
    if isinstance(value, str) and re.fullmatch(r"[0-9.]+%", value):
        return value.removesuffix("%")
    if isinstance(value, int) and words.unit(path, document, item) == "money":
        exponent = EXPONENTS[document["currency"]]
        return f"{Decimal(value).scaleb(-exponent):.{exponent}f}"
    return str(value)
