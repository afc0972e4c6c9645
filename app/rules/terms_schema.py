"""The shape of the terms: every key of rules.md §3 with its type, limits and default.

`SHAPE.read(document, "", problems)` checks a document as it was written (from TOML, JSON or a form) and gives it
back complete and canonical: defaults filled in, rates in their shortest form, dates as ISO text. Whatever is wrong
goes to `problems` with the path of its key; reading goes on, so that all mistakes are told at once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from app.rules.money import EXPONENTS, format_rate, parse_rate
from app.rules.terms_messages import TermsProblem

MINOR_MAX = 10**15
"""Room enough for any shop, and every sum of thousands of them fits 64 bits."""

Problems = list[TermsProblem]


class _Missing:
    """A key without a value or default."""


MISSING = _Missing()


class Kind(Protocol):
    """How one key is read. `default` is MISSING where the key must be given."""

    @property
    def default(self) -> Any: ...

    def read(self, value: Any, path: str, problems: Problems) -> Any: ...


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within limits; true and false are not numbers. None as default: may be absent."""

    default: Any = MISSING
    least: int = 0
    most: int = MINOR_MAX

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.append(TermsProblem(path, "wrong_type", {"expected": "integer"}))
            return self.default
        if not self.least <= value <= self.most:
            problems.append(TermsProblem(path, "out_of_range", {"least": self.least, "most": self.most}))
        return value


@dataclass(frozen=True, slots=True)
class Days:
    """A number of days where -1 has a meaning of its own (for ever, never)."""

    default: Any
    least: int = 0
    most: int = 36_500

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if value == -1 and not isinstance(value, bool):
            return -1
        return Integer(self.default, self.least, self.most).read(value, path, problems)


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    default: Any = MISSING

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, bool):
            problems.append(TermsProblem(path, "wrong_type", {"expected": "boolean"}))
        return value


@dataclass(frozen=True, slots=True)
class Rate:
    """A percentage of 0 to 100 with at most four fraction digits, as text."""

    default: Any = MISSING

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            problems.append(TermsProblem(path, "bad_rate", {"value": str(value)}))
            return self.default
        try:
            return format_rate(parse_rate(value))
        except ValueError:
            problems.append(TermsProblem(path, "bad_rate", {"value": value}))
            return self.default


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is not empty and not longer than `most`; `pattern` may ask for more."""

    default: Any = MISSING
    most: int = 200
    pattern: str = ""

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            problems.append(TermsProblem(path, "wrong_type", {"expected": "text"}))
            return self.default
        if not value.strip() or len(value) > self.most:
            problems.append(TermsProblem(path, "bad_text", {"most": self.most}))
        elif self.pattern and re.fullmatch(self.pattern, value) is None:
            problems.append(TermsProblem(path, "bad_code", {"value": value}))
        return value


CODE = r"[A-Za-z0-9][A-Za-z0-9_-]*"
"""Codes stand in paths, files and database rows."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    values: tuple[str, ...]
    default: Any = MISSING

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if value not in self.values:
            problems.append(TermsProblem(path, "not_one_of", {"allowed": ", ".join(self.values)}))
            return self.default
        return value


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of values of one kind, each at most once."""

    kind: Kind
    default: Any = ()
    least: int = 0
    most: int = 10_000
    unique: bool = True

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            problems.append(TermsProblem(path, "wrong_type", {"expected": "list"}))
            return list(self.default)
        if len(value) < self.least:
            problems.append(TermsProblem(path, "empty_list", {}))
        if len(value) > self.most:
            problems.append(TermsProblem(path, "too_many", {"most": self.most}))
        read = [self.kind.read(item, f"{path}[{index}]", problems) for index, item in enumerate(value)]
        if self.unique:
            for index, item in enumerate(read):
                if item in read[:index]:
                    problems.append(TermsProblem(f"{path}[{index}]", "duplicate", {"value": str(item)}))
        return read


@dataclass(frozen=True, slots=True)
class Languages:
    """One text in each of the languages of the portal; any of them may be left out."""

    default: Any = field(default_factory=dict)
    codes: tuple[str, ...] = ("ru", "en")

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, Mapping):
            problems.append(TermsProblem(path, "wrong_type", {"expected": "table"}))
            return {}
        for code in value:
            if code not in self.codes:
                problems.append(TermsProblem(f"{path}.{code}", "unknown_key", {}))
        text = Text(most=2_000)
        return {
            code: text.read(value[code], f"{path}.{code}", problems) for code in self.codes if code in value
        }


@dataclass(frozen=True, slots=True)
class Day:
    """A date of the program's zone; TOML's own dates or ISO text. May be absent."""

    default: Any = None

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        try:
            return date.fromisoformat(value).isoformat()
        except (TypeError, ValueError):
            problems.append(TermsProblem(path, "bad_date", {"value": str(value)}))
            return self.default


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of ISO 4217."""

    default: Any = MISSING

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str) or value not in EXPONENTS:
            problems.append(TermsProblem(path, "unknown_currency", {"value": str(value)}))
            return self.default
        return value


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone of the IANA database."""

    default: Any = MISSING

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, TypeError, AttributeError, OSError):
            # A directory of zones and a path out of the database come as OSError and ValueError.
            problems.append(TermsProblem(path, "unknown_zone", {"value": str(value)}))
            return self.default
        return value


@dataclass(frozen=True, slots=True)
class Table:
    """A table of keys. Keys left out get their default; a default of None leaves the key out altogether."""

    keys: Mapping[str, Kind]
    optional: bool = False
    """The whole table may be absent, which switches off what it describes."""

    @property
    def default(self) -> Any:
        if self.optional:
            return None
        return {} if all(kind.default is not MISSING for kind in self.keys.values()) else MISSING

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, Mapping):
            problems.append(TermsProblem(path, "wrong_type", {"expected": "table"}))
            return {}
        for key in value:
            if key not in self.keys:
                problems.append(TermsProblem(_join(path, str(key)), "unknown_key", {}))
        complete: dict[str, Any] = {}
        for key, kind in self.keys.items():
            if key in value:
                read = kind.read(value[key], _join(path, key), problems)
            elif kind.default is MISSING:
                problems.append(TermsProblem(_join(path, key), "required", {}))
                continue
            else:
                # Defaults are read as well: inner tables complete themselves, lists become new lists.
                read = kind.default if kind.default is None else kind.read(kind.default, "", [])
            if read is not None and read is not MISSING:
                complete[key] = read
        return complete


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
