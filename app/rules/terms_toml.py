"""The file form of a document of terms: plain TOML, keys in the order of rules.md §3."""

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DATE_KEYS = ("valid_from", "valid_to", "unlimited_before")


def dump_toml(document: Mapping[str, Any]) -> str:
    """A canonical document as TOML; `read_toml` and `complete_document` give the same document back."""
    lines: list[str] = []
    _table(document, "", lines)
    return "\n".join(lines).strip() + "\n"


def _table(table: Mapping[str, Any], path: str, lines: list[str]) -> None:
    """Plain values first, then tables, then lists of tables: what follows a header belongs to it."""
    later: list[tuple[str, Any]] = []
    for key, value in table.items():
        if _is_section(key, value):
            later.append((key, value))
        else:
            lines.append(f"{_key(key)} = {_value(key, value)}")
    for key, value in later:
        inner = f"{path}.{_key(key)}" if path else _key(key)
        for item in value if isinstance(value, list) else [value]:
            lines.extend(("", f"[[{inner}]]" if isinstance(value, list) else f"[{inner}]"))
            _table(item, inner, lines)


def _is_section(key: str, value: Any) -> bool:
    """Small tables (names, perks, shares) stay in their line."""
    if isinstance(value, Mapping):
        return key not in ("name", "perks", "position")
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value if key in _DATE_KEYS else _text(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(name, one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return "[" + ", ".join(_value("", one) for one in value) + "]"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, except that TOML wants DEL escaped, too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
