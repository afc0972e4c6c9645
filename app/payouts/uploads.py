"""Files that people hand in: told by their first bytes, pictures written anew, PDF kept as it is and never shown inline.

The name and the type that the browser gives are not looked at. A picture is decoded and encoded again, so that only a
picture can come out (no script behind it, no place where it was taken). A PDF cannot be cleaned: it is stored as it
came, since it may carry a signature, and is only ever answered as a download that no browser opens in our pages.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256

from litestar.datastructures import UploadFile

from app import clock, db
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.pictures import reencode

MAX_BYTES = 10 * 1024 * 1024
BODY_LIMIT = MAX_BYTES + 64 * 1024
"""Of a request that carries one file: the form's other fields have their room."""

_at_once = asyncio.Semaphore(2)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was looked at."""

    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Digest of the content, in hexadecimal digits."""
        return sha256(self.content).hexdigest()


async def read_upload(form: Form, name: str, given: object) -> Upload | None:
    """The file of field `name`; None with the field's error when it is missing, too large, or neither PDF nor picture."""
    raw = await given.read(MAX_BYTES + 1) if isinstance(given, UploadFile) else b""
    if not raw:
        form.fail(name, _("Choose a file."))
        return None
    if len(raw) > MAX_BYTES:
        form.fail(name, _("A file has at most %(size)s MB.", size=MAX_BYTES // 1024 // 1024))
        return None
    if is_pdf(raw):
        return Upload("application/pdf", raw)
    try:
        async with _at_once:
            ending, clean = await asyncio.to_thread(reencode, raw, ("PNG", "JPEG"))
    except ValueError:
        form.fail(name, _("This is neither a PDF nor a picture (JPEG or PNG) that we can read."))
        return None
    return Upload("image/png" if ending == "png" else "image/jpeg", clean)


def is_pdf(raw: bytes) -> bool:
    """A header at the very beginning and an end mark where readers look for it; what comes before is not ours to guess."""
    return raw.startswith(b"%PDF-") and b"%%EOF" in raw[-2048:]


async def store_in_transaction(
    program_id: int, partner_id: int, kind: str, upload: Upload, *, user_id: int | None
) -> int:
    """Keep a file for ever; its id."""
    stored: int = await db.fetchval(
        """
        INSERT INTO papers (program_id, partner_id, kind, media_type, sha256, size, content, made_at, made_by_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING id
        """,
        program_id,
        partner_id,
        kind,
        upload.media_type,
        upload.sha256,
        len(upload.content),
        upload.content,
        clock.now(),
        user_id,
    )
    return stored
