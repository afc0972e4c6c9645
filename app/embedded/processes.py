"""Running the engines' programs as the right user, and the locks that tell who uses them."""

import contextlib
import fcntl
import os
import pwd
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

RETRY_SECONDS = 20.0
START_SECONDS = 40.0
LARGEST_LOG = 10_000_000

# Servers started by this process. They are kept to be reaped: a killed child
# that nobody waits for stays a zombie, and its pid looks alive to the next one.
_children: list[subprocess.Popen[bytes]] = []


class EngineError(Exception):
    """An embedded engine cannot be used; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The user the servers run as when we are root."""

    uid: int
    gid: int
    name: str

    @classmethod
    def of(cls, entry: pwd.struct_passwd) -> "Owner":
        """The owner an entry of the user list describes."""
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name)


def run(command: list[str], owner: Owner | None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as `owner` (None: as ourselves)."""
    return subprocess.run(  # noqa: S603 - our own command lines; paths are arguments of their own
        command,
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=None if owner is None else owner.uid,
        group=None if owner is None else owner.gid,
        extra_groups=None if owner is None else [],
    )


def launch(
    command: list[str], owner: Owner | None, log: Path, *, keep: int | None = None
) -> subprocess.Popen[bytes]:
    """Run a server in a session of its own: Ctrl-C in our terminal must not reach it before us.

    It inherits the descriptor `keep`, and nothing else of ours.
    """
    mode = "wb" if log.exists() and log.stat().st_size > LARGEST_LOG else "ab"
    with log.open(mode) as output:
        child: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own command lines
            command,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if keep is None else (keep,),
            user=None if owner is None else owner.uid,
            group=None if owner is None else owner.gid,
            extra_groups=None if owner is None else [],
        )
    _children.append(child)
    return child


def until_it_answers(
    log: Path,
    *,
    answers: Callable[[], bool],
    is_gone: Callable[[], bool],
    start: Callable[[], subprocess.Popen[bytes]],
) -> None:
    """Start a server, again where an old one is still dying, until a real connection succeeds."""
    began = time.monotonic()
    while not answers():
        waited = time.monotonic() - began
        reap()
        if is_gone():
            if waited > RETRY_SECONDS:
                raise EngineError(f"{log.stem} does not start: {log_tail(log)}")
            child = start()
            # Most starts answer within this time; one that cannot start ends in it.
            while child.poll() is None and time.monotonic() - began < START_SECONDS and not answers():
                time.sleep(0.02)
        elif waited > START_SECONDS:
            raise EngineError(f"{log.stem} does not answer after {waited:.0f} s: {log_tail(log)}")
        time.sleep(0.05)


def until(done: Callable[[], bool], complaint: str) -> None:
    """Wait for `done`; EngineError with `complaint` when it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise EngineError(f"{complaint} within {START_SECONDS:.0f} s")
        time.sleep(0.02)


def works_on(pid: int, folder: Path) -> bool:
    """Whether `pid` lives and was started on `folder`; a zombie or a stranger with this number was not.

    The command line tells, because root in a container may read it of other users' processes, but not their
    working directory.
    """
    reap()
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


def reap() -> None:
    """Take note of the servers of ours that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def log_tail(log: Path) -> str:
    """Where the log lies and its last lines."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
    return "\n".join([f"see {log}", *lines])


def try_lock(file: IO[str], kind: int) -> bool:
    """Take a lock (`fcntl.LOCK_SH` or `LOCK_EX`) that is free; False when it is not."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def exclusively(var_dir: Path) -> Iterator[None]:
    """Starts and stops take turns; EngineError names the process that holds the turn for too long."""
    with (var_dir / "engines.lock").open("a+", encoding="utf-8") as lock:
        deadline = time.monotonic() + 2 * START_SECONDS
        while not try_lock(lock, fcntl.LOCK_EX):
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


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
