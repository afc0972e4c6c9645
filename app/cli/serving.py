"""`tandem demo`, `serve`, `worker`, `migrate`: the processes of the portal."""

import asyncio
import contextlib
import logging
import os
from contextlib import AsyncExitStack
from typing import Any

import rich_click as click
import uvicorn

from app import db, logs, queue
from app.cli.surroundings import console, give_up, migrated, ready_settings
from app.config import Settings
from app.demo import data
from app.main import create_asgi
from app.users.service import Purpose, find_user, make_one_time_link
from tasks import worker as worker_process


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="PORT", help="Port to listen on.")
def demo(host: str, port: int) -> None:
    """Start everything with demo data: engines, portal, worker, a small shop. Prints links to sign in by."""
    os.environ["PORT"] = str(port)
    config, engines = ready_settings(demo=True)
    try:
        with console.status("Preparing the database and the demo data …"):
            asyncio.run(_prepare(config))
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn passes Ctrl-C on once it has stopped
            asyncio.run(_serve_demo(config, host, port))
    finally:
        if engines is not None:
            engines.stop()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="PORT", help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Processes of the web server.")
@click.option("--server", type=click.Choice(["granian", "uvicorn"]), default="granian", show_default=True)
@click.option(
    "--migrate/--no-migrate", "with_migrations", default=True, help="Bring the schema up to date first."
)
def serve(host: str, port: int, workers: int, server: str, with_migrations: bool) -> None:
    """Serve the portal for real; run `tandem worker` beside it."""
    os.environ["PORT"] = str(port)  # the address of a portal that was told none
    config, engines = ready_settings()
    try:
        if with_migrations:
            asyncio.run(migrated(config))
        if server == "granian":
            _serve_granian(host, port, workers)
        else:
            uvicorn.run(
                "app.main:create_asgi",
                factory=True,
                host=host,
                port=port,
                workers=workers,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
    finally:
        if engines is not None:
            engines.stop()


@click.command()
def worker() -> None:
    """Work off what is waiting: notices, mails, releases, levels. Any number may run."""
    config, engines = ready_settings()
    try:
        asyncio.run(worker_process.run(config))
    finally:
        if engines is not None:
            engines.stop()


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date; several at once wait for one another."""
    config, engines = ready_settings()
    try:
        asyncio.run(migrated(config))
    except OSError as error:
        give_up(f"The database cannot be reached: {error}")
    finally:
        if engines is not None:
            engines.stop()
    console.print("[green]✓[/] the schema is up to date")


def _serve_granian(host: str, port: int, workers: int) -> None:
    # Imported here: it starts a thread pool of its own that no other command needs.
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "app.main:create_asgi",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
    ).serve()


async def _prepare(config: Settings) -> None:
    await migrated(config)
    assert config.database_url is not None, "ready_settings() gives addresses"
    await db.connect(config.database_url)
    try:
        await data.seed(config)
    finally:
        await queue.close()
        await db.close()


class _DemoServer(uvicorn.Server):
    """The web server with a worker beside it, which stops before the connections that it uses are closed."""

    def __init__(self, server: uvicorn.Config, config: Settings) -> None:
        super().__init__(server)
        self._portal = config
        self._beside = AsyncExitStack()

    async def startup(self, sockets: Any = None) -> None:
        """Once it listens, the worker runs and the addresses are printed."""
        await super().startup(sockets=sockets)
        if not self.should_exit:
            # Only what is wrong is told from now on: the links below should stay in sight.
            logs.configure(logging.WARNING)
            await self._beside.enter_async_context(worker_process.run_in_process(self._portal.redis_url))
            for line in await _welcome(self._portal):
                console.print(line, soft_wrap=True)

    async def shutdown(self, sockets: Any = None) -> None:
        """The worker first."""
        await self._beside.aclose()
        await super().shutdown(sockets=sockets)


async def _serve_demo(config: Settings, host: str, port: int) -> None:
    server = uvicorn.Config(
        create_asgi(config),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    await _DemoServer(server, config).serve()


async def _welcome(config: Settings) -> list[str]:
    """Addresses, and links that sign in once: there are no default passwords. Lines are never cut."""
    lines = [
        "[bold green]Tandem is running.[/] Ctrl-C stops it.",
        "",
        f"  [bold]Portal[/]      {config.base_url}",
        f"  [bold]Demo shop[/]   {config.base_url}/demo-shop",
        f"  [bold]Mails[/]       {config.base_url}/dev/mail",
        f"  [bold]API[/]         {config.base_url}/developers",
        "",
        "Sign in once as …",
    ]
    for role, email in data.PEOPLE.items():
        user_id = await find_user(email)
        assert user_id is not None, "the demo data has all of its people"
        lines.append(f"  [bold]{role:<11}[/] {await make_one_time_link(user_id, Purpose.SIGN_IN)}")
    return lines
