"""Whose jobs are run: those of all programs, or of the one that a scenario plays in."""

from contextvars import ContextVar

from app import db

only_program: ContextVar[int | None] = ContextVar("only_program", default=None)
"""A scenario has a clock of its own: jobs that it runs must leave all other programs alone."""


async def program_ids() -> list[int]:
    """The programs whose jobs are run, in the order of their ids."""
    only = only_program.get()
    if only is not None:
        return [only]
    rows = await db.fetch("SELECT id FROM programs ORDER BY id")
    return [row["id"] for row in rows]
