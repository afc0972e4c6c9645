"""`tandem user`: who can sign in."""

import rich_click as click
from rich.table import Table

from app import db
from app.cli.surroundings import console, on_portal
from app.errors import NotFound
from app.programs.queries import program_by_code
from app.users import service
from app.users.identity import StaffRole
from app.users.service import Purpose

ROLES = click.Choice([role.value for role in StaffRole])


@click.group()
def user() -> None:
    """Users and their roles. A partner's user is made by his application."""


@user.command("create")
@click.argument("email")
@click.option("--role", type=ROLES, help="What he may do as staff.")
@click.option("--program", help="Code of the program that the role is for; all programs without it.")
@click.option("--name", default="", help="How he is called.")
@click.option("--locale", type=click.Choice(["ru", "en"]), default="ru", show_default=True)
@on_portal
async def create(email: str, role: str | None, program: str | None, name: str, locale: str) -> None:
    """Make a user and print a link by which he signs in for the first time."""
    program_id = await _program_id(program)
    user_id = await service.create_user(email, locale=locale, name=name)
    if role is not None:
        await service.grant_role(user_id, StaffRole(role), program_id=program_id)
    console.print(f"[green]✓[/] {email}")
    console.print(await service.make_one_time_link(user_id, Purpose.SIGN_IN), soft_wrap=True)


@user.command("role")
@click.argument("email")
@click.argument("role", type=ROLES)
@click.option("--program", help="Code of the program; all programs without it.")
@click.option("--revoke", is_flag=True, help="Take the role away instead.")
@on_portal
async def change_role(email: str, role: str, program: str | None, revoke: bool) -> None:
    """Give somebody a role, or take it away."""
    change = service.revoke_role if revoke else service.grant_role
    await change(await _user_id(email), StaffRole(role), program_id=await _program_id(program))
    console.print(f"[green]✓[/] {email}: {role}{' taken away' if revoke else ''}")


@user.command("link")
@click.argument("email")
@on_portal
async def link(email: str) -> None:
    """Print a link that signs somebody in, once."""
    console.print(await service.make_one_time_link(await _user_id(email), Purpose.SIGN_IN), soft_wrap=True)


@user.command("password")
@click.argument("email")
@click.password_option(help="Asked for when it is not given.")
@on_portal
async def password(email: str, password: str) -> None:
    """Set somebody's password. Ends all his sessions."""
    await service.set_password(await _user_id(email), password)
    console.print(f"[green]✓[/] {email}")


@user.command("list")
@on_portal
async def show_users() -> None:
    """Staff with their roles."""
    rows = await db.fetch(
        """
        SELECT users.email, user_roles.role, coalesce(programs.code, 'all') AS program, users.active
        FROM users
        JOIN user_roles ON user_roles.user_id = users.id
        LEFT JOIN programs ON programs.id = user_roles.program_id
        ORDER BY users.email, user_roles.role, user_roles.id
        LIMIT 1000
        """
    )
    table = Table("E-mail", "Role", "Program", "Active")
    for row in rows:
        table.add_row(row["email"], row["role"], row["program"], "yes" if row["active"] else "no")
    console.print(table)


async def _user_id(email: str) -> int:
    found = await service.find_user(email)
    if found is None:
        raise NotFound("There is no user %(email)s.", email=email)
    return found


async def _program_id(code: str | None) -> int | None:
    if code is None:
        return None
    program = await program_by_code(code)
    if program is None:
        raise NotFound("There is no program %(program)s.", program=code)
    return program.id
