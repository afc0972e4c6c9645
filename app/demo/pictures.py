"""Banners of the demo shop, drawn on the spot: nothing to download, nobody's rights."""

import secrets
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = "materials"


def draw_banner(media_dir: Path, width: int, height: int, *, gold: bool) -> str:
    """Draw a banner into the media folder; its key there."""
    top, bottom = ((255, 215, 106), (201, 138, 20)) if gold else ((58, 124, 236), (22, 52, 120))
    image = Image.new("RGB", (width, height), top)
    draw = ImageDraw.Draw(image)
    for row in range(height):
        share = row / height
        colour = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
        draw.line([(0, row), (width, row)], fill=colour)
    size = max(14, min(height // 3, width // 9))
    draw.text((width // 14, height // 2 - size), "DEMO SHOP", fill="white", font_size=size)
    hint = "gold partners" if gold else "cases · sound · power"
    draw.text((width // 14, height // 2 + size // 4), hint, fill="white", font_size=max(10, size // 2))
    key = f"{FOLDER}/{secrets.token_hex(16)}.png"
    (media_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    image.save(media_dir / key, "PNG", optimize=True)
    return key


def draw_scan(number: int, year: int) -> bytes:
    """A page that stands for the scan of a signed act, as PNG."""
    page = Image.new("RGB", (620, 877), (250, 249, 245))
    draw = ImageDraw.Draw(page)
    draw.text((190, 70), f"Act {number} / {year}", fill=(40, 40, 40), font_size=34)
    for row in range(12):
        draw.line([(70, 170 + row * 34), (550 - row % 3 * 40, 170 + row * 34)], fill=(150, 150, 150), width=3)
    draw.arc((330, 640, 470, 780), 0, 360, fill=(40, 70, 170), width=5)
    draw.line([(90, 740), (130, 690), (150, 750), (190, 680), (230, 730)], fill=(30, 50, 150), width=4)
    out = BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()
