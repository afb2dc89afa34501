"""Pictures from bytes: which formats are read, and how they become 8-bit RGB."""

import io
from struct import error as StructError  # noqa: N812 (an exception class)

import numpy as np
from PIL import Image

from itcortex.errors import UserError

#: What Pillow raises for a file that is damaged or no image.
DAMAGE = (OSError, SyntaxError, ValueError, StructError, Image.DecompressionBombError)
FORMATS = ("PNG", "JPEG", "BMP", "TIFF")


LARGEST_PX = 2**26  # of an image; a photograph of 8,192 pixels a side


MID_GREY = (128, 128, 128, 255)


def open_image(content) -> Image.Image:
    """An image of one of `FORMATS` from a file's bytes, not decoded yet.

    No other format is tried, whatever the file is called: Pillow hands PostScript to a program that
    runs it. Raises ValueError for more than `LARGEST_PX` pixels, and what Pillow raises.
    """
    opened = Image.open(io.BytesIO(content), formats=FORMATS)
    width, height = opened.size
    if width * height > LARGEST_PX:
        raise ValueError(f"{width} x {height} pixels are more than {LARGEST_PX:,}")
    return opened


def to_rgb(image: Image.Image) -> Image.Image:
    """A Pillow image of any mode as 8-bit RGB, transparency laid over mid grey."""
    if image.mode.startswith("I"):  # Pillow holds 16-bit greyscale so, and would clip it at 255
        values = np.clip(np.asarray(image, dtype=np.float64), 0, 65535)
        image = Image.fromarray(np.round(values / 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.has_transparency_data:
        background = Image.new("RGBA", image.size, MID_GREY)
        image = Image.alpha_composite(background, image.convert("RGBA"))
    return image.convert("RGB")


def decode(content, where: str) -> Image.Image:
    """An image of any mode from a file's bytes; `UserError`, naming it, if it is damaged."""
    try:
        image = open_image(content)
        image.load()
    except DAMAGE as error:
        raise UserError(f"{where}: not a readable image ({error}); get it again") from error
    return image


def photograph(content, where: str) -> Image.Image:
    """The same as RGB."""
    return to_rgb(decode(content, where))
