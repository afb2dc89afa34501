"""Images that were made to do harm, or that would be read as others, are refused by every reader."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from itcortex.data import images, stimuli
from itcortex.data.published import clickme
from itcortex.errors import UserError
from made.hostile import zipped

pytestmark = pytest.mark.usefixtures("unharmed")


def png(width: int, height: int) -> bytes:
    """The head of a PNG of this size, with hardly any pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(
            ">I", zlib.crc32(kind + content)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def tiff(values: np.ndarray, photometric: int) -> bytes:
    """A grey TIFF of one strip; with photometric interpretation 0 its white is zero."""
    height, width = values.shape
    bits, content = values.itemsize * 8, values.astype(f"<u{values.itemsize}").tobytes()
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 0), (277, 1),
            (278, height), (279, len(content))]  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(
        struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, start if tag == 273 else value)
        for tag, value in tags
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + struct.pack("<I", 0) + content


def saved(kind: str, *pictures: Image.Image, **options) -> bytes:
    """Pictures in one file."""
    content, more = io.BytesIO(), list(pictures[1:])
    options |= {"save_all": True, "append_images": more} if more else {}
    pictures[0].save(content, kind, **options)
    return content.getvalue()


READERS = {
    "stimuli": lambda content: stimuli.read_images(zipped(("a.png", content))),
    "saliency": lambda content: images.decode_rgb(content, "a.png", "photograph"),
    "clickme": lambda content: clickme.jpeg_pixels(content, "image"),
    "osie": lambda content: images.image_size(content, "a.png", "photograph"),
}


NO_IMAGE = "not a readable|no readable"


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 10_000), (2**31 - 1, 1)])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(reader, size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("decoded"))
    with pytest.raises(ValueError, match=NO_IMAGE):
        reader(png(*size))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_postscript_under_another_name_is_not_run(reader, monkeypatch):
    ran = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *args, **kwargs: ran.append(args))
    content = (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n(owned) (w) file\n"
    )
    Image.open(io.BytesIO(content))  # Pillow would take it
    with pytest.raises(ValueError, match=NO_IMAGE):
        reader(content)
    assert ran == []


GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_where_white_is_zero_black_is_not_taken_for_white():
    for values, photometric, expected in (
        (GREYS, 1, GREYS),
        (GREYS, 0, 255 - GREYS),
        (GREYS.astype(np.uint16) * 257, 1, GREYS),
    ):
        read = stimuli.pixels(tiff(values, photometric), "a.tif")
        np.testing.assert_array_equal(read, np.repeat(expected[..., None], 3, 2))
    with pytest.raises(
        UserError, match=r"a\.tif: .*white is zero .* read as a negative; save it with"
    ):
        stimuli.pixels(tiff(GREYS.astype(np.uint16) * 257, 0), "a.tif")


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_a_file_of_several_pictures_is_refused(kind):
    pictures = [Image.fromarray(GREYS), Image.fromarray(255 - GREYS)]
    alone = stimuli.pixels(saved(kind, pictures[0]), "a")
    np.testing.assert_array_equal(alone[..., 0], GREYS)
    with pytest.raises(UserError, match=r"a: .*it holds 3 pictures .*save that one alone"):
        stimuli.pixels(saved(kind, *pictures, pictures[0]), "a")
    with pytest.raises(UserError, match=r"it holds 2 pictures"):
        images.image_size(saved(kind, *pictures), "a")


def test_a_still_before_an_animation_is_another_picture():
    pictures = [Image.fromarray(GREYS), Image.fromarray(255 - GREYS)]
    with pytest.raises(UserError, match="it holds 2 pictures"):
        stimuli.pixels(saved("PNG", *pictures, default_image=True), "a")


def test_smaller_copies_of_a_picture_are_no_further_pictures():
    content = io.BytesIO()
    small = Image.fromarray(GREYS[::2, ::2])
    small.encoderinfo = {"tiffinfo": {254: 1}}
    Image.fromarray(GREYS).save(content, "TIFF", save_all=True, append_images=[small])
    with Image.open(io.BytesIO(content.getvalue())) as written:
        assert written.n_frames == 2
    np.testing.assert_array_equal(stimuli.pixels(content.getvalue(), "a")[..., 0], GREYS)


def test_an_animated_gif_is_no_picture_whatever_it_is_called():
    content = saved("GIF", Image.fromarray(GREYS), Image.fromarray(255 - GREYS))
    with pytest.raises(UserError, match=r"a\.png: .*it is none of PNG, JPEG, BMP, TIFF"):
        stimuli.pixels(content, "a.png")
