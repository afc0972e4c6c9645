"""Where the embedded engines live on this machine, and as which user they run.

For an ordinary user the answer is short: in `var/engines`, as himself. Root is the hard case, because
PostgreSQL refuses to run as root and nothing of the machine may be changed for it. So the servers run as an
unprivileged user that exists already (`postgres`, else `nobody`), and three things follow:

- Their folder must be reachable for that user. A project under `/root` (mode 0700) is not, then the folder is
  `/var/lib/tandem-<key of the project's path>`, and `var/engines.path` remembers it.
- Their binaries must be readable for that user. An environment under `/root` is not, then they are copied once
  to `/var/lib/tandem-engines/`, owned by root.
- Only folders made here change their owner; no user is added and no mode of anything else is touched.

Sockets have a path limit of 107 bytes in Linux and 103 in macOS, and connection URLs dislike unusual letters.
A path that is too long or too unusual gets a short folder of its own in `/run` (root) or `/tmp` (others).
"""

import hashlib
import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded.processes import EngineError, Owner, run

UNPRIVILEGED = ("postgres", "nobody")
LONGEST_SOCKET_PATH = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
SYSTEM_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - used only when the folder in it is ours


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one pair of engines."""

    folder: Path
    """Holds the data of both; 0700, owned by the user the servers run as."""
    run_dir: Path
    """Holds the sockets; 0700, owned by the same user. This is what keeps others out."""
    log_dir: Path
    """Logs and locks; owned by whoever starts the servers."""
    owner: Owner | None
    """Whom to become before running a server; None: they run as ourselves."""


def find_home(var_dir: Path) -> Home:
    """Find or make the folders for `var_dir`; EngineError when somebody else holds them."""
    var_dir.mkdir(parents=True, exist_ok=True)
    folder, owner = _root_folder(var_dir) if os.geteuid() == 0 else (var_dir / "engines", None)
    _own_folder(folder, owner)
    return Home(folder=folder, run_dir=_run_dir(folder, owner), log_dir=var_dir, owner=owner)


def reachable_binary(binary: Path, base: Path, parts: Sequence[str], owner: Owner | None) -> Path:
    """`binary` itself if `owner` can run it, else the same file in a copy that he can read.

    The copy holds `parts` of the folder `base` at the same places below it: programs find their libraries by paths
    relative to themselves.
    """
    if owner is None or _runs(binary, owner):
        return binary
    found = binary.stat()
    key = hashlib.sha256(f"{binary} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]
    for system in SYSTEM_FOLDERS:
        shelf = system / "tandem-engines"
        try:
            shelf.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if not _only_roots(shelf):
            continue
        copy = shelf / f"{binary.name}-{key}"
        if not copy.exists():
            _copy(base, parts, copy)
        staged = copy / binary.relative_to(base)
        if _runs(staged, owner):
            return staged
    raise EngineError(
        f"the user {owner.name} cannot run {binary} and no copy could be made for him; "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def _runs(binary: Path, owner: Owner) -> bool:
    """Whether `owner` may run it and it finds its libraries."""
    return _passes('"$1" --version', binary, owner)


def _copy(base: Path, parts: Sequence[str], target: Path) -> None:
    """Copy readable for everybody; a rename at the end, so that a half-made copy is never used."""
    half = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        for part in parts:
            (half / part).parent.mkdir(parents=True, exist_ok=True)
            if (base / part).is_dir():
                unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
                shutil.copytree(base / part, half / part, symlinks=True, ignore=unneeded)
            else:
                shutil.copy(base / part, half / part)
        for path in [half, *half.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            half.rename(target)
        except OSError:
            if not target.exists():  # else another start was faster; its copy is as good
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _root_folder(var_dir: Path) -> tuple[Path, Owner]:
    beside = var_dir / "engines"
    memory = var_dir / "engines.path"
    if memory.exists():
        folder = Path(memory.read_text(encoding="utf-8").strip())
    elif beside.exists():
        folder = beside
    else:
        owner = _unprivileged()
        if _passes('cd "$1"', var_dir, owner):
            return beside, owner
        folder = _system_folder(var_dir, owner)
        memory.write_text(f"{folder}\n", encoding="utf-8")
        return folder, owner
    if not folder.exists():
        return folder, _unprivileged()
    uid = folder.stat().st_uid
    if uid == 0:
        raise EngineError(f"{folder} belongs to root, and PostgreSQL does not run as root; move it away")
    try:
        return folder, Owner.of(pwd.getpwuid(uid))
    except KeyError:
        raise EngineError(
            f"{folder} belongs to {user_name(uid)}, who does not exist here; move it away"
        ) from None


def _unprivileged() -> Owner:
    for name in UNPRIVILEGED:
        try:
            return Owner.of(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EngineError(
        f"PostgreSQL does not run as root, and none of the users {', '.join(UNPRIVILEGED)} exists; "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def _system_folder(var_dir: Path, owner: Owner) -> Path:
    for base in SYSTEM_FOLDERS:
        folder = base / f"tandem-{key_of(var_dir)}"
        if folder.exists() or (os.access(base, os.W_OK) and _passes('cd "$1"', base, owner)):
            return folder
    raise EngineError(
        f"{var_dir} cannot be reached by the user {owner.name}, and no folder of {SYSTEM_FOLDERS} can be written; "
        "set TANDEM_VAR to a reachable folder, or DATABASE_URL and REDIS_URL"
    )


def key_of(folder: Path) -> str:
    """A short name for a folder: the same for every way of writing its path."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]


def _run_dir(folder: Path, owner: Owner | None) -> Path:
    run_dir = folder / "run"
    path = str(run_dir / LONGEST_SOCKET_NAME)
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH or not re.fullmatch(r"[A-Za-z0-9._/-]+", path):
        # Not XDG_RUNTIME_DIR: it differs between two logins of one user, and
        # the second start must find the sockets of the first.
        uid = os.geteuid() if owner is None else owner.uid
        base = Path("/tmp") if owner is None else Path("/run")  # noqa: S108 - proved to be ours below
        run_dir = base / f"tandem-{uid}-{key_of(folder)}"
    _own_folder(run_dir, owner)
    return run_dir


def _own_folder(folder: Path, owner: Owner | None) -> None:
    """Make `folder` with mode 0700 for the servers' user, or prove that an existing one is his."""
    uid = os.geteuid() if owner is None else owner.uid
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if owner is not None:
            os.chown(folder, owner.uid, owner.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise EngineError(
            f"{folder} belongs to {user_name(found.st_uid)}; start as that user, or set TANDEM_VAR to another folder"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise EngineError(f"{folder} is open to other users; it must have mode 0700")


def user_name(uid: int) -> str:
    """The user's name, or his number where he has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _passes(test: str, path: Path, owner: Owner) -> bool:
    """Whether a shell's `test` of `path` succeeds for `owner`: asks the kernel, not the mode bits."""
    return run(["/bin/sh", "-c", test, "sh", str(path)], owner).returncode == 0


def _only_roots(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not stat.S_IMODE(found.st_mode) & 0o022
