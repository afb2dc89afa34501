"""Stimuli: every kind of image file becomes the same kind of array, or a clear error."""

import io
import logging
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image

import label_images
import prepare_stimuli
from itcortex import store
from itcortex.data.stimuli import Stimuli, read_images
from itcortex.errors import UserError


def encode(image, image_format="png", **options):
    """Bytes of a Pillow image or of an array."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    content = io.BytesIO()
    image.save(content, format=image_format, **options)
    return content.getvalue()


def pack(path, files):
    """Write a zip of {member: bytes}."""
    with zipfile.ZipFile(path, "w") as handle:
        for name, content in files.items():
            handle.writestr(name, content)
    return path


def decoded(tmp_path, content, name="a.png", **options):
    """The one image of an archive that holds nothing else."""
    return read_images(pack(tmp_path / "a.zip", {f"set/{name}": content}), "set", **options).images[
        0
    ]


@pytest.fixture
def picture(rng):
    """A colour picture that is neither symmetric nor square."""
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_rgb_is_untouched_and_sorted_by_name(tmp_path, picture, caplog):
    path = pack(
        tmp_path / "a.zip",
        {"set/b.png": encode(picture), "set/a.PNG": encode(255 - picture), "set/notes.txt": b"x"},
    )
    with caplog.at_level(logging.INFO):
        stimuli = read_images(path, "set")
    assert caplog.messages == [f"{path}: 1 files of 'set' are no images and are left out"]
    assert stimuli.image_ids == ("a.PNG", "b.png")
    np.testing.assert_array_equal(stimuli.images, [255 - picture, picture])


def test_greyscale_is_repeated_over_the_colours(tmp_path, picture):
    grey = picture[..., 0]
    image = decoded(tmp_path, encode(grey))
    np.testing.assert_array_equal(image, np.repeat(grey[..., None], 3, axis=2))


def test_one_bit_becomes_black_and_white(tmp_path):
    image = decoded(tmp_path, encode(Image.fromarray(np.eye(16, dtype=bool))))
    np.testing.assert_array_equal(image[..., 1], 255 * np.eye(16))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257  # 0 .. 65535
    image = decoded(tmp_path, encode(values))
    np.testing.assert_array_equal(image[..., 2], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("colours", ["RGBA", "LA"])
def test_transparency_is_laid_over_mid_grey(tmp_path, colours):
    alpha = np.full((16, 16), 255, dtype=np.uint8)
    alpha[:8], alpha[8:12] = 0, 51  # a fifth
    pixels = np.full((16, 16, len(colours)), 28, dtype=np.uint8)
    pixels[..., -1] = alpha
    image = decoded(tmp_path, encode(Image.fromarray(pixels, colours)))
    np.testing.assert_array_equal(image[:8], 128)
    np.testing.assert_array_equal(image[8:12], 108)  # 28 / 5 + 128 * 4 / 5
    np.testing.assert_array_equal(image[12:], 28)


def test_palette_with_a_transparent_entry(tmp_path):
    indices = np.repeat([0, 1], 8)[:, None] * np.ones((1, 16), dtype=np.uint8)
    image = Image.fromarray(indices.astype(np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    opaque = decoded(tmp_path, encode(image))
    np.testing.assert_array_equal(opaque[[0, 15], 0], [[10, 20, 30], [40, 50, 60]])
    with_hole = decoded(tmp_path, encode(image, transparency=1))
    np.testing.assert_array_equal(with_hole[[0, 15], 0], [[10, 20, 30], [128, 128, 128]])


def test_exif_orientation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows are columns
    turned = decoded(tmp_path, encode(picture, exif=exif))
    np.testing.assert_array_equal(turned, np.rot90(picture, -1))


def test_cmyk_jpeg(tmp_path):
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    image = decoded(tmp_path, encode(cyan, "jpeg", quality=100), "a.jpg")
    np.testing.assert_allclose(image[5, 5], [0, 255, 255], atol=2)  # JPEG rounds


def test_an_image_of_one_pixel_is_named(tmp_path):
    with pytest.raises(UserError, match=r"set/dot\.png: 1x1 pixels.*at least 16"):
        decoded(tmp_path, encode(np.zeros((1, 1, 3), np.uint8)), "dot.png")
    with pytest.raises(UserError, match=r"40x15 pixels"):
        decoded(tmp_path, encode(np.zeros((15, 40), np.uint8)), size_px=32)
    assert decoded(tmp_path, encode(np.zeros((4, 4), np.uint8)), minimum_px=4).shape == (4, 4, 3)


def test_signed_bytes_are_refused_and_kinds_of_tiff_that_are_not_read_are_called_that(tmp_path):
    """Pillow reads signed bytes as unsigned ones, -1 as 255, and 32-bit colours not at all."""
    unsigned = Image.fromarray(np.zeros((16, 16), np.uint8))
    signed = io.BytesIO()
    unsigned.save(signed, "tiff", tiffinfo={339: 2})
    with pytest.raises(UserError, match=r"a\.tif: .*signed or 32-bit whole numbers"):
        decoded(tmp_path, signed.getvalue(), "a.tif")
    content = bytearray(signed.getvalue())
    place = content.index(
        b"\x53\x01\x03\x00"
    )  # the tag of the kind of numbers: to one that is none
    content[place + 8] = 9
    with pytest.raises(UserError, match=r"b\.tif: .*a TIFF of a kind of pixels that is not read"):
        decoded(tmp_path, bytes(content), "b.tif")


@pytest.mark.parametrize(
    ("kind", "largest", "message"),
    [
        (np.int32, 255, "32-bit whole numbers"),
        (np.int32, 2**31 - 1, "32-bit whole numbers"),
        (np.uint16, 255, "16-bit pixels of at most 255 would be black"),
        (np.uint16, 4095, "16-bit pixels of at most 4095 would be black"),
    ],
)
def test_whole_numbers_without_a_known_range_are_refused(tmp_path, kind, largest, message):
    """They would turn black or white without a word."""
    values = np.linspace(0, largest, 256).astype(kind)
    content = encode(np.tile(values, (16, 1)), "tiff")
    with pytest.raises(UserError, match=rf"a\.tif: not a readable image .*{message}"):
        decoded(tmp_path, content, "a.tif")


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_colours_of_16_bits_that_hold_fewer_are_refused(tmp_path, bits):
    """Pillow keeps their upper 8 bits alone."""
    values = np.linspace(0, 2**bits - 1, 256).astype(np.uint16)
    content = io.BytesIO()
    tifffile.imwrite(content, np.tile(values[:, None], (16, 1, 3)), photometric="rgb")
    if bits == 16:
        image = decoded(tmp_path, content.getvalue(), "a.tif")
        np.testing.assert_array_equal(image[3, :, 1], np.arange(256))
        return
    with pytest.raises(UserError, match="16-bit colours of at most 12 bits would be black"):
        decoded(tmp_path, content.getvalue(), "a.tif")


def test_a_file_that_is_no_image_is_named(tmp_path, picture):
    whole = encode(picture)
    for content in (b"no image", b"", whole[:-900], whole[:30] + bytes(40) + whole[70:]):
        with pytest.raises(UserError, match=r"set/broken\.png: not a readable image"):
            decoded(tmp_path, content, "broken.png")
    floats = encode(Image.fromarray(np.zeros((16, 16), np.float32)), "tiff")
    with pytest.raises(UserError, match=r"f\.tif: not a readable image .*no known range"):
        decoded(tmp_path, floats, "f.tif")


def test_images_of_several_sizes_need_a_size(tmp_path, picture):
    path = pack(
        tmp_path / "a.zip",
        {"a.png": encode(picture), "b.png": encode(picture), "c.png": encode(picture[:, :20])},
    )
    with pytest.raises(UserError, match=r"2 sizes.*30x20 \(2\), 20x20 \(1\).*size_px"):
        read_images(path)
    stimuli = read_images(path, size_px=24)
    assert stimuli.images.shape == (3, 24, 24, 3)


def test_resizing_keeps_positions_relative_to_the_borders(tmp_path):
    image = np.zeros((60, 120, 3), np.uint8)
    image[:30, :30] = 255  # top half, left quarter
    small = decoded(tmp_path, encode(image), size_px=40)
    np.testing.assert_array_equal(small[2:18, 2:8], 255)
    np.testing.assert_array_equal(small[22:, :], 0)
    np.testing.assert_array_equal(small[:, 12:], 0)


def test_a_folder_without_images(tmp_path):
    path = pack(tmp_path / "a.zip", {"set/notes.txt": b"", "other/a.png": b""})
    with pytest.raises(UserError, match=r"folder 'set' has no image.*notes\.txt"):
        read_images(path, "set")
    with pytest.raises(UserError, match=r"folder 'sett'.*'set'"):
        read_images(path, "sett")


def test_the_script_writes_what_was_read(tmp_path, picture):
    path = pack(tmp_path / "a.zip", {"set/a.png": encode(picture)})
    prepare_stimuli.main(path, tmp_path / "stimuli.h5", folder="set", size_px=None)
    stored = store.read_stimuli(tmp_path / "stimuli.h5")
    assert stored.image_ids == ("a.png",)
    np.testing.assert_array_equal(stored.images[0], picture)


def test_stimuli_refuse_what_does_not_fit():
    with pytest.raises(UserError, match="uint8"):
        Stimuli(np.zeros((1, 4, 4, 3), np.float32), ("a",))
    with pytest.raises(UserError, match="2 images need as many unique ids"):
        Stimuli(np.zeros((2, 4, 4, 3), np.uint8), ("a", "a"))


def test_photographs_of_the_v4_session(shared):
    stimuli = read_images(shared / "data" / "v4_cowley2023" / "images_210325.zip")
    assert stimuli.images.shape == (640, 112, 112, 3)
    assert stimuli.image_ids[::639] == ("image0001.jpg", "image0640.jpg")
    assert 60 < stimuli.images.mean() < 180  # photographs, neither black nor white


def test_pictures_under_two_names_are_found_logged_and_stored(tmp_path, rng, caplog):
    images = rng.integers(0, 256, (6, 20, 20, 3), dtype=np.uint8)
    images[4], images[5] = images[1], images[1]
    almost = images[0].copy()
    almost[3, 3, 0] ^= 1
    images[2] = almost  # differs in one bit: another picture
    files = {f"set/{name}.png": encode(image) for name, image in zip("abcdef", images, strict=True)}
    path = pack(tmp_path / "a.zip", files)
    prepare_stimuli.main(path, tmp_path / "s.h5", "set", None)
    label_images.main(tmp_path / "s.h5", [], tmp_path / "s.parquet", {})
    assert "3 of 6 images have a twin with the same pixels" in caplog.text
    assert "b.png = e.png = f.png" in caplog.text
    labels = store.read_table(tmp_path / "s.parquet").set_index("image")
    expected = {f"{a}.png": f"{b}.png" for a, b in zip("abcdef", "abcdbb", strict=True)}
    assert labels["picture"].to_dict() == expected
    assert set(labels["kind"]) == {"all"}


def test_twins_are_found_by_the_stored_bytes_as_by_the_pixels(tmp_path, rng):
    """Without unpacking an image; also among pictures of one grey, stored as next to nothing."""
    images = rng.integers(0, 256, (300, 16, 16, 3), dtype=np.uint8)
    images[:40] = np.arange(40, dtype=np.uint8)[:, None, None, None] // 3
    images[rng.integers(0, 300, 100)] = images[rng.integers(0, 300, 100)]
    stimuli = Stimuli(images, tuple(f"i{k}" for k in range(300)))
    store.write_stimuli(tmp_path / "s.h5", stimuli)
    assert store.read_pictures(tmp_path / "s.h5") == (stimuli.image_ids, stimuli.pictures)
    assert 100 < len(set(stimuli.pictures)) < 260


def test_a_picture_has_one_digest_in_every_set(tmp_path, rng):
    """Whatever its name and place; another size of the same bytes is another picture."""
    images = rng.integers(0, 256, (5, 8, 12, 3), dtype=np.uint8)
    store.write_stimuli(tmp_path / "a.h5", Stimuli(images, tuple("abcde")))
    store.write_stimuli(tmp_path / "b.h5", Stimuli(images[[3, 1]], ("x", "y")))
    turned = images.reshape(5, 12, 8, 3)
    store.write_stimuli(tmp_path / "c.h5", Stimuli(turned, tuple("abcde")))
    a, b, c = (store.read_digests(tmp_path / f"{name}.h5") for name in "abc")
    assert b == [a[3], a[1]] and len(set(a)) == 5
    assert not set(a) & set(c)
