"""The files of the project, as the tests of this folder read them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "tasks", "templates", "static", "tests", "docs", "deploy", ".ci")
IGNORED = {"__pycache__", "vendor", ".git"}


def files(*suffixes: str, under: tuple[str, ...] = FOLDERS, at_root: bool = False) -> list[Path]:
    """Our own files with one of `suffixes` (none: all), in a stable order; written by us, not vendored."""
    found = [
        path
        for folder in under
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not IGNORED.intersection(path.relative_to(ROOT).parts)
    ]
    if at_root:
        found += [path for path in ROOT.iterdir() if path.is_file() and path.name not in IGNORED]
    return sorted(path for path in found if not suffixes or path.suffix in suffixes)


def python(*under: str) -> Iterator[tuple[Path, ast.Module]]:
    """The parsed Python files below `under`; migrations are written by a tool and left out."""
    for path in files(".py", under=under):
        if "piccolo_migrations" not in path.parts:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def at(path: Path, line: int) -> str:
    """A place, as editors open it."""
    return f"{path.relative_to(ROOT)}:{line}"
