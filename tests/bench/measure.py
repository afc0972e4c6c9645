"""What all measurements share: engines that are durable, servers of one worker, CPU time, and a load generator."""

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from app import embedded
from app.embedded import Engines

ROOT = Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class Site:
    """Engines and the environment of everything that runs on them."""

    engines: Engines
    var_dir: Path
    environ: dict[str, str]

    def server(self, app: str, *, factory: bool = False) -> "Server":
        return Server(app, self.environ, factory=factory)


@contextmanager
def site() -> Iterator[Site]:
    """A throw-away portal whose database waits for the disk at every commit, as in production."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-", dir="/tmp"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the servers run as an unprivileged user, who passes through
    engines = embedded.start(folder)
    environ = os.environ | {
        "TANDEM_VAR": str(folder),
        "DATABASE_URL": engines.database_url,
        "DATABASE_OWNER_URL": engines.database_owner_url,
        "REDIS_URL": engines.redis_url,
        "TANDEM_SECRET_KEY": "bench" * 8,
        "TANDEM_ALLOWED_HOSTS": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }
    code = f"import asyncio; from app import migrations; asyncio.run(migrations.migrate({engines.database_owner_url!r}))"
    subprocess.run([sys.executable, "-c", code], env=environ, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    try:
        yield Site(engines, folder, environ)
    finally:
        engines.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """One granian worker on a loopback port."""

    def __init__(self, app: str, environ: dict[str, str], *, factory: bool = False) -> None:
        self.app = app
        self.port = free_port()
        self._environ = environ
        self._factory = ["--factory"] if factory else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = [
            "--interface",
            "asgi",
            "--workers",
            "1",
            "--loop",
            "uvloop",
            "--no-ws",
            "--log-level",
            "error",
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, *self._factory, "--port", str(self.port), self.app],
            env=self._environ,
            cwd=ROOT,
            start_new_session=True,
        )
        wait_for_port(self.port)

    @property
    def pids(self) -> list[int]:
        """The supervisor and its worker."""
        assert self._process is not None
        return tree(self._process.pid)

    def kill(self) -> None:
        """kill -9 of all its processes."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the load generator against one target."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: float
    """CPU time of the server and the database per request."""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(slots=True)
class Runs:
    """All runs of one target."""

    name: str
    runs: list[Run] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(run, what) for run in self.runs)

    @property
    def spread(self) -> float:
        """(max - min) / median of the requests per second."""
        rates = [run.per_second for run in self.runs]
        return (max(rates) - min(rates)) / statistics.median(rates)


def load(
    site: Site, server: Server, paths: Sequence[str], *, connections: int, seconds: int, agent: str = FIREFOX
) -> Run:
    """GET `paths` in turn over kept connections, with wrk."""
    listed = ", ".join(f'"{path}"' for path in paths)
    script = (
        f"local paths = {{{listed}}}\nlocal at = 0\n"
        "request = function() at = at % #paths + 1 return wrk.format('GET', paths[at]) end\n"
    )
    return load_by_script(site, server, script, connections=connections, seconds=seconds, agent=agent)


def load_by_script(
    site: Site, server: Server, lua: str, *, connections: int, seconds: int, agent: str = FIREFOX
) -> Run:
    """Requests that a script of wrk's makes, over kept connections."""
    script = site.var_dir / "requests.lua"
    script.write_text(lua)
    pids = [*server.pids, *database_pids(site)]
    before = cpu(pids)
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
        "-H",
        f"User-Agent: {agent}",
    ]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}"], capture_output=True, text=True, check=True
    ).stdout
    used = cpu(sorted({*pids, *server.pids, *database_pids(site)})) - before
    found = re.search(r"(\d+) requests in ([\d.]+)(s|m)", told)
    assert found, told
    requests = int(found[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    if bad:
        raise RuntimeError(f"{server.app} answered {bad[1]} of {requests} requests with an error")
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    return Run(
        requests,
        float(found[2]) * (60 if found[3] == "m" else 1),
        _latency(told, "50%"),
        _latency(told, "99%"),
        sum(int(number) for number in (broken.groups() if broken else ())),
        used / max(requests, 1) * 1e6,
    )


def _latency(told: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", told)
    assert found, told
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def wait_for_port(port: int, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def database_pids(site: Site) -> list[int]:
    """PostgreSQL's processes, by the pid that its data folder names; that lies elsewhere when we are root."""
    # No part of the launcher's face: only measurements ask for it.
    pid = site.engines._home.folder / "postgres" / "postmaster.pid"
    return tree(int(pid.read_text().split()[0]))


def cpu(pids: Sequence[int]) -> float:
    """Seconds of CPU time that living processes have used, their dead children included."""
    used = 0.0
    for pid in pids:
        with suppress(OSError):
            parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += sum(int(part) for part in parts[11:13]) / TICK
    return used


def memory_mib(pids: Sequence[int]) -> float:
    """Proportional set size of processes."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) if found else 0
    return total / 1024


def load_average() -> str:
    return " ".join(f"{part:.1f}" for part in os.getloadavg())
