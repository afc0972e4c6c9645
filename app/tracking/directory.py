"""What the redirect knows of links, partners and programs: a small memory of this process in front of the database.

An entry is trusted for `FRESH` seconds, so a link that staff disable in another process stops working that much
later at most; a write in this process forgets its entries at once. Requests that wait for entries at the same moment
share one query. When the database cannot be asked, what is known goes on being used: a visitor gets to the shop even
while nothing can be counted.
"""

import asyncio
import time
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from app import clock, db
from app.rules.terms import AttributionTerms
from app.tracking.destinations import Address, Landing, allowed_hosts, fill, landing, parse

FRESH = 3.0
MAX_ENTRIES = 50_000
TIMEOUT = 1.5
"""Seconds that a visitor waits for the database when an entry is not known."""

DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the first statement on a connection that the server has closed while it was idle
    OSError,
    TimeoutError,
)

Found = TypeVar("Found")
Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True)
class Program:
    """A program, as far as clicks need it."""

    id: int
    code: str
    active: bool
    home: Address
    hosts: frozenset[str]
    parameter: str
    utm: Mapping[str, str]
    repeat: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Target:
    """Whose click it is and where it leads: a link, or a partner by his code (`link_id` 0: he has no link)."""

    program: Program
    partner_id: int
    partner_code: str
    link_id: int
    link_code: str
    active: bool
    """False: the program, the partner or the link is switched off now."""
    link_active: bool
    """False: the link is switched off."""
    destination: Address
    utm: Mapping[str, str] = field(default_factory=dict)
    """The link's own, over the program's."""
    subs: Mapping[str, str] = field(default_factory=dict)

    def landing(self, *, to: Address | None = None, incoming: Mapping[str, str] | None = None) -> Landing:
        """The landing address. `incoming`: utm_* and sub1 … sub5 of the click, which go before the link's own."""
        given = incoming or {}
        marks = fill({**self.program.utm, **self.utm}, self._places(given))
        marks.update((name, value) for name, value in given.items() if name.startswith("utm_"))
        marks[self.program.parameter] = self.partner_code
        return landing(to or self.destination, marks)

    def _places(self, given: Mapping[str, str]) -> dict[str, str]:
        subs = {
            f"sub{number}": given.get(f"sub{number}") or self.subs.get(f"sub{number}", "")
            for number in range(1, 6)
        }
        return {"program": self.program.code, "partner": self.partner_code, "link": self.link_code, **subs}


@dataclass(slots=True)
class _Entry(Generic[Found]):
    found: Found | None
    until: float


