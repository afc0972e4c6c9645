"""Pictures that people hand in: decoded and written anew, so that only a picture can come out.

A file that is a picture and a script at the same time loses the script; metadata (where it was taken) go too.
"""

from io import BytesIO

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from app.ui.i18n import gettext as _

MAX_PIXELS = 25_000_000
MAX_FRAMES = 120
ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}


def reencode(raw: bytes, kinds: tuple[str, ...] = tuple(ENDINGS)) -> tuple[str, bytes]:
    """Ending and bytes of the picture, decoded and written anew. ValueError when it is none of `kinds`, or too large."""
    try:
        with Image.open(BytesIO(raw), formats=kinds) as image:
            kind = image.format or ""
            _check_size(image)
            return ENDINGS[kind], _write_anew(image, kind)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, EOFError) as error:
        raise ValueError(_("This is not a picture that we can read. PNG, JPEG, WebP and GIF are.")) from error


def _check_size(image: Image.Image) -> None:
    """Before anything is decoded: a small file can hold a huge picture."""
    frames = getattr(image, "n_frames", 1)
    if frames > MAX_FRAMES or image.width * image.height * frames > MAX_PIXELS:
        raise ValueError(_("This picture has too many pixels."))


def _write_anew(image: Image.Image, kind: str) -> bytes:
    out = BytesIO()
    if kind == "GIF" and getattr(image, "n_frames", 1) > 1:
        durations = [frame.info.get("duration", 100) for frame in ImageSequence.Iterator(image)]
        first, *rest = [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]
        first.save(out, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, disposal=2)
        return out.getvalue()
    upright = ImageOps.exif_transpose(image)
    mode = (
        "RGB"
        if kind == "JPEG"
        else "RGBA"
        if "A" in upright.getbands() or "transparency" in upright.info
        else "RGB"
    )
    bare = Image.new(mode, upright.size)
    bare.paste(upright.convert(mode))
    bare.save(out, kind, **({"quality": 90} if kind in ("JPEG", "WEBP") else {"optimize": kind == "PNG"}))
    return out.getvalue()
