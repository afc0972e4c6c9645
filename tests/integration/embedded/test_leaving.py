"""A server that started engines of its own takes them along when it is asked to leave."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from app.embedded import home, postgres, valkey

ROOT = Path(__file__).parents[3]
SECONDS = 90


def test_terminated_server_stops_its_engines(tmp_path: Path) -> None:
    var = Path(tempfile.mkdtemp(prefix="tandem-leaving-", dir="/tmp"))
    var.chmod(0o711)  # root's servers run as another user, who passes through
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    without = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "TANDEM_SECRET_KEY", "TANDEM_DEMO")
    environment = {name: value for name, value in os.environ.items() if name not in without}
    words = "serve --no-migrate --server uvicorn --workers 1 --port"
    log = tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words.split(), address.rpartition(":")[2]],
        cwd=ROOT,
        env=environment | {"TANDEM_VAR": str(var), "TANDEM_BASE_URL": address},
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )
    place = home.find_home(var)
    try:
        assert _answers(f"{address}/healthz"), log.read_text()
        assert (place.run_dir / f".s.PGSQL.{postgres.PORT}").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
        assert not (place.run_dir / f".s.PGSQL.{postgres.PORT}").exists()
        assert not valkey.socket_of(place).exists()
    finally:
        process.kill()
        process.wait()
        valkey.stop(place)
        postgres.stop(place)
        shutil.rmtree(var, ignore_errors=True)


def _answers(address: str) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(address).status_code == 200
        time.sleep(0.2)
    return False
