"""Images that were made to do harm are refused by every reader before they are decoded."""

import io
import struct
import zlib

import pytest
from PIL import EpsImagePlugin, Image

from itcortex.data import images, stimuli
from itcortex.data.published import clickme
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
