"""The database: one engine, `transaction()`, hooks after the commit, and plain SQL for hot paths.

A service opens the one transaction of an action:

    async with db.transaction():
        ...                       # Piccolo queries and db.fetch() run in it
        db.after_commit(lambda: queue.wake("judge", 17))

Transactions do not nest: Piccolo's own would silently join the outer one, so that an inner failure that is caught
outside gets committed all the same. Tests hold one outer transaction and roll it back; under it `transaction()` is a
savepoint. The open transaction is inherited by tasks created inside it, and two tasks on one connection fail:
never `gather` or create tasks inside.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:  # asyncpg's classes are generic in its stubs only
    Connection = asyncpg.Connection

Hook = Callable[[], Awaitable[None]]


class _Engine(PostgresEngine):
    """Piccolo's own connects to the server when it is made, at import, before anybody could say where the server is."""

    async def check_version(self) -> None:
        """Which versions work is proved by `tandem doctor`."""

    async def prep_database(self) -> None:
        """No extension is needed: Piccolo would make uuid-ossp, which the embedded server does not even have."""


ENGINE = _Engine(config={}, extensions=())

ACQUIRE_SECONDS = 10.0


@dataclass(slots=True)
class _Open:
    """The transaction of this task: what runs after it, and whether tests hold it."""

    hooks: list[Hook] = field(default_factory=list)
    held_by_tests: bool = False


_open: ContextVar[_Open | None] = ContextVar("transaction", default=None)


async def connect(url: str, *, min_size: int = 1, max_size: int = 10) -> None:
    """Open the pool of connections to `url`; statements and lock waits are bounded."""
    ENGINE.config = {
        "dsn": url,
        "server_settings": {
            "application_name": "tandem",
            "timezone": "UTC",
            "statement_timeout": "30s",
            "lock_timeout": "10s",
            "idle_in_transaction_session_timeout": "60s",
            "jit": "off",
        },
    }
    await ENGINE.start_connection_pool(min_size=min_size, max_size=max_size, reset=_leave_as_it_is)


async def _leave_as_it_is(_connection: Connection) -> None:
    """asyncpg would reset the session by one more round trip whenever a connection is given back.

    Nothing here changes a session: settings and advisory locks end with their transactions, nobody listens.
    """


async def close() -> None:
    """Close the pool."""
    if ENGINE.pool is not None:
        await ENGINE.close_connection_pool()


@asynccontextmanager
async def transaction() -> AsyncIterator[Connection]:
    """The one transaction of an action; yields its connection. Commits at the end, rolls back on any exception.

    Raises RuntimeError when one is open already.
    """
    outer = _open.get()
    if outer is not None and not outer.held_by_tests:
        raise RuntimeError("a transaction is open already; join it with an `_in_transaction` function")
    opened = _Open()
    token = _open.set(opened)
    try:
        if outer is None:
            async with hold() as connection:
                yield connection
        else:
            connection = _held_connection()
            async with connection.transaction():
                yield connection
    finally:
        _open.reset(token)
    for hook in opened.hooks:
        await hook()


def after_commit(hook: Hook) -> None:
    """Run `hook` once the open transaction is committed; never when it is rolled back."""
    opened = _open.get()
    if opened is None:
        raise RuntimeError("after_commit() needs an open transaction")
    opened.hooks.append(hook)


@asynccontextmanager
async def transaction_for_tests() -> AsyncIterator[None]:
    """Hold an outer transaction and roll it back at the end; services inside get savepoints."""
    token = _open.set(_Open(held_by_tests=True))
    try:
        async with hold(commit=False):
            yield
    finally:
        _open.reset(token)


@asynccontextmanager
async def hold(*, commit: bool = True) -> AsyncIterator[Connection]:
    """A connection with a transaction that Piccolo's queries join.

    Piccolo's own context manager neither gives the connection back nor forgets the transaction when COMMIT fails.
    """
    if ENGINE.pool is None:
        raise RuntimeError("db.connect() has not been called")
    async with ENGINE.pool.acquire() as acquired:
        connection = cast("Connection", acquired)  # a proxy with the same methods
        joined = PostgresTransaction(engine=ENGINE, allow_nested=False)
        joined.connection = connection
        token = ENGINE.current_transaction.set(joined)
        started = connection.transaction()
        joined.transaction = started
        try:
            await started.start()
            try:
                yield connection
            except BaseException:
                await started.rollback()
                raise
            await (started.commit() if commit else started.rollback())
        finally:
            ENGINE.current_transaction.reset(token)


@asynccontextmanager
async def snapshot() -> AsyncIterator[None]:
    """One view of the database for several reads, whatever others commit meanwhile.

    Inside an open transaction it is that transaction's own view.
    """
    if ENGINE.current_transaction.get() is not None:
        yield
        return
    async with hold() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _held_connection() -> Connection:
    current = ENGINE.current_transaction.get()
    if current is None:
        raise RuntimeError("no transaction is open")
    connection: Connection = current.connection
    return connection


