"""Setting up: pinned by hash, one resolution, and a word for who lacks what."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")


def pins(name: str) -> dict[str, tuple[str, str]]:
    """Package → its version and the rest of its entry."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return {package.lower(): (version, rest) for package, version, rest in found}


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_is_pinned_with_its_hashes(name: str) -> None:
    entries = [
        line
        for line in (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        if line and not line.lstrip().startswith("#")
    ]
    assert {re.split("[=;[]", line)[0].lower() for line in entries} == set(pins(name))
    assert len(entries) > 5
    assert [line for line in entries if "--hash=sha256:" not in line] == []


def test_what_pyproject_asks_for_is_what_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    names = {re.split(r"[\[=<>;! ]", wish)[0].lower() for wish in asked}
    assert names - set(pins("requirements.txt")) == set()
    developers = {re.split(r"[\[=<>;! ]", wish)[0].lower() for wish in project["dependency-groups"]["dev"]}
    assert developers - set(pins("requirements-dev.txt")) == set()


def test_the_lists_agree_with_each_other() -> None:
    run, dev, bench = (pins(name) for name in LISTS)
    assert {name: version for name, (version, _) in run.items()}.items() <= {
        name: version for name, (version, _) in dev.items()
    }.items()
    shared = set(dev) & set(bench)
    assert {name: bench[name][0] for name in shared} == {name: dev[name][0] for name in shared}


def test_every_dependency_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r'^  "[a-z0-9-]+(?:\[[a-z]+\])?[=<>].*$', text, re.MULTILINE)
    without = [line for line in listed if not re.search(r'",\s+# .{4,}', line) and "setuptools" not in line]
    assert len(listed) > 40
    assert without == []


def test_without_a_fit_python_the_message_says_what_to_install(tmp_path: Path) -> None:
    said = set_up(tmp_path, python_body="exit 1")
    assert said.returncode == 1
    assert "no Python 3.11 or newer with venv was found" in said.stderr
    assert "apt-get install python3 python3-venv" in said.stderr
    assert not (tmp_path / "project" / ".venv").exists()


def test_an_unknown_kind_of_set_up_is_refused(tmp_path: Path) -> None:
    said = set_up(tmp_path, kind="everything", python_body="exit 1")
    assert said.returncode == 2
    assert "run, dev or bench" in said.stderr


def test_an_environment_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    # A Python that answers what set-up asks, and writes down what it is asked.
    body = 'echo "$*" >> "$LOG"; case "$*" in *hashlib*) echo digest;; *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac'
    first = set_up(tmp_path, python_body=body)
    assert first.returncode == 0, first.stderr
    asked = (tmp_path / "log").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.txt" in asked

    second = set_up(tmp_path, python_body=body)
    assert (second.returncode, second.stdout) == (0, "")
    assert (tmp_path / "log").read_text(encoding="utf-8").count("pip install") == asked.count("pip install")


def test_a_moved_environment_is_made_anew(tmp_path: Path) -> None:
    body = 'case "$*" in *hashlib*) echo digest;; *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac'
    set_up(tmp_path, python_body=body)
    (tmp_path / "project").rename(tmp_path / "moved")
    said = set_up(tmp_path, python_body=body, folder="moved")
    assert "making .venv" in said.stdout
    assert (tmp_path / "moved" / ".venv" / ".made-for").read_text(encoding="utf-8").strip().endswith("/moved")


def set_up(
    tmp_path: Path, *, python_body: str, kind: str = "run", folder: str = "project"
) -> subprocess.CompletedProcess[str]:
    """Run .ci/setup on a copy, in a world whose only Python is a shell script with `python_body`."""
    project, programs = tmp_path / folder, tmp_path / "bin"
    if not project.exists():
        (project / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "setup", project / ".ci" / "setup")
        for name in LISTS:
            (project / name).write_text("", encoding="utf-8")
    programs.mkdir(exist_ok=True)
    python = programs / "python3"
    python.write_text(f"#!/bin/sh\n{python_body}\n", encoding="utf-8")
    python.chmod(0o755)
    for tool in ("cat", "dirname", "mkdir", "cp"):
        if not (programs / tool).exists():
            (programs / tool).symlink_to(shutil.which(tool) or tool)
    return subprocess.run(
        [project / ".ci" / "setup", kind],
        env={"PATH": str(programs), "LOG": str(tmp_path / "log"), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
