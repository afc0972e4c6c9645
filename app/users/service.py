"""What happens to users: made, given roles, signed in and out, sent links that work once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app import clock, db, queue
from app.config import settings
from app.errors import Conflict, DomainError, NotFound
from app.ui.i18n import LOCALES
from app.users import audit, limits, passwords, sessions
from app.users.identity import StaffRole
from app.users.sessions import Browser

MAIL_LINKS_TASK = "mail_links"


class Purpose(StrEnum):
    """What a one-time link is for."""

    CONFIRM_EMAIL = "confirm_email"
    """Proves that the address is the user's."""
    SIGN_IN = "sign_in"
    """Signs in without a password."""
    RESET = "reset"
    """Lets him choose a new password."""


PATHS = {Purpose.CONFIRM_EMAIL: "/confirm", Purpose.SIGN_IN: "/sign-in/link", Purpose.RESET: "/reset"}
LIVES = {
    Purpose.CONFIRM_EMAIL: timedelta(days=3),
    Purpose.SIGN_IN: timedelta(minutes=30),
    Purpose.RESET: timedelta(minutes=30),
}


@dataclass(frozen=True, slots=True)
class NewSession:
    """What the answer to a sign-in carries."""

    user_id: int
    token: str
    expires_at: datetime


def normal_email(email: str) -> str:
    """As addresses are stored and compared."""
    return email.strip().lower()


async def create_user(
    email: str, password: str | None = None, *, locale: str = "ru", name: str = "", phone: str = ""
) -> int:
    """A new user; his id. Conflict when the address is taken, 422 when the password is too weak.

    Without a password he signs in by links only, until he chooses one.
    """
    stored = await new_password_hash(password, email=email) if password is not None else ""
    async with db.transaction():
        return await create_user_in_transaction(
            email, password_hash=stored, locale=locale, name=name, phone=phone
        )


async def new_password_hash(password: str, *, email: str = "") -> str:
    """The hash of a password that is strong enough; before the transaction, since it takes its time."""
    passwords.check_strength(password, email=email)
    return await passwords.hash_in_thread(password)