@asynccontextmanager
async def connection(*, seconds: float = ACQUIRE_SECONDS) -> AsyncIterator[Connection]:
    """The open transaction's connection, or one of the pool's for reads.

    `seconds` bound the wait for a free connection, and the wait of giving it back: a server that does not answer any
    more does not answer the cancelling of a statement either.
    """
    if ENGINE.current_transaction.get() is not None:
        yield _held_connection()
        return
    if ENGINE.pool is None:
        raise RuntimeError("db.connect() has not been called")
    async with ENGINE.pool.acquire(timeout=seconds) as acquired:
        yield cast("Connection", acquired)


async def fetch(sql: str, *values: Any) -> list[asyncpg.Record]:
    """Rows of `sql` with $1, $2 … filled by `values`."""
    async with connection() as held:
        return await held.fetch(sql, *values)


async def stream(sql: str, *values: Any) -> AsyncIterator[asyncpg.Record]:
    """Rows of `sql` one by one through a cursor, for results that are too long to hold."""
    inside = ENGINE.current_transaction.get() is not None
    async with nullcontext() if inside else hold(), connection() as held:
        async for row in held.cursor(sql, *values, prefetch=2000):
            yield row


async def fetchrow(sql: str, *values: Any) -> asyncpg.Record | None:
    """The first row, or None."""
    async with connection() as held:
        return await held.fetchrow(sql, *values)


async def fetchval(sql: str, *values: Any) -> Any:
    """The first column of the first row, or None."""
    async with connection() as held:
        return await held.fetchval(sql, *values)


async def execute(sql: str, *values: Any) -> str:
    """Run `sql`; PostgreSQL's tag, such as `UPDATE 3`."""
    async with connection() as held:
        return await held.execute(sql, *values)


async def copy_rows(table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY `rows` into `table`, for writes of many rows inside a transaction."""
    async with connection() as held:
        await held.copy_records_to_table(table, records=rows, columns=list(columns))


MANY_ROWS = 100
"""From so many rows on COPY costs less than an INSERT, although it takes two round trips more."""


class Inserts:
    """INSERTs that need nothing of each other, gathered from several slices and sent as one statement.

        inserts = db.Inserts()
        inserts.add("order_events", EVENT_COLUMNS, rows)
        inserts.add("events", OUTBOX_COLUMNS, more_rows)
        await inserts.run()

    Foreign keys among them hold, since they are checked when the statement ends. Long tables go by COPY.
    """

    def __init__(self) -> None:
        self._tables: list[_Table] = []

    def add(
        self,
        table: str,
        columns: Mapping[str, str],
        rows: Sequence[tuple[Any, ...]],
        *,
        conflict: str = "",
    ) -> None:
        """Rows of `columns`, which are given with their types.

        `conflict` is the ON CONFLICT clause; it calls the row that is there already `kept`.
        """
        if rows:
            self._tables.append(_Table(table, tuple(columns.items()), conflict, rows))

    async def run(self) -> None:
        """Send everything gathered so far, in the order in which it was added."""
        waiting: list[_Table] = []
        for table in self._tables:
            if len(table.rows) < MANY_ROWS or table.conflict:
                waiting.append(table)
                continue
            await _insert(waiting)
            waiting = []
            await copy_rows(table.name, [name for name, _type in table.columns], table.rows)
        await _insert(waiting)
        self._tables.clear()


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[tuple[str, str], ...]
    conflict: str
    rows: Sequence[tuple[Any, ...]]

    def as_json(self) -> str:
        """The rows as the statement takes them: one JSON text.

        asyncpg asks each element of an array twice what it is, which costs this process, the bottleneck, more than
        reading JSON costs the database.
        """
        names = [name for name, _type in self.columns]
        dressed = [
            (place, _DRESS[kind]) for place, (_name, kind) in enumerate(self.columns) if kind in _DRESS
        ]
        objects = []
        for row in self.rows:
            values = dict(zip(names, row, strict=True))
            for place, dress in dressed:
                if row[place] is not None:
                    values[names[place]] = dress(row[place])
            objects.append(values)
        return _encode(objects).decode()


_encode = msgspec.json.Encoder().encode
_DRESS: dict[str, Callable[[Any], Any]] = {
    "bytea": lambda value: "\\x" + value.hex(),
    "jsonb": lambda text: msgspec.Raw(text.encode()),
}
"""Values that JSON has no form for, by type: bytes in hexadecimal, and JSON, which is text here, as it is."""


async def _insert(tables: Sequence[_Table]) -> None:
    if tables:
        sql = _insert_sql(tuple((table.name, table.columns, table.conflict) for table in tables))
        await execute(sql, *(table.as_json() for table in tables))


@lru_cache(maxsize=256)
def _insert_sql(tables: tuple[tuple[str, tuple[tuple[str, str], ...], str], ...]) -> str:
    """One statement for all of them; no value is put into it, only our own names of tables and columns."""
    statements = []
    for place, (table, columns, conflict) in enumerate(tables, 1):
        names = ", ".join(name for name, _kind in columns)
        typed = ", ".join(f"{name} {kind}" for name, kind in columns)
        statements.append(
            f"INSERT INTO {table} AS kept ({names}) SELECT {names} "  # noqa: S608
            f"FROM json_to_recordset(${place}::text::json) AS given ({typed}) {conflict}"
        )
    *before, last = statements
    parts = [f"part_{number} AS ({statement})" for number, statement in enumerate(before)]
    return f"WITH {', '.join(parts)} {last}" if parts else last
