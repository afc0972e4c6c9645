"""Pictures of materials: what is uploaded is decoded and written anew, so that only a picture can come out.

A file that is a picture and a script at the same time loses the script; metadata (a photographer's place) go too.
Names are random: nobody can guess a banner of a level he has not reached, and nothing of the upload's name is kept.
"""

import asyncio
import re
import secrets
from pathlib import Path
from typing import IO, Any

from piccolo.columns import Varchar
from piccolo_api.media.base import MediaStorage
from PIL import Image

from app.ui.i18n import gettext as _
from app.ui.pictures import reencode

FOLDER = "materials"
MAX_BYTES = 5 * 1024 * 1024
NAME = re.compile(rf"{FOLDER}/[0-9a-f]{{32}}\.(?:png|jpg|webp|gif)")

_at_once = asyncio.Semaphore(2)


class MaterialImages(MediaStorage):
    """Where piccolo-admin puts the pictures of materials: `media_dir`/materials, shown at /media/materials/…"""

    def __init__(self, column: Varchar, media_dir: Path) -> None:
        super().__init__(column, allowed_extensions=("png", "jpg", "jpeg", "webp", "gif"))
        self.media_dir = media_dir
        (media_dir / FOLDER).mkdir(parents=True, exist_ok=True)

    async def store_file(self, file_name: str, file: IO[Any], user: Any = None) -> str:
        """Write the picture anew; its key, such as materials/0f….png. ValueError says what is wrong with it."""
        raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ValueError(_("A picture has at most %(size)s MB.", size=MAX_BYTES // 1024 // 1024))
        async with _at_once:
            ending, clean = await asyncio.to_thread(reencode, raw)
            key = f"{FOLDER}/{secrets.token_hex(16)}.{ending}"
            await asyncio.to_thread(self._write, key, clean)
        return key

    def _write(self, key: str, clean: bytes) -> None:
        target = self.media_dir / key
        half = target.with_suffix(".part")
        half.write_bytes(clean)
        half.chmod(0o644)
        half.rename(target)

    async def generate_file_url(self, file_key: str, root_url: str, user: Any = None) -> str:
        """Media have no secrets of their own; the web server serves them."""
        return f"/media/{file_key}"

    async def delete_file(self, file_key: str) -> None:
        """A picture stays: partners' pages show it."""

    async def bulk_delete_files(self, file_keys: list[str]) -> None:
        """As `delete_file`."""

    async def get_file(self, file_key: str) -> IO[Any] | None:
        path = self.media_dir / file_key
        return path.open("rb") if NAME.fullmatch(file_key) and path.exists() else None

    async def get_file_keys(self) -> list[str]:
        return sorted(
            f"{FOLDER}/{path.name}" for path in (self.media_dir / FOLDER).iterdir() if path.is_file()
        )

    def __hash__(self) -> int:
        return hash((FOLDER, self.media_dir))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MaterialImages) and other.media_dir == self.media_dir


def size_of(media_dir: Path, key: str) -> tuple[int, int] | None:
    """Width and height of a stored picture; None when there is no such one."""
    path = media_dir / key
    if not NAME.fullmatch(key) or not path.is_file():
        return None
    with Image.open(path) as image:
        return image.size