async def create_user_in_transaction(
    email: str, *, password_hash: str = "", locale: str = "ru", name: str = "", phone: str = ""
) -> int:
    """`create_user` within the caller's transaction, with a hash from `new_password_hash`."""
    assert locale in LOCALES, locale
    user_id: int | None = await db.fetchval(
        """
        INSERT INTO users (username, email, password, first_name, last_name, active, admin, superuser,
                           phone, locale, theme, time_zone, created_at)
        VALUES ($1, $1, $2, $3, '', TRUE, FALSE, FALSE, $4, $5, 'auto', '', $6)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        normal_email(email),
        password_hash,
        name[:255],
        phone,
        locale,
        clock.now(),
    )
    if user_id is None:
        raise Conflict("This e-mail address is already in use. Sign in with it.", code="email_taken")
    return user_id


async def find_user(email: str) -> int | None:
    """Id of the user with this address; None: nobody."""
    found: int | None = await db.fetchval("SELECT id FROM users WHERE username = $1", normal_email(email))
    return found


async def set_password(user_id: int, password: str, *, keep_session: int | None = None) -> None:
    """A new password. Ends every other session and every link that is still out."""
    email = await db.fetchval("SELECT email FROM users WHERE id = $1", user_id)
    if email is None:
        raise NotFound()
    stored = await new_password_hash(password, email=email)
    async with db.transaction():
        await _set_password_in_transaction(user_id, stored)
        await sessions.revoke_all_in_transaction(user_id, but=keep_session)


async def _set_password_in_transaction(user_id: int, stored: str) -> None:
    await db.execute("UPDATE users SET password = $2 WHERE id = $1", user_id, stored)
    await db.execute(
        "UPDATE user_one_time_links SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL",
        user_id,
        clock.now(),
    )
    await audit.write_in_transaction("user.password_changed", f"user:{user_id}", user_id=user_id)


async def grant_role(
    user_id: int, role: StaffRole, *, program_id: int | None = None, author_id: int | None = None
) -> None:
    """Give a role, for one program or (None) for all. Given twice it is given once."""
    async with db.transaction():
        await db.execute(
            "INSERT INTO user_roles (user_id, program_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            user_id,
            program_id,
            role.value,
        )
        await _roles_changed_in_transaction(user_id, f"granted {role.value}", program_id, author_id)


async def revoke_role(
    user_id: int, role: StaffRole, *, program_id: int | None = None, author_id: int | None = None
) -> None:
    """Take a role away; ends the user's sessions."""
    async with db.transaction():
        await db.execute(
            "DELETE FROM user_roles WHERE user_id = $1 AND program_id IS NOT DISTINCT FROM $2 AND role = $3",
            user_id,
            program_id,
            role.value,
        )
        await _roles_changed_in_transaction(user_id, f"revoked {role.value}", program_id, author_id)


async def _roles_changed_in_transaction(
    user_id: int, what: str, program_id: int | None, author_id: int | None
) -> None:
    """piccolo-admin's own flags follow the roles, and a session of other rights is not carried on."""
    await db.execute(
        """
        UPDATE users u
           SET admin = EXISTS (SELECT 1 FROM user_roles r WHERE r.user_id = u.id),
               superuser = EXISTS (SELECT 1 FROM user_roles r WHERE r.user_id = u.id AND r.role = 'owner')
         WHERE u.id = $1
        """,
        user_id,
    )
    await sessions.revoke_all_in_transaction(user_id)
    await audit.write_in_transaction(
        "user.roles_changed", f"user:{user_id}", program_id=program_id, user_id=author_id, reason=what
    )


async def sign_in(email: str, password: str, browser: Browser) -> NewSession:
    """A new session for the right password. One refusal for a wrong password and for an unknown address.

    Raises TooManyRequests when the limit of the account or of the network address is reached.
    """
    taken = await limits.take(limits.sign_in_limits(email, browser.ip))
    row = await db.fetchrow(
        "SELECT id, password FROM users WHERE username = $1 AND active", normal_email(email)
    )
    if not await passwords.verify_in_thread(row["password"] if row else "", password) or row is None:
        raise DomainError("E-mail or password is wrong.", code="wrong_credentials")
    async with db.transaction():
        made = await start_session_in_transaction(row["id"], browser)
        await limits.give_back(taken)
    return made


async def start_session_in_transaction(user_id: int, browser: Browser) -> NewSession:
    """A new session of a user who has just proved who he is."""
    staff: bool = await db.fetchval("SELECT EXISTS (SELECT 1 FROM user_roles WHERE user_id = $1)", user_id)
    token, expires_at = await sessions.start_in_transaction(user_id, browser, staff=staff)
    await db.execute(
        "UPDATE users SET last_login = $2 WHERE id = $1", user_id, clock.now().replace(tzinfo=None)
    )
    if staff:
        await audit.write_in_transaction("user.signed_in", f"user:{user_id}", user_id=user_id)
    return NewSession(user_id, token, expires_at)


async def sign_out(session_id: int) -> None:
    """End this session."""
    async with db.transaction():
        await sessions.revoke_in_transaction(session_id)


async def revoke_sessions(user_id: int, *, but: int | None = None) -> None:
    """End all sessions of the user, save the one with id `but`."""
    async with db.transaction():
        await sessions.revoke_all_in_transaction(user_id, but=but)


async def make_one_time_link(user_id: int, purpose: Purpose, *, life: timedelta | None = None) -> str:
    """A new link, to be handed to its user: the full URL. Only its digest is stored."""
    async with db.transaction():
        return await make_one_time_link_in_transaction(user_id, purpose, life=life)


async def make_one_time_link_in_transaction(
    user_id: int, purpose: Purpose, *, life: timedelta | None = None
) -> str:
    """`make_one_time_link` within the caller's transaction."""
    token = sessions.new_token()
    now = clock.now()
    await db.execute(
        """
        INSERT INTO user_one_time_links (token_digest, user_id, purpose, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        sessions.digest(token),
        user_id,
        purpose.value,
        now,
        now + (life or LIVES[purpose]),
    )
    return link_url(purpose, token)


def link_url(purpose: Purpose, token: str) -> str:
    return f"{settings().base_url}{PATHS[purpose]}/{token}"


async def ask_for_link(email: str, ip: str) -> None:
    """Have a link to a new password sent to `email`, if there is such a user. Same work and answer if not."""
    await limits.take(limits.letter_limits(email, ip))
    now = clock.now()
    async with db.transaction():
        # The link's token is made when the letter is: until then nobody knows it, so its digest is a random one.
        await db.execute(
            """
            INSERT INTO user_one_time_links (token_digest, user_id, purpose, created_at, expires_at, mail_due_at)
            SELECT $1, id, $2, $3, $4, $3 FROM users WHERE username = $5 AND active
            """,
            sessions.digest(sessions.new_token()),
            Purpose.RESET.value,
            now,
            now + LIVES[Purpose.RESET],
            normal_email(email),
        )
        db.after_commit(lambda: queue.wake(MAIL_LINKS_TASK))


async def find_link(purpose: Purpose, token: str) -> str | None:
    """The e-mail of a live link's user; None: unknown, used or too old. Changes nothing."""
    email: str | None = await db.fetchval(
        """
        SELECT u.email FROM user_one_time_links l JOIN users u ON u.id = l.user_id
         WHERE l.token_digest = $1 AND l.purpose = $2 AND l.used_at IS NULL AND l.expires_at > $3 AND u.active
        """,
        sessions.digest(token),
        purpose.value,
        clock.now(),
    )
    return email


async def _use_link_in_transaction(purpose: Purpose, token: str) -> int:
    """Use the link up; the id of its user. Of two uses at once the second finds it used."""
    now = clock.now()
    user_id: int | None = await db.fetchval(
        """
        UPDATE user_one_time_links l SET used_at = $3
          FROM users u
         WHERE l.token_digest = $1 AND l.purpose = $2 AND l.used_at IS NULL AND l.expires_at > $3
           AND u.id = l.user_id AND u.active
        RETURNING l.user_id
        """,
        sessions.digest(token),
        purpose.value,
        now,
    )
    if user_id is None:
        raise DomainError("This link no longer works: it was used already or is too old.", code="dead_link")
    # Whoever opens a link from a letter reads that mailbox.
    await db.execute(
        "UPDATE users SET email_confirmed_at = $2 WHERE id = $1 AND email_confirmed_at IS NULL", user_id, now
    )
    return user_id


async def sign_in_by_link(token: str, browser: Browser) -> NewSession:
    """A session for the holder of a sign-in link."""
    taken = await limits.take(limits.link_limits(browser.ip))
    async with db.transaction():
        user_id = await _use_link_in_transaction(Purpose.SIGN_IN, token)
        made = await start_session_in_transaction(user_id, browser)
        await limits.give_back(taken)
    return made


async def reset_password(token: str, password: str, browser: Browser) -> NewSession:
    """A new password by a link, and a session. All other sessions and links of the user end."""
    taken = await limits.take(limits.link_limits(browser.ip))
    email = await find_link(Purpose.RESET, token)
    stored = await new_password_hash(password, email=email or "")
    async with db.transaction():
        user_id = await _use_link_in_transaction(Purpose.RESET, token)
        await _set_password_in_transaction(user_id, stored)
        await sessions.revoke_all_in_transaction(user_id)
        made = await start_session_in_transaction(user_id, browser)
        await limits.give_back(taken)
    return made


async def confirm_email_in_transaction(token: str) -> int:
    """Use a confirmation link up; the id of the user whose address is proved now. 422 when it is dead."""
    return await _use_link_in_transaction(Purpose.CONFIRM_EMAIL, token)


async def confirm_email(token: str) -> int:
    """`confirm_email_in_transaction` on its own."""
    async with db.transaction():
        return await confirm_email_in_transaction(token)


async def choose_preferences(user_id: int, *, locale: str, theme: str) -> None:
    """Language and theme of the user's pages and mails."""
    async with db.transaction():
        await db.execute("UPDATE users SET locale = $2, theme = $3 WHERE id = $1", user_id, locale, theme)
