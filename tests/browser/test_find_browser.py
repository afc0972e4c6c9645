"""The finder of browsers, tried with made-up browsers in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FINDER = Path(__file__).with_name("find_browser.py")


def run(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finder as a program, in a world where only `tmp_path`/bin holds programs."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, FINDER],
        env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_the_systems_chromium_is_found(tmp_path: Path) -> None:
    chromium = program(tmp_path / "bin" / "chromium", "echo Chromium 156.0")
    assert run(tmp_path).stdout == f"{chromium}\n"


def test_a_browser_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium", "echo 'libnss3.so: cannot open' >&2; exit 127")
    chrome = program(tmp_path / "bin" / "google-chrome", "echo Google Chrome 156.0")
    assert run(tmp_path).stdout == f"{chrome}\n"


def test_playwrights_download_is_found(tmp_path: Path) -> None:
    path = tmp_path / "browsers" / "chromium-1200" / "chrome-linux" / "chrome"
    program(path, "echo Chromium 156.0")
    assert run(tmp_path, PLAYWRIGHT_BROWSERS_PATH=str(tmp_path / "browsers")).stdout == f"{path}\n"


def test_the_named_browser_goes_first(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium", "echo Chromium 156.0")
    mine = program(tmp_path / "mine", "echo Chromium 157.0")
    assert run(tmp_path, TANDEM_BROWSER=str(mine)).stdout == f"{mine}\n"


def test_a_named_browser_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    said = run(tmp_path, TANDEM_BROWSER=str(tmp_path / "missing"))
    assert said.returncode == 1
    assert f"TANDEM_BROWSER={tmp_path}/missing does not run" in said.stderr


def test_none_is_passed_on(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium", "echo Chromium 156.0")
    assert run(tmp_path, TANDEM_BROWSER="none").stdout == "none\n"


def test_without_any_the_message_says_what_to_do(tmp_path: Path) -> None:
    # The download is pointed at a closed door, as on a machine without a network.
    said = run(tmp_path, PLAYWRIGHT_DOWNLOAD_HOST="http://127.0.0.1:9")
    assert said.returncode == 1
    assert said.stdout == ""
    assert "apt-get install chromium" in said.stderr
    assert "TANDEM_BROWSER=none" in said.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_gets_debians_package(tmp_path: Path) -> None:
    chromium = tmp_path / "bin" / "chromium"
    program(
        tmp_path / "bin" / "apt-get",
        f'[ "$1" = install ] || exit 0\nprintf "#!/bin/sh\\necho Chromium 156.0\\n" > {chromium}\n'
        f'/bin/chmod 755 {chromium}\necho "Setting up chromium"',
    )
    said = run(tmp_path)
    assert said.stdout == f"{chromium}\n"
    assert "Setting up chromium" in said.stderr
