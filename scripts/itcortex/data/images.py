"""Pictures from bytes: which formats are read, what is damaged, and how they become 8-bit RGB."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from struct import error as StructError  # noqa: N812 (an exception class)

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from itcortex.errors import UserError

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
#: Largest number of pixels of an image: a photograph of 8,192 x 8,192 pixels.
LARGEST_PX = 2**26
MID_GREY = (128, 128, 128, 255)
#: Values that 12 bits hold: what cameras store in 16 bits without scaling it up, and near black there.
_OF_12_BITS = 2**12
_UNKNOWN_RANGE = "signed or 32-bit whole numbers have no known range; save 8 or 16 bits"
#: First bytes of a TIFF file; its tag of the kind of numbers, and the value that says signed ones.
_TIFF, _SAMPLE_FORMAT, _SIGNED = (b"II*\0", b"MM\0*"), 339, 2
#: Its tag of what numbers mean, and the value that says that 0 is white; its tag of what a page is for,
#: and the bit that says that it is a smaller copy of another.
_PHOTOMETRIC, _WHITE_IS_ZERO, _SUBFILE, _REDUCED = 262, 0, 254, 1
#: What Pillow and this module raise for a file that is damaged, no image, or not to be opened.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, StructError, Image.DecompressionBombError)


@contextmanager
def readable(where: str, what: str = "image") -> Iterator[None]:
    """Turn what is raised in this block for a damaged file into a `UserError` that names `where`."""
    try:
        yield
    except DAMAGE as error:
        raise UserError(
            f"{where}: not a readable {what} ({error}); get it from its original source again"
        ) from error


def open_image(content, formats: Sequence[str] = FORMATS) -> Image.Image:
    """An image of one of `formats` from a file's bytes, not decoded yet.

    No other format is tried, whatever the file is called: Pillow hands PostScript to a program that
    runs it. Raises one of `DAMAGE`, also for more than `LARGEST_PX` pixels, for a TIFF of signed pixels,
    which Pillow reads as unsigned ones if they have 8 bits, or of 16 bits in which white is zero, which
    it would read as a negative, and for a TIFF or PNG of several pictures.
    """
    try:
        opened = Image.open(io.BytesIO(content), formats=formats)
    except UnidentifiedImageError as error:  # which names the bytes by their place in memory
        if bytes(content[:4]) in _TIFF and "TIFF" in formats:
            raise ValueError(
                "a TIFF of a kind of pixels that is not read, such as signed or 32-bit colours; save 8 "
                "or 16 bits"
            ) from error
        raise ValueError(f"it is none of {', '.join(formats)}") from error
    if _SIGNED in getattr(opened, "tag_v2", {}).get(_SAMPLE_FORMAT, ()):
        raise ValueError(_UNKNOWN_RANGE)
    _refuse_negative(opened)
    width, height = opened.size
    if width * height > LARGEST_PX:
        raise ValueError(f"{width} x {height} pixels are more than {LARGEST_PX:,}")
    _refuse_several(opened)
    return opened


def _refuse_negative(opened: Image.Image) -> None:
    """Raise ValueError for 16-bit greys in which white is zero: Pillow inverts only 8 bits."""
    white_is_zero = getattr(opened, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    if white_is_zero and opened.mode not in ("1", "L"):
        raise ValueError(
            f"white is zero in this TIFF of mode {opened.mode}, and it would be read as a negative; "
            "save it with black as zero (PhotometricInterpretation 1), or as PNG"
        )


def _refuse_several(opened: Image.Image) -> None:
    """Raise ValueError for a TIFF of several pages, but for smaller copies of one, and an animated PNG.

    JPEGs may hold a preview beside, which is no other picture.
    """
    n_pictures = getattr(opened, "n_frames", 1) if opened.format in ("TIFF", "PNG") else 1
    if n_pictures > 1 and opened.format == "TIFF":
        n_reduced = 0
        for page in range(1, n_pictures):
            opened.seek(page)
            n_reduced += opened.tag_v2.get(_SUBFILE, 0) & _REDUCED
        opened.seek(0)
        n_pictures -= n_reduced
    if n_pictures > 1 or getattr(opened, "default_image", False):
        raise ValueError(
            f"it holds {max(n_pictures, 2)} pictures (pages or frames), and only one was shown as this "
            "image; save that one alone"
        )


def to_rgb(image: Image.Image) -> Image.Image:
    """A Pillow image of any mode as 8-bit RGB.

    Greyscale is repeated over the colours, 16 bits are scaled to 8, and transparency is laid over mid
    grey (128). Raises ValueError for pixels whose range is not known: floating-point numbers, whole
    numbers that are signed or of 32 bits, and 8 to 12 bits that were stored as 16.
    """
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.mode == "I":  # what Pillow makes of signed and of 32-bit pixels
        raise ValueError(_UNKNOWN_RANGE)
    if image.mode.startswith("I;16"):  # Pillow would clip at 255
        values = np.asarray(image, dtype=np.float64)
        if 0 < values.max() < _OF_12_BITS:
            raise ValueError(
                f"16-bit pixels of at most {values.max():.0f} would be black; save them as 8 bits"
            )
        image = Image.fromarray(np.round(values / 257).astype(np.uint8))
    if image.has_transparency_data:
        background = Image.new("RGBA", image.size, MID_GREY)
        image = Image.alpha_composite(background, image.convert("RGBA"))
    return image.convert("RGB")


def decode_image(content, where: str) -> Image.Image:
    """An image of any mode from a file's bytes; `UserError`, naming `where`, if it is damaged."""
    with readable(where):
        image = open_image(content)
        image.load()
        return image


def decode_rgb(content, where: str, what: str = "image", upright: bool = False) -> Image.Image:
    """An image from a file's bytes as 8-bit RGB, see `to_rgb`.

    With `upright` the orientation that a camera noted (EXIF) is applied. Raises `UserError`, naming
    `where` and `what` it should be, for a file that is damaged or has no defined range of values.
    """
    with readable(where, what):
        image = open_image(content)
        halved = image.format in ("PNG", "TIFF") and ";16" in _packing(image)
        image.load()
        if halved and _is_black(image):
            raise ValueError(
                "16-bit colours of at most 12 bits would be black; save them as 8 bits"
            )
        return to_rgb(ImageOps.exif_transpose(image) if upright else image)


def _packing(image: Image.Image) -> str:
    """How a file packs the pixels of an image that is not decoded yet, in Pillow's words."""
    arguments = image.tile[0].args if image.tile else ""
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _is_black(image: Image.Image) -> bool:
    """Whether 16-bit colours, of which Pillow keeps the upper 8 bits, came from 12 bits or less."""
    bands = zip(image.getbands(), image.split(), strict=True)
    largest = [band.getextrema()[1] for name, band in bands if name in "RGBL"]
    return bool(largest) and max(largest) < _OF_12_BITS // 256


def image_size(content, where: str, what: str = "image") -> tuple[int, int]:
    """Width and height, in pixels, of an image given as bytes, without decoding its pixels.

    Raises `UserError`, naming `where`, if it is no image.
    """
    with readable(where, what):
        return open_image(content).size
