"""Finds a Chromium for the browser tests; as a program it also installs one and prints its path.

In this order: `TANDEM_BROWSER`, a Chromium or Chrome of the system, the one playwright has downloaded; then, to
get one, Debian's package (as root) and playwright's download. A browser counts only when it can say its version:
a downloaded one may lack the libraries of its system.

`TANDEM_BROWSER=none` leaves the browser tests out and says so in the summary.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Nothing but the page under test may go over the network, and root has no sandbox.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NONE = "none"


class NoBrowser(Exception):  # noqa: N818 - it is the absence that is meant
    """No browser was found or got; the message tells how to get one."""


def find_browser() -> Path | None:
    """A browser that is here already and runs; None when there is none."""
    wished = os.environ.get("TANDEM_BROWSER")
    if wished == NONE:
        return None
    if wished:
        if not _runs(Path(wished)):
            raise NoBrowser(f"TANDEM_BROWSER={wished} does not run: `{wished} --version` fails")
        return Path(wished)
    return next((path for path in _candidates() if _runs(path)), None)


def get_browser() -> Path:
    """A browser that runs, installed if need be; NoBrowser when that fails."""
    found = find_browser()
    if found is not None:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _say("installing Debian's chromium")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = [
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "chromium",
            "fonts-dejavu-core",
        ]
        if not _done(install, environment) and _done(["apt-get", "update", "-qq"], environment):
            _done(install, environment)
        found = find_browser()
    if found is None:
        _say("downloading playwright's chromium")
        _done([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))
        found = find_browser()
    if found is None:
        raise NoBrowser(
            "no Chromium was found and none could be installed. Install one (Debian: apt-get install chromium), "
            "or name it: TANDEM_BROWSER=/path/to/chromium make test; "
            "TANDEM_BROWSER=none leaves the browser tests out."
        )
    return found


def _candidates() -> Iterator[Path]:
    for name in NAMES:
        if where := shutil.which(name):
            yield Path(where)
    yield Path(MAC)
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or (
        "~/Library/Caches/ms-playwright" if sys.platform == "darwin" else "~/.cache/ms-playwright"
    )
    folder = Path(cache).expanduser()
    # The names of the inner folders change between versions of playwright.
    for pattern in ("chromium-*/*/chrome", "chromium-*/*/*.app/Contents/MacOS/*"):
        yield from sorted(folder.glob(pattern), reverse=True)


def _runs(path: Path) -> bool:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"hrom" in done.stdout


def _done(command: list[str], environment: dict[str, str]) -> bool:
    """Run an installer; what it says goes to stderr, since stdout carries our answer."""
    return subprocess.run(command, stdout=sys.stderr, env=environment, check=False).returncode == 0


def _say(what: str) -> None:
    print(f"browser: {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Print the browser's path, or say on stderr how to get one."""
    if os.environ.get("TANDEM_BROWSER") == NONE:
        print(NONE)
        return 0
    try:
        print(get_browser())
    except NoBrowser as error:
        print(f"browser: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
