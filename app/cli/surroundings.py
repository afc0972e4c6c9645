"""What every command needs: settings, engines, connections, and errors as sentences instead of tracebacks."""

import asyncio
import contextlib
import functools
import io
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, ParamSpec

import asyncpg
from rich.console import Console

from app import db, embedded, queue
from app.config import SettingError, Settings, settings
from app.embedded import EngineError, Engines
from app.errors import DomainError
from app.ui import render

P = ParamSpec("P")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

REFUSED, SURROUNDINGS = 1, 4


def give_up(message: str, code: int = SURROUNDINGS) -> NoReturn:
    """Say why, and end with this code."""
    errors.print(f"[bold red]✗[/] {message}", markup=True)
    sys.exit(code)


def ready_settings(*, demo: bool = False) -> tuple[Settings, Engines | None]:
    """Settings with addresses of a database and of Redis; engines of our own where none are given.

    The addresses, and the secret that was found or made, go into the environment: servers' processes are children.
    """
    if demo:
        os.environ["TANDEM_DEMO"] = "1"
    settings.cache_clear()
    try:
        config = settings()
        if config.database_url is not None and config.redis_url is not None:
            return config, None
        os.environ["TANDEM_SECRET_KEY"] = config.secret_key.decode()
        # Servers pass a SIGTERM on once they have stopped; by default it would end us before the engines are stopped.
        signal.signal(signal.SIGTERM, _leave)
        engines = embedded.start(config.var_dir)
        if config.database_url is None:
            os.environ["DATABASE_URL"] = engines.database_url
            os.environ["DATABASE_OWNER_URL"] = engines.database_owner_url
        os.environ.setdefault("REDIS_URL", engines.redis_url)
        settings.cache_clear()
        return settings(), engines
    except (SettingError, EngineError) as error:
        give_up(str(error))


def _leave(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


async def migrated(config: Settings) -> None:
    """Bring the schema up to date, as the owner of the tables."""
    # Imported here: piccolo's migrations take longer to load than most commands to run.
    from app import migrations

    assert config.database_owner_url is not None, "ready_settings() gives addresses"
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(
            said
        ):  # Piccolo tells every step, which nobody wants to read when all is well.
            await migrations.migrate(config.database_owner_url)
    except BaseException:
        errors.print(said.getvalue(), markup=False)
        raise


def on_portal(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """Run an async command with settings, engines and open connections; its number is the exit code."""

    @functools.wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        config, engines = ready_settings()
        try:
            code = asyncio.run(_connected(config, work(*args, **kwargs)))
        except DomainError as error:
            _show_refusal(error)
            code = REFUSED
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            give_up(f"The database cannot be used: {error}")
        finally:
            if engines is not None:
                engines.stop()
        sys.exit(code or 0)

    return command


async def _connected(config: Settings, work: Coroutine[Any, Any, int | None]) -> int | None:
    assert config.database_url is not None, "ready_settings() gives addresses"
    try:
        if os.environ.get("DATABASE_OWNER_URL"):
            await migrated(config)
        render.configure(render.Site(base_url=config.base_url, demo=config.demo))
        await db.connect(config.database_url)
        if config.redis_url is not None:
            await queue.connect(config.redis_url)
        return await work
    finally:
        work.close()
        await queue.close()
        await db.close()


def _show_refusal(error: DomainError) -> None:
    errors.print(f"[bold red]✗[/] {error}", markup=True)
    for field in error.fields:
        detail = field.detail % field.values if field.values else field.detail
        errors.print(f"  [bold]{field.pointer}[/]: {detail}", markup=True)
