"""What keeps the code readable for one person, and what must not slip in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOT, at, files, python

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
# The edges of workers: any failure of a job, of an event's handler or of a batch of
# orders is met and kept there, so that a bad one does not stop the others.
EDGE = {"tasks/worker.py", "tasks/sweeps.py", "app/events/service.py", "app/shops/batcher.py"}
# Leases and file names go by the real time, also while a scenario has set the clock.
REAL_TIME = {"app/clock.py", "app/events/service.py", "app/mail.py"}
# Where money is counted, a float is a wrong amount waiting.
MONEY = ("app/rules", "app/ledger", "app/commissions", "app/payouts", "app/orders")


def test_no_file_is_longer_than_one_can_hold_in_the_head() -> None:
    found = [
        f"{at(path, length)} lines"
        for path in files(".py", ".html", ".js", under=("app", "tasks", "templates", "static", "tests"))
        if "piccolo_migrations" not in path.parts
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    assert found == []


def test_no_function_is_longer_than_a_screen() -> None:
    found = [
        f"{at(path, node.lineno)} {node.name} has {length} lines"
        for path, tree in python("app", "tasks", "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert found == []


def test_nothing_swallows_every_exception() -> None:
    found = [
        at(path, handler.lineno)
        for path, tree in python("app", "tasks")
        if str(path.relative_to(ROOT)) not in EDGE
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler) and _catches_all(handler) and not _raises_again(handler)
    ]
    assert found == []


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"} for kind in kinds)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_no_float_where_money_is_counted() -> None:
    found = [
        at(path, node.lineno)
        for path, tree in python(*MONEY)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]
    assert found == []


def test_only_the_clock_asks_for_the_time_of_day() -> None:
    found = [
        at(path, node.lineno)
        for path, tree in python("app", "tasks")
        if str(path.relative_to(ROOT)) not in REAL_TIME
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date"}
    ]
    assert found == []


def test_every_test_can_fail() -> None:
    found = [
        f"{at(path, node.lineno)} {node.name}"
        for path, tree in python("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not any(_demands(part) for part in ast.walk(node))
    ]
    assert found == []


def _demands(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return not (isinstance(node.test, ast.Constant) and node.test.value is True)
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return (
        name in {"raises", "fail", "run_state_machine_as_test"}
        or re.search(r"assert|expect|check|must|verify|prove|until|wait_for", name) is not None
    )


# Written in two halves, so that this file does not find itself.
FORBIDDEN = {
    "a note for later": re.compile(r"\b(TO" r"DO|FIX" r"ME|HA" r"CK)\b"),
    "a registry's address": re.compile(
        r"pypi\." r"org|python" r"hosted|registry\." r"npmjs|--(extra-)?index-" r"url|--find-" r"links"
    ),
    "a path of one machine": re.compile(r"/wo" r"rk/|/tmp/br" r"ief|/home/\w+/"),
}


def test_no_notes_for_later_registry_addresses_or_private_paths() -> None:
    assert list(_forbidden()) == []


def _forbidden() -> Iterator[str]:
    for path in files(at_root=True):
        if path.suffix in {".png", ".jpg", ".webp", ".ico", ".ttf", ".mo", ".gz", ".woff2", ".pyc"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for what, pattern in FORBIDDEN.items():
                if pattern.search(line) and not _is_a_lock_flag(path, line):
                    yield f"{at(path, number)} {what}"


def _is_a_lock_flag(path: Path, line: str) -> bool:
    """`make lock` tells the pinning tool to leave addresses out; that is the one right use of these words."""
    return path.name == "Makefile" and "--no-emit" in line
