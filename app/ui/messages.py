"""Catalogues: `python -m app.ui.messages extract` collects messages, `check` lists what Russian still lacks.

edit a page → extract → translate the empty entries of app/locale/ru/LC_MESSAGES/messages.po → check
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from app.ui.i18n import LOCALE_DIR, LOCALES

ROOT = LOCALE_DIR.parent.parent
MAPPING = LOCALE_DIR / "babel.cfg"

# Refusals carry English sentences that the error handler translates (app/errors.py), so they are messages too.
_REFUSALS = (
    "DomainError", "Malformed", "Unauthenticated", "Forbidden", "NotFound", "Conflict", "TooManyRequests", "Unavailable",
)  # fmt: skip
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy": None,
    "message_id": None,
    **dict.fromkeys(_REFUSALS),
    "FieldError": (3,),
}


SHOWN_TO_STAFF = {
    "users": ("User", "Role", "AuditRecord"),
    "programs": ("Program", "TermsVersion"),
    "partners": ("Partner", "LevelChange"),
    "materials": ("Material",),
    "orders": ("Order", "OrderLine", "Refund"),
    "commissions": ("Attribution", "Commission", "CommissionEntry"),
    "payouts": ("Payout",),
    "ledger": ("Account", "Balance", "JournalEntry", "Posting"),
}
"""Tables that piccolo-admin shows, by slice; a test compares this with what it really shows."""


def collect() -> Catalog:
    """Every message of app/, tasks/ and templates/, as a template without translations."""
    with MAPPING.open() as source:
        methods, options = parse_mapping_cfg(source)  # type: ignore[no-untyped-call]
    catalogue = Catalog(project="Tandem", charset="utf-8")
    for folder in ("app", "tasks", "templates"):
        found = extract_from_dir(
            ROOT / folder,
            methods,
            options,
            keywords=KEYWORDS,
            comment_tags=("NOTE:",),
            strip_comment_tags=True,
        )
        for file, _line, message, comments, context in found:
            catalogue.add(message, None, [(f"{folder}/{file}", 0)], auto_comments=comments, context=context)
    for folder, classes in SHOWN_TO_STAFF.items():
        for text in _help_texts(ROOT / "app" / folder / "tables.py", classes):
            catalogue.add(text, None, [(f"app/{folder}/tables.py", 0)])
    return catalogue


def _help_texts(path: Path, classes: tuple[str, ...]) -> Iterator[str]:
    """The `help_text` of each column: piccolo-admin shows it, translated by app/staff/admin_words.py."""
    for table in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(table, ast.ClassDef) or table.name not in classes:
            continue
        for node in ast.walk(table):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "help_text"
                and isinstance(node.value, ast.Constant)
            ):
                yield str(node.value.value)


def extract() -> int:
    """Bring every catalogue up to date: new messages come in empty, those no longer used go."""
    template = collect()
    for code in LOCALES:
        path = catalogue_path(code)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalogue = read(code) if path.exists() else Catalog(locale=code, project="Tandem", charset="utf-8")
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        catalogue.header_comment = (
            "# Messages of Tandem; brought up to date by `python -m app.ui.messages extract`."
        )
        catalogue.fuzzy = False
        with path.open("wb") as target:
            write_po(target, catalogue, width=0, sort_output=True, include_lineno=False, omit_header=False)
    print(f"{len(template)} messages, {len(list(untranslated('ru')))} without Russian")  # noqa: T201
    return 0


def check() -> int:
    """Say what is missing; 1 when something is."""
    problems = [*missing("ru"), *untranslated("ru")]
    for problem in problems:
        print(problem)  # noqa: T201
    return 1 if problems else 0


def missing(code: str) -> Iterator[str]:
    """Messages in the code that the catalogue of `code` does not know, and those it knows in vain."""
    known = {message.id for message in read(code) if message.id}
    used = {message.id for message in collect() if message.id}
    yield from (f"not in the catalogue: {id_!r}" for id_ in sorted(used - known, key=str))
    yield from (f"no longer used: {id_!r}" for id_ in sorted(known - used, key=str))


def untranslated(code: str) -> Iterator[str]:
    """Messages without a (complete, not fuzzy) translation, or with other places to fill in than the source."""
    for message in read(code):
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, list | tuple) else (message.string,)
        if not all(texts):
            yield f"without translation: {message.id!r}"
        elif message.fuzzy:
            yield f"fuzzy: {message.id!r}"
        else:
            yield from (f"{message.id!r}: {error}" for error in message.check())


def read(code: str) -> Catalog:
    with catalogue_path(code).open("rb") as source:
        return read_po(source, locale=code)


def catalogue_path(code: str) -> Path:
    return LOCALE_DIR / code / "LC_MESSAGES" / "messages.po"


if __name__ == "__main__":
    commands = {"extract": extract, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit("usage: python -m app.ui.messages extract|check")
    sys.exit(commands[sys.argv[1]]())
