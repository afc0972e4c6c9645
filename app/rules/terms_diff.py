"""What changed between two documents of terms: as data (`difference`), and in words (`in_words`).

Both documents are canonical (`complete_document`). Items of lists are matched by their code, so a plan that was moved
and renamed in nothing else is one that was moved, not one removed and one added.

    Silver → Rate: 7 % → 8 %
    Plans: added — phones, Rate 6 %, Categories phones
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.rules import terms_words as words
from app.rules.terms_shape import SHAPE

Document = Mapping[str, Any]
Money = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class TermsChange:
    """One thing that is different."""

    section: str
    """The first key of the path: `levels`."""
    path: str
    """`levels[silver].rate`: items by their code, not by their place."""
    kind: str
    """changed, set, unset; added, removed, reordered (values of a list); item_added, item_removed, moved (items of
    a list of tables); on, off (a table that may be absent)."""
    before: Any = None
    after: Any = None
    item: Document | None = None
    """The item of a list that the key belongs to, as it is afterwards."""


def difference(before: Document, after: Document) -> list[TermsChange]:
    """All changes from one canonical document to another, in the order of rules.md §3."""
    changes: list[TermsChange] = []
    for section in (*SHAPE.keys, *sorted((before.keys() | after.keys()) - SHAPE.keys.keys())):
        changes.extend(_value(section, section, before.get(section), after.get(section), None))
    return changes


def in_words(
    changes: Iterable[TermsChange], before: Document, after: Document, language: str, money: Money
) -> list[str]:
    """The changes as sentences; `money` shows an amount in minor units of the program's currency."""
    return [_sentence(change, before, after, language, money) for change in changes]


def item_code(section: str, item: Document) -> str:
    """What tells an item of a list from the others."""
    if "code" in item:
        return str(item["code"])
    return f"{item.get('level', '')}/{item.get('from', '')}"


def _value(section: str, path: str, before: Any, after: Any, item: Document | None) -> Iterable[TermsChange]:
    if before == after:
        return
    sample = after if after is not None else before
    if isinstance(sample, Mapping):
        yield from _table(section, path, before, after, item)
    elif isinstance(sample, list):
        yield from _list(section, path, before or [], after or [], item)
    else:
        kind = "changed" if None not in (before, after) else "set" if before is None else "unset"
        yield TermsChange(section, path, kind, before, after, item)


def _table(
    section: str, path: str, before: Document | None, after: Document | None, item: Document | None
) -> Iterable[TermsChange]:
    """Keys one by one; a table that was absent is switched on as a whole."""
    if path == section and (before is None or after is None):
        yield TermsChange(section, path, "off" if after is None else "on", before, after)
        return
    old, new = before or {}, after or {}
    for key in (*new, *(key for key in old if key not in new)):
        yield from _value(section, f"{path}.{key}", old.get(key), new.get(key), item)


def _list(
    section: str, path: str, before: Sequence[Any], after: Sequence[Any], item: Document | None
) -> Iterable[TermsChange]:
    if any(isinstance(one, Mapping) for one in (*before, *after)):
        yield from _items(section, path, before, after)
        return
    if path == "tiers.rates":
        yield from _places(section, path, before, after)
        return
    for one in before:
        if one not in after:
            yield TermsChange(section, path, "removed", before=one, item=item)
    for one in after:
        if one not in before:
            yield TermsChange(section, path, "added", after=one, item=item)
    if sorted(before, key=str) == sorted(after, key=str):
        yield TermsChange(section, path, "reordered", list(before), list(after), item)


def _places(section: str, path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterable[TermsChange]:
    """A list whose places mean something: tier 1, tier 2, …"""
    for place in range(max(len(before), len(after))):
        old = before[place] if place < len(before) else None
        new = after[place] if place < len(after) else None
        yield from _value(section, f"{path}[{place + 1}]", old, new, None)


def _items(section: str, path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterable[TermsChange]:
    old = {item_code(section, one): one for one in before}
    new = {item_code(section, one): one for one in after}
    for code, one in old.items():
        if code not in new:
            yield TermsChange(section, f"{path}[{code}]", "item_removed", before=one, item=one)
    for code, one in new.items():
        if code not in old:
            yield TermsChange(section, f"{path}[{code}]", "item_added", after=one, item=one)
        else:
            yield from _table(section, f"{path}[{code}]", old[code], one, one)
    stayed = [code for code in old if code in new]
    now = [code for code in new if code in old]
    for place, code in enumerate(now):
        # Levels stand in the order of their thresholds: a new place is only the effect of a new threshold.
        if section != "levels" and stayed.index(code) != place:
            yield TermsChange(
                section, f"{path}[{code}]", "moved", stayed.index(code) + 1, place + 1, new[code]
            )


def _sentence(change: TermsChange, before: Document, after: Document, language: str, money: Money) -> str:
    def show(value: Any, document: Document) -> str:
        if isinstance(value, Mapping):
            return _described(change.path, value, document, language, money)
        return words.shown(change.path, value, document, language, money, change.item)

    texts: dict[str, str] = {"where": _where(change, language)}
    if change.kind == "moved":
        texts |= {"before": str(change.before), "after": str(change.after)}
    else:
        texts["before"] = "" if change.before is None else show(change.before, before)
        texts["after"] = "" if change.after is None else show(change.after, after)
    return words.sentence(change.kind, language).format(**texts)


def _where(change: TermsChange, language: str) -> str:
    """`Levels, Silver, Rate`: the names of what the path leads through."""
    named, path = [], ""
    for step in change.path.split("."):
        key, _, code = step.partition("[")
        path = f"{path}.{key}" if path else key
        if words.general(path).endswith((".name.ru", ".perks.ru", ".name.en", ".perks.en")):
            named.append(words.sentence(f"names.{key}", language))
            continue
        named.append(words.label(path, language))
        if code:
            path += "[]"
            named.append(_item_name(change, code.rstrip("]"), language))
    return ", ".join(named)


def _item_name(change: TermsChange, code: str, language: str) -> str:
    name = (change.item or {}).get("name") or {}
    return str(name.get(language) or next(iter(name.values()), code))


def _described(path: str, item: Document, document: Document, language: str, money: Money) -> str:
    """A whole item or table: what it says that is not what it would say anyway."""
    told: list[str] = []
    for key, value in item.items():
        inner = f"{words.general(path)}.{key}"
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            told.extend(
                f"{one['code']}: {_described(inner + '[]', one, document, language, money)}" for one in value
            )
        elif _says_something(value) and key not in ("code", "name", "perks"):
            shown = words.shown(inner, value, document, language, money, item)
            told.append(f"{words.label(inner, language)} {shown}")
    return "; ".join(told) or words.sentence("empty", language)


def _says_something(value: Any) -> bool:
    """Neither empty nor without a limit; what is switched off is worth telling."""
    return value is False or value not in ([], {}, "any", "", 0, True)
