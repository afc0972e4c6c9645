"""A portal in a process of its own, as `tandem demo` runs it: web and worker, on a free port of this machine.

    with Portal(folder, database_url=…, redis_url=…) as portal:     # starts `python -m tests.browser.portal`, waits until it answers
        portal.address                  # http://127.0.0.1:54321
        portal.links["olga"]            # one-time sign-in link of Olga, the manager

Its program `demo` begins with ordinary terms; a story changes them on the desk. Periodic work of the worker comes
every two seconds instead of every minute, so that nobody has to wait for a release.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STAFF = {"olga": "manager", "max": "marketer", "fedor": "accountant"}
OFTEN = 2
"""Seconds between two rounds of the worker's periodic work."""
READY = "ready.json"
START_SECONDS = 60


class Portal:
    """The process, for the length of a `with`."""

    address: str
    links: dict[str, str]
    key: str
    """API key of the demo shop."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self._urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}

    def __enter__(self) -> "Portal":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "TANDEM_VAR": str(self.folder),
            "TANDEM_BASE_URL": self.address,
            "TANDEM_DEMO": "1",
            "PORT": str(port),
            **self._urls,
        }
        self._log = (self.folder / "portal.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.portal"],
            cwd=ROOT,
            env=self.environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        ready = self.folder / READY
        until = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__(None, None, None)
                raise RuntimeError(f"the portal did not start:\n{self.log()[-4000:]}")
            time.sleep(0.05)
        said = json.loads(ready.read_text())
        self.links, self.key = said["links"], said["key"]
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def log(self) -> str:
        """What the process has logged."""
        return (self.folder / "portal.log").read_text()


async def main() -> None:
    """Start everything, say so in a file, and run until SIGTERM."""
    import uvicorn

    from app.config import settings
    from app.main import create_asgi
    from tasks import sweeps, worker

    sweeps.PERIODIC = tuple(dataclasses.replace(job, seconds=OFTEN) for job in sweeps.PERIODIC)
    # A server may be asked to leave while it starts.
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = settings()
    server = uvicorn.Server(
        uvicorn.Config(
            create_asgi(config),
            host="127.0.0.1",
            port=int(os.environ["PORT"]),
            log_level="warning",
            access_log=False,
        )
    )
    # Its own handlers would end the process before the engines are stopped.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    ready = await prepare(config.base_url, config.var_dir)
    async with worker.run_in_process(config.redis_url):
        made = config.var_dir / f"{READY}.part"
        made.write_text(json.dumps(ready))
        made.rename(config.var_dir / READY)
        await stop.wait()
    server.should_exit = True
    await serving


async def prepare(base_url: str, var_dir: Path) -> dict[str, Any]:
    """A program with its staff, one partner, and the demo shop's key, through the services."""
    from urllib.parse import urlsplit

    from app.programs.service import NewProgram, create_program, publish_consent_text
    from app.shops.keys import create_key
    from app.tracking.links import ensure_main_link
    from app.users import service
    from app.users.identity import StaffRole
    from tests.factories import SINCE, TERMS, make_partner, make_staff, make_user

    program_id = await create_program(
        NewProgram(
            "demo",
            "Волна и Полдень",
            f"{base_url}/demo-shop",
            (urlsplit(base_url).netloc,),
            about={
                "ru": "Аксессуары, которыми пользуются каждый день. Приводите покупателей и получайте "
                "долю с каждого заказа.",
                "en": "Accessories for every day. Bring buyers and earn a share of every order.",
            },
        ),
        TERMS,
        from_moment=SINCE,
    )
    for kind, ru, en in (
        ("terms", "Условия программы: честная реклама, без спама.", "Honest advertising, no spam."),
        ("privacy", "Данные нужны для договора и выплат.", "Your data serves the contract and payouts."),
    ):
        await publish_consent_text(program_id, kind, ru=ru, en=en)
    people = {
        name: await make_staff(
            StaffRole(role), f"{name}@example.com", program_id=program_id, name=name.title()
        )
        for name, role in STAFF.items()
    }
    people["boris"] = await make_user("boris@example.com", name="Борис Лунин", locale="ru")
    partner_id = await make_partner(
        program_id, "boris", user_id=people["boris"], name="Борис Лунин", email="boris@example.com"
    )
    await ensure_main_link(program_id, partner_id)
    key = await create_key("demo", "Demo shop", ["track", "orders", "read"])
    (var_dir / "demo-shop.key").write_text(key)
    links = {
        name: await service.make_one_time_link(user_id, service.Purpose.SIGN_IN)
        for name, user_id in people.items()
    }
    return {"links": links, "key": key}


if __name__ == "__main__":
    asyncio.run(main())
