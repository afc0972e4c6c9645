"""`tandem doctor`: is everything round the portal as it should be?"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import rich_click as click
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.table import Table

from app import clock, db, migrations
from app.cli.surroundings import SURROUNDINGS, console, on_portal
from app.config import Settings, settings

OLDEST_POSTGRES, NEWEST_POSTGRES = 15, 18
OLDEST_REDIS = (6, 2)
SKEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    state: str
    """ok, warn or bad."""
    detail: str


@click.command()
@on_portal
async def doctor() -> int:
    """Look at settings, secrets, database, roles, migrations, Redis, clocks and what is waiting."""
    findings = [*_settings(settings())]
    findings += [finding async for finding in _database()]
    findings += [finding async for finding in _redis(settings().redis_url)]
    findings += [finding async for finding in _waiting()]
    table = Table("", "", "", box=None, show_header=False, padding=(0, 2, 0, 0))
    marks = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[bold red]✗[/]"}
    for finding in findings:
        table.add_row(marks[finding.state], finding.what, finding.detail)
    console.print(table)
    return SURROUNDINGS if any(finding.state == "bad" for finding in findings) else 0


def _settings(config: Settings) -> list[Finding]:
    own = "engines of our own" if os.environ.get("DATABASE_URL", "").find("/run/") >= 0 else ""
    local = config.base_url.startswith(("http://127.", "http://localhost"))
    secure = Finding("Address", "ok" if config.secure or local else "warn", config.base_url)
    if secure.state == "warn":
        secure = Finding("Address", "warn", f"{config.base_url}: cookies are not protected without https")
    strength = Finding("Secret key", "ok", f"{len(config.secret_key)} bytes")
    mail = Finding(
        "Mail",
        "ok" if config.smtp_url else "warn",
        "by SMTP" if config.smtp_url else f"no SMTP_URL: mails are kept in {config.var_dir / 'mail'}",
    )
    config.media_dir.mkdir(parents=True, exist_ok=True)
    writable = os.access(config.media_dir, os.W_OK)
    media = Finding(
        "Media", "ok" if writable else "bad", f"{config.media_dir}{'' if writable else ' cannot be written'}"
    )
    demo = [Finding("Demo mode", "warn", "is on: everybody sees the mails")] if config.demo else []
    return [secure, strength, mail, media, *demo, *([Finding("Engines", "ok", own)] if own else [])]


async def _database() -> AsyncIterator[Finding]:
    version = int(await db.fetchval("SHOW server_version_num")) // 10_000
    known = OLDEST_POSTGRES <= version <= NEWEST_POSTGRES
    yield Finding("PostgreSQL", "ok" if known else "bad", f"{version} (15 to 18 are supported)")
    role = await db.fetchrow(
        "SELECT current_user AS name, rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    assert role is not None, "every connection has a role"
    yield Finding(
        "Role",
        "warn" if role["rolsuper"] else "ok",
        f"{role['name']}{' is a superuser: use ' + migrations.APP_ROLE if role['rolsuper'] else ''}",
    )
    protected = [
        table
        for table in migrations.APPEND_ONLY
        if not await db.fetchval("SELECT has_table_privilege($1, 'UPDATE, DELETE, TRUNCATE')", table)
    ]
    missing = sorted(set(migrations.APPEND_ONLY) - set(protected))
    yield Finding(
        "Append-only tables",
        "warn" if missing else "ok",
        f"the role may change {', '.join(missing)}; triggers refuse it all the same"
        if missing
        else "by role and trigger",
    )
    count = await db.fetchval("SELECT count(*) FROM migration")
    yield Finding("Migrations", "ok", f"{count} applied")
    durable = await db.fetchval("SHOW synchronous_commit")
    fsync = await db.fetchval("SHOW fsync")
    yield Finding(
        "Durability",
        "ok" if (durable, fsync) == ("on", "on") else "bad",
        f"fsync {fsync}, synchronous_commit {durable}",
    )
    skew = abs(await db.fetchval("SELECT clock_timestamp()") - clock.now())
    yield Finding(
        "Clock", "ok" if skew < SKEW else "bad", f"{skew.total_seconds():.3f} s from the database's"
    )


async def _redis(url: str | None) -> AsyncIterator[Finding]:
    assert url is not None, "the surroundings give an address"
    client: Redis = Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
    try:
        about = await client.info("server")
        version = str(about["redis_version"])
        known = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_REDIS
        name = about.get("server_name", "redis")
        yield Finding(
            "Redis or Valkey", "ok" if known else "bad", f"{name} {about.get('valkey_version', version)}"
        )
        policy = (await client.info("memory")).get("maxmemory_policy", "?")
        yield Finding("Eviction", "ok" if policy == "noeviction" else "warn", str(policy))
    except (RedisError, OSError) as error:
        yield Finding("Redis or Valkey", "bad", f"cannot be reached: {error}")
    finally:
        await client.aclose()


async def _waiting() -> AsyncIterator[Finding]:
    seen = await db.fetchval("SELECT max(finished_at) FROM job_runs")
    alive = seen is not None and clock.now() - seen < timedelta(minutes=10)
    when = seen.isoformat(sep=" ", timespec="seconds") if seen else "never"
    yield Finding("Worker", "ok" if alive else "warn", f"last job finished {when}")
    for what, sql in (
        ("Dead events", "SELECT count(*) FROM events WHERE state = 'dead'"),
        ("Orders not judged", "SELECT count(*) FROM orders WHERE judging_error <> ''"),
    ):
        count = await db.fetchval(sql)
        yield Finding(what, "warn" if count else "ok", str(count))