class Directory:
    """Targets by key: a link's code, or (program's code, partner's code) for the snippet; programs by code."""

    def __init__(self) -> None:
        self._links: dict[str, _Entry[Target]] = {}
        self._plain: dict[str, Landing] = {}
        self._programs: dict[str, _Entry[Program]] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._loading: asyncio.Task[None] | None = None

    async def link(self, code: str) -> Target | None:
        """The link of this code (lower case); None: there is none. Raises when neither memory nor database knows."""
        entry = self._links.get(code)
        if entry is not None and entry.until > time.monotonic():
            return entry.found
        try:
            await self._load(code)
        except DATABASE_ERRORS:
            if entry is None:
                raise
            return _still(entry)
        return self._links[code].found

    def plain(self, target: Target) -> Landing:
        """The landing address of a click that brings no marks of its own, made once per link."""
        made = self._plain.get(target.link_code)
        if made is None:
            made = self._plain[target.link_code] = target.landing()
        return made

    async def program(self, code: str) -> Program | None:
        """The program of this code; with an empty code, the only active one, if there is just one."""
        entry = self._programs.get(code)
        if entry is not None and entry.until > time.monotonic():
            return entry.found
        try:
            found = await _in_time(load_program(code))
        except DATABASE_ERRORS:
            if entry is None:
                raise
            return _still(entry)
        _keep(self._programs, code, found)
        return found

    def forget(self, codes: Collection[str]) -> None:
        """Ask the database anew for these links: they were changed in this process."""
        for code in codes:
            self._links.pop(code, None)
            self._plain.pop(code, None)

    def forget_all(self) -> None:
        """A partner, a program or its terms were changed in this process."""
        self._links.clear()
        self._plain.clear()
        self._programs.clear()

    async def _load(self, code: str) -> None:
        future = self._waiting.get(code)
        if future is None:
            future = self._waiting[code] = asyncio.get_running_loop().create_future()
            if self._loading is None:
                # The task inherits the request's context, and with it the transaction that a test holds.
                self._loading = asyncio.create_task(self._load_waiting())
        # One request that goes away must not take the answer from the others.
        await asyncio.shield(future)

    async def _load_waiting(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                try:
                    found = await _in_time(load_links(list(waiting)))
                except DATABASE_ERRORS as error:
                    _fail(waiting, error)
                    continue
                for code, future in waiting.items():
                    self._plain.pop(code, None)
                    _keep(self._links, code, found.get(code))
                    if not future.done():
                        future.set_result(None)
        finally:
            self._loading = None
            waiting, self._waiting = self._waiting, {}
            _fail(waiting, asyncio.CancelledError())


def _keep(entries: dict[str, _Entry[Found]], code: str, found: Found | None) -> None:
    if len(entries) >= MAX_ENTRIES:
        del entries[next(iter(entries))]
    entries.pop(code, None)
    entries[code] = _Entry(found, time.monotonic() + FRESH)


def _still(entry: _Entry[Found]) -> Found | None:
    """What was known before the database went away; the next visitors do not wait for it again at once."""
    entry.until = time.monotonic() + FRESH
    return entry.found


async def _in_time(reading: Coroutine[None, None, Loaded]) -> Loaded:
    """The result, or TimeoutError after `TIMEOUT` sharp: a server that hangs holds up even the cancelling."""
    task = asyncio.create_task(reading)
    done, _pending = await asyncio.wait({task}, timeout=TIMEOUT)
    if not done:
        task.cancel()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise TimeoutError
    return task.result()


def _fail(waiting: Mapping[str, asyncio.Future[None]], error: BaseException) -> None:
    for future in waiting.values():
        if not future.done():
            future.set_exception(error)
            future.exception()  # looked at: nobody may be left to ask for it


# The newest terms in force; before the first version of a program the rules' defaults hold.
_PROGRAM = """
    program.id AS program_id, program.code AS program_code, program.active AS program_active, program.home_url,
    program.hosts, program.partner_parameter, program.utm AS program_utm,
    (terms.document -> 'attribution' ->> 'repeat_minutes')::int AS repeat_minutes,
    terms.document ->> 'time_zone' AS time_zone
"""
_TERMS = """
    LEFT JOIN LATERAL (
        SELECT version.document FROM program_terms AS version
        WHERE version.program_id = program.id
        ORDER BY (version.in_force_from <= $1) DESC,
            CASE WHEN version.in_force_from <= $1 THEN version.in_force_from END DESC, version.number DESC
        LIMIT 1
    ) AS terms ON TRUE
"""


async def load_links(codes: list[str]) -> dict[str, Target]:
    """The links of these codes."""
    rows = await db.fetch(
        f"""
        SELECT link.id AS link_id, link.code AS link_code, link.destination, link.utm, link.disabled_at,
            link.sub1, link.sub2, link.sub3, link.sub4, link.sub5,
            partner.id AS partner_id, partner.code AS partner_code, partner.state, {_PROGRAM}
        FROM links AS link
        JOIN partners AS partner ON partner.id = link.partner_id
        JOIN programs AS program ON program.id = link.program_id
        {_TERMS}
        WHERE link.code = ANY($2::text[])
        """,  # noqa: S608 - only constants of this file
        clock.now(),
        codes,
    )
    return {row["link_code"]: _target(row) for row in rows}


async def load_partners(program_id: int, codes: list[str]) -> dict[str, Target]:
    """Targets for partners who are named without a link, by their lower-case codes: each one's first link counts."""
    rows = await db.fetch(
        f"""
        SELECT coalesce(link.id, 0) AS link_id, '' AS link_code, '' AS destination, NULL AS utm, link.disabled_at,
            '' AS sub1, '' AS sub2, '' AS sub3, '' AS sub4, '' AS sub5,
            partner.id AS partner_id, partner.code AS partner_code, partner.state, {_PROGRAM}
        FROM partners AS partner
        JOIN programs AS program ON program.id = partner.program_id
        LEFT JOIN LATERAL (
            SELECT id, disabled_at FROM links WHERE partner_id = partner.id ORDER BY id LIMIT 1
        ) AS link ON TRUE
        {_TERMS}
        WHERE partner.program_id = $2 AND lower(partner.code) = ANY($3::text[])
        """,  # noqa: S608 - only constants of this file
        clock.now(),
        program_id,
        codes,
    )
    return {row["partner_code"].lower(): _target(row) for row in rows}


async def load_program(code: str) -> Program | None:
    """The program of this code; with an empty code, the only active one."""
    rows = await db.fetch(
        f"""
        SELECT {_PROGRAM} FROM programs AS program {_TERMS}
        WHERE program.code = $2 OR ($2 = '' AND program.active)
        ORDER BY program.id
        LIMIT 2
        """,  # noqa: S608 - only constants of this file
        clock.now(),
        code,
    )
    return _program(rows[0]) if len(rows) == 1 else None


async def load_program_by_id(program_id: int, at: datetime) -> Program | None:
    """The program of this id, with the terms in force at a moment."""
    row = await db.fetchrow(
        f"SELECT {_PROGRAM} FROM programs AS program {_TERMS} WHERE program.id = $2",  # noqa: S608
        at,
        program_id,
    )
    return _program(row) if row else None


def _target(row: asyncpg.Record) -> Target:
    program = _program(row)
    destination = parse(row["destination"]) if row["destination"] else None
    if destination is None or destination.host not in program.hosts:
        destination = program.home  # a host that the program has given up since
    return Target(
        program=program,
        partner_id=row["partner_id"],
        partner_code=row["partner_code"],
        link_id=row["link_id"],
        link_code=row["link_code"],
        active=program.active and row["state"] == "active" and row["disabled_at"] is None,
        link_active=row["disabled_at"] is None,
        destination=destination,
        utm=msgspec.json.decode(row["utm"]) if row["utm"] else {},
        subs={f"sub{number}": row[f"sub{number}"] for number in range(1, 6)},
    )


def _program(row: asyncpg.Record) -> Program:
    home = parse(row["home_url"])
    assert home is not None, f"program {row['program_code']} has no usable home page"
    minutes = row["repeat_minutes"]
    return Program(
        id=row["program_id"],
        code=row["program_code"],
        active=row["program_active"],
        home=home,
        hosts=allowed_hosts(row["hosts"], row["home_url"]),
        parameter=row["partner_parameter"],
        utm=msgspec.json.decode(row["program_utm"]),
        repeat=timedelta(minutes=AttributionTerms().repeat_minutes if minutes is None else minutes),
        zone=ZoneInfo(row["time_zone"] or "UTC"),
    )


DIRECTORY = Directory()
"""The one of this process."""
