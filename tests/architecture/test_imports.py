"""Who may call whom: the contracts of pyproject.toml, and what contracts cannot say."""

import ast
import sys
import tomllib
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]


def test_the_contracts_of_pyproject_hold(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    broken = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert not broken, capsys.readouterr().out


def test_every_room_has_a_floor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {room.strip(" ()") for floor in floors for room in floor.replace("|", ":").split(":")}
    rooms = {
        f"app.{path.stem}"
        for path in (ROOT / "app").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    assert rooms - named == set()


def test_no_slice_imports_anothers_pages_forms_or_api() -> None:
    graph = grimp.build_graph("app", "tasks", cache_dir=None)
    private = {"pages", "forms", "api"}
    rooms = [name for name in graph.modules if name.split(".")[2:3] and name.split(".")[2] in private]
    found = [
        f"{importer} imports {room}"
        for room in rooms
        if not room.startswith(
            "app.ui."
        )  # the shared form and paging tools are a library, not a slice's pages
        for importer in graph.find_modules_that_directly_import(room)
        if importer.split(".")[:2] != room.split(".")[:2] and importer != "app.main"
    ]
    assert found == []


def test_rules_use_the_standard_library_alone_and_no_clock() -> None:
    outside = {
        "os",
        "time",
        "random",
        "secrets",
        "socket",
        "subprocess",
        "pathlib",
        "io",
        "asyncio",
        "threading",
        "uuid",
    }
    found = []
    for path in sorted((ROOT / "app" / "rules").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _imported(node):
                root = name.split(".")[0]
                if not name.startswith("app.rules") and (
                    root in outside or root not in sys.stdlib_module_names
                ):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {name}")
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} asks the clock")
    assert found == []


def test_migrations_import_nothing_of_ours() -> None:
    found = []
    for path in sorted((ROOT / "app").rglob("piccolo_migrations/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found += [
                f"{path.relative_to(ROOT)} imports {name}"
                for name in _imported(node)
                if name.split(".")[0] in {"app", "tasks"}
            ]
    assert found == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
