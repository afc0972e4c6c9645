"""A whole portal in real processes (web, worker, PostgreSQL, Valkey, an import) that can be killed one by one."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import IO

import redis

from tests.bench.measure import ROOT, Site, free_port, tree

VICTIMS = ("web", "worker", "postgres", "valkey", "flush")
"""`flush` kills nobody: Valkey forgets everything instead."""


class Portal:
    """`tandem serve`, `tandem worker` and `tandem import history` on engines of our own launcher."""

    def __init__(self, place: Site, past: Path, terms: Path) -> None:
        self.place = place
        self.port = free_port()
        self.log: IO[bytes] = (place.var_dir / "processes.log").open("ab")
        self._commands = {
            "web": ["serve", "--port", str(self.port), "--workers", "1", "--no-migrate"],
            "worker": ["worker"],
            "import": ["import", "history", str(past), "--terms", str(terms), "--program", "past"],
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.imported = False

    def start(self) -> None:
        """Start again whatever does not run; returns when the web server answers with its database."""
        self.place.engines.ensure()
        for name in self._commands:
            if name == "import" and self._import_has_ended():
                continue
            if name not in self._running or self._running[name].poll() is not None:
                self._running[name] = self._launch(name)
        self._until_healthy()

    def kill(self, victim: str) -> None:
        """kill -9: of the web server with its workers, of the worker, the import, the postmaster or Valkey."""
        if victim == "flush":
            with redis.Redis.from_url(self.place.engines.redis_url) as client:
                client.flushall()
        elif victim in self._commands:
            process = self._running[victim]
            if process.poll() is not None:
                return
            for pid in tree(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
        else:
            os.kill(self.engine_pid(victim), signal.SIGKILL)

    def engine_pid(self, engine: str) -> int:
        """The pid of one of our two servers, never that of a stranger."""
        home = self.place.engines._home
        folder = home.folder / engine
        file = folder / ("postmaster.pid" if engine == "postgres" else "valkey.pid")
        pid = int(file.read_text().split()[0])
        # Valkey writes its socket where its arguments were.
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        ours = os.fsencode(folder) in words or os.fsencode(home.run_dir) in words
        assert ours, f"{pid} is not our {engine}: {words!r}"
        return pid

    def finish_import(self, seconds: float) -> None:
        """Wait until the import has ended by itself."""
        until = time.monotonic() + seconds
        while not self._import_has_ended():
            assert time.monotonic() < until, "the import does not end"
            if self._running["import"].poll() is not None:
                self._running["import"] = self._launch("import")
            time.sleep(0.1)

    def import_again(self) -> None:
        """Run the whole import once more, to its end."""
        assert self._launch("import").wait(120) == 0, self.tail()

    def stop(self) -> None:
        """End all processes, the engines excepted."""
        for name, process in self._running.items():
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    self.kill(name)
        self.log.close()

    def tail(self) -> str:
        """The end of what the processes said."""
        return (self.place.var_dir / "processes.log").read_text(errors="replace")[-3000:]

    def _launch(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", *self._commands[name]],
            env=self.place.environ | {"PORT": str(self.port)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def _import_has_ended(self) -> bool:
        process = self._running.get("import")
        self.imported = self.imported or (process is not None and process.poll() == 0)
        return self.imported

    def _until_healthy(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with (
                suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2),
            ):
                return
            if self._running["web"].poll() is not None:  # it met a database that was still coming up
                self._running["web"] = self._launch("web")
            time.sleep(0.1)
        raise TimeoutError(f"the portal does not come back\n{self.tail()}")
