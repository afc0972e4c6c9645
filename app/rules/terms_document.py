"""Reading, checking, merging and writing documents of terms (rules.md §3, §16 "`tandem terms check`").

parse_terms(document) -> Terms        checks everything, raises TermsError naming every mistake by its path
complete_document(document) -> dict   the canonical document, all defaults filled in; the same checks
merge_document(present, changes)      tables are merged, values and lists replaced
check_successor(present, following)   what may not change between two versions
read_toml(text) -> dict               the file form; terms_toml.dump_toml writes it
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from app.rules.money import PPM, parse_rate
from app.rules.terms import Terms
from app.rules.terms_messages import TermsError, TermsProblem
from app.rules.terms_shape import SHAPE
from app.rules.terms_typed import typed_terms

Document = dict[str, Any]


def parse_terms(document: Mapping[str, Any]) -> Terms:
    """The typed terms of a document, which may leave out what has a default. Raises TermsError."""
    return typed_terms(complete_document(document))


def complete_document(document: Mapping[str, Any]) -> Document:
    """The canonical document, checked in itself."""
    problems: list[TermsProblem] = []
    if not isinstance(document, Mapping):
        raise TermsError([TermsProblem("", "not_a_table")])
    complete: Document = SHAPE.read(document, "", problems)
    if not problems:
        problems.extend(contradictions(complete))
    if problems:
        raise TermsError(problems)
    return complete


def merge_document(present: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """The present document with changes laid over it: tables merge, values and whole lists are replaced."""
    merged = dict(present)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = merge_document(old, value)
        else:
            merged[key] = value
    return merged


def check_successor(present: Terms, following: Terms) -> None:
    """What must not change between two versions of one program's terms. Raises TermsError.

    Money is kept in minor units of the currency, and turnover by months of the zone, so neither can change.
    """
    problems = [
        TermsProblem(key, "fixed_for_good")
        for key in ("currency", "time_zone")
        if present.document[key] != following.document[key]
    ]
    measured = (present.document["plan_choice"]["measure"], following.document["plan_choice"]["measure"])
    if measured[0] != measured[1] and any(plan["active"] for plan in present.document["plans"]):
        problems.append(TermsProblem("plan_choice.measure", "measure_changed"))
    if problems:
        raise TermsError(problems)


def read_toml(text: str) -> Document:
    """A document from its file form, not yet checked. Raises TermsError where it is not TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Not TOML, or a number of thousands of digits, or lists in lists without an end.
        raise TermsError([TermsProblem("", "bad_toml", {"detail": str(error)[:200]})]) from None


def contradictions(complete: Document) -> list[TermsProblem]:
    """What is wrong between keys, where each by itself is right."""
    problems: list[TermsProblem] = []
    for name in ("levels", "plans", "bonuses"):
        problems.extend(_repeated_codes(name, complete[name]))
    levels = complete["levels"]
    problems.extend(
        TermsProblem(f"levels[{index}].from", "not_rising")
        for index in range(1, len(levels))
        if levels[index]["from"] <= levels[index - 1]["from"]
    )
    position = complete["attribution"]["position"]
    if parse_rate(position["first"]) + parse_rate(position["last"]) > PPM:
        problems.append(TermsProblem("attribution.position", "above_whole"))
    codes = {level["code"] for level in levels}
    for index, plan in enumerate(complete["plans"]):
        problems.extend(_plan_problems(f"plans[{index}]", plan, codes))
    problems.extend(_volume_bonus_problems(complete["volume_bonuses"], codes))
    rules = complete.get("cashback", {}).get("rules", [])
    problems.extend(_repeated_codes("cashback.rules", rules))
    for index, rule in enumerate(rules):
        path = f"cashback.rules[{index}]"
        problems.extend(_date_problems(path, rule))
        if rule["condition"] in ("category", "brand", "product") and not rule["values"]:
            problems.append(TermsProblem(f"{path}.values", "needs_values"))
    return problems


def _plan_problems(path: str, plan: Document, level_codes: set[str]) -> list[TermsProblem]:
    problems = _date_problems(path, plan)
    if ("rate" in plan) == ("fixed_minor" in plan):
        problems.append(TermsProblem(path, "rate_or_fixed"))
    elif ("fixed_minor" in plan) != ("per" in plan):
        problems.append(TermsProblem(f"{path}.per", "per_with_fixed"))
    for index, code in enumerate(plan["levels"]):
        if code not in level_codes:
            problems.append(TermsProblem(f"{path}.levels[{index}]", "unknown_level", {"value": code}))
    return problems


def _volume_bonus_problems(bonuses: list[Document], level_codes: set[str]) -> list[TermsProblem]:
    """Of several that fit the highest `from` decides, so no two may be alike in level and `from`."""
    problems, known = [], set()
    for index, bonus in enumerate(bonuses):
        path, level = f"volume_bonuses[{index}]", bonus.get("level")
        if level is not None and level not in level_codes:
            problems.append(TermsProblem(f"{path}.level", "unknown_level", {"value": level}))
        if (level, bonus["from"]) in known:
            problems.append(TermsProblem(f"{path}.from", "duplicate", {"value": bonus["from"]}))
        known.add((level, bonus["from"]))
    return problems


def _date_problems(path: str, item: Document) -> list[TermsProblem]:
    if "valid_from" in item and "valid_to" in item and item["valid_to"] < item["valid_from"]:
        return [TermsProblem(f"{path}.valid_to", "ends_before_begins")]
    return []


def _repeated_codes(name: str, items: list[Document]) -> list[TermsProblem]:
    problems, known = [], set()
    for index, item in enumerate(items):
        if item["code"] in known:
            problems.append(TermsProblem(f"{name}[{index}].code", "duplicate", {"value": item["code"]}))
        known.add(item["code"])
    return problems
