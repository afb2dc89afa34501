"""ClickMe's shards are read record by record, damage is found where it is, maps are as published."""

import io
import struct

import numpy as np
import pandas as pd
import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.signal import correlate2d
from tfrecord.writer import TFRecordWriter

import prepare_clickme
from itcortex import store
from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.numerics import resample

pytestmark = pytest.mark.network


def jpeg(pixels, **options) -> bytes:
    """Pixels as JPEG."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="JPEG", quality=95, **options)
    return content.getvalue()


def smooth_noise(rng, side, colours) -> np.ndarray:
    """Pixels uint8 that JPEG keeps well."""
    small = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    pixels = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))
    return pixels if colours == 3 else pixels[..., 0]


def features(rng, number=3, side=256, **changed) -> dict:
    """The features of one good record, some of them changed."""
    made = {
        "image": (jpeg(smooth_noise(rng, side, 3)), "byte"),
        "heatmap": (jpeg(smooth_noise(rng, 256, 1)), "byte"),
        "label": (number, "int"),
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


def write(path, records) -> list[int]:
    """Write a shard by the package's own writer; returns where every record begins, and the end."""
    writer, offsets = TFRecordWriter(str(path)), [0]
    for record in records:
        writer.write(record)
        offsets.append(writer.file.tell())
    writer.close()
    return offsets


@pytest.fixture
def shard(tmp_path, rng):
    """A shard of five good records, labels 0, 7, 14, ..., and the offsets of its records."""
    path = tmp_path / "val-3.tfrecords"
    return path, write(path, [features(rng, 7 * k) for k in range(5)])


def damage(path, place, count=1):
    """Invert bytes of a file."""
    content = bytearray(path.read_bytes())
    content[place : place + count] = bytes(255 - b for b in content[place : place + count])
    path.write_bytes(content)


# --- whole shards ---------------------------------------------------------------------------------


def test_every_record_of_a_whole_shard_is_read_with_its_bytes_untouched(tmp_path, rng):
    records = [features(rng, label) for label in (0, 999, 5)]
    offsets = write(tmp_path / "a.tfrecords", records)
    found, problems = clickme.read_shard(tmp_path / "a.tfrecords")
    assert problems.empty and list(problems) == ["shard", "offset", "bytes", "reason"]
    assert found["label"].tolist() == [0, 999, 5]
    assert found["offset"].tolist() == offsets[:-1]
    assert found["shard"].unique().tolist() == ["a.tfrecords"]
    for name in ("image", "heatmap"):
        assert found[name].tolist() == [record[name][0] for record in records]


def test_script_writes_records_and_problems(shard, tmp_path, caplog):
    path, offsets = shard
    damage(path, offsets[2] + 100)
    good, bad = tmp_path / "3.parquet", tmp_path / "3.problems.parquet"
    prepare_clickme.main(path, good, bad, max_corrupt=0.5)
    assert store.read_table(good)["label"].tolist() == [0, 7, 21, 28]
    assert store.read_table(bad)["offset"].tolist() == [offsets[2]]
    assert f"val-3.tfrecords: byte {offsets[2]}: damaged content (CRC)" in caplog.text
    assert clickme.photographs(store.read_table(good)).labels.tolist() == [0, 7, 21, 28]


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [12, 500, -1])
def test_damaged_content_costs_that_record_only(shard, place):
    path, offsets = shard
    damage(path, (offsets[1] if place > 0 else offsets[2]) + place)
    found, problems = clickme.read_shard(path, max_corrupt=1)
    assert found["label"].tolist() == [0, 14, 21, 28]
    expected = ("val-3.tfrecords", offsets[1], offsets[2] - offsets[1], "damaged content (CRC)")
    assert tuple(problems.iloc[0]) == expected and len(problems) == 1


@pytest.mark.parametrize("place", [0, 7, 8, 11])
def test_damaged_length_costs_the_rest_of_the_shard(shard, place):
    path, offsets = shard
    damage(path, offsets[3] + place)
    found, problems = clickme.read_shard(path, max_corrupt=1)
    assert found["label"].tolist() == [0, 7, 14]
    assert problems["bytes"].tolist() == [offsets[5] - offsets[3]]
    assert problems["reason"].tolist() == ["damaged length (CRC); the rest cannot be read"]


@pytest.mark.parametrize("left", [1, 11, 12, 200, -1])
def test_a_cut_tail_ends_the_shard(shard, left):
    path, offsets = shard
    end = (offsets[4] if left > 0 else offsets[5]) + left
    path.write_bytes(path.read_bytes()[:end])
    found, problems = clickme.read_shard(path, max_corrupt=1)
    assert found["label"].tolist() == [0, 7, 14, 21]
    assert problems["offset"].tolist() == [offsets[4]]
    assert problems["bytes"].tolist() == [end - offsets[4]]
    assert problems["reason"].tolist() == ["the shard is cut in the middle of a record"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"label": (1000, "int")}, "label 1000 is not of 0 to 999"),
        ({"label": (-1, "int")}, "label -1 is not of 0 to 999"),
        ({"label": None}, "no feature 'label'; it has heatmap, image"),
        ({"heatmap": None}, "no feature 'heatmap'; it has image, label"),
        ({"heatmap": (3, "int")}, "no feature 'heatmap'; it has heatmap, image, label"),
        ({"side": 255}, "image is 255 x 255 RGB, not 256 x 256 RGB"),
        ({"image": (b"no picture", "byte")}, "image is no readable JPEG"),
        ({"image": (jpeg(np.zeros((256, 256), np.uint8)), "byte")}, "image is 256 x 256 L"),
        (
            {"heatmap": (jpeg(np.zeros((256, 256, 3), np.uint8)), "byte")},
            "heatmap is 256 x 256 RGB",
        ),
    ],
)
def test_a_record_with_a_wrong_feature_is_reported(tmp_path, rng, changed, reason):
    offsets = write(tmp_path / "a.tfrecords", [features(rng), features(rng, **changed)])
    found, problems = clickme.read_shard(tmp_path / "a.tfrecords", max_corrupt=1)
    assert len(found) == 1
    assert problems["offset"].tolist() == [offsets[1]]
    assert problems["reason"][0].startswith(reason)


def test_a_jpeg_cut_short_is_reported(tmp_path, rng):
    whole = features(rng)["image"][0]
    cut = {"image": (whole[: len(whole) // 2], "byte")}
    write(tmp_path / "a.tfrecords", [features(rng), features(rng, **cut)])
    _, problems = clickme.read_shard(tmp_path / "a.tfrecords", max_corrupt=1)
    assert problems["reason"][0].startswith("image is no readable JPEG (image file is truncated")


def test_content_that_is_no_example_is_reported(tmp_path):
    content = b"\xff\xff\xff\xff not a message"

    def crc(data):
        value = crc32c(data)
        return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    head = struct.pack("<Q", len(content))
    (tmp_path / "a.tfrecords").write_bytes(head + crc(head) + content + crc(content))
    with pytest.raises(
        UserError, match=r"100\.0% of the shard is corrupt .* not a protobuf Example"
    ):
        clickme.read_shard(tmp_path / "a.tfrecords")


def test_a_shard_with_too_much_damage_is_an_error_that_says_where(shard):
    path, offsets = shard
    damage(path, offsets[1] + 50)
    share = (offsets[2] - offsets[1]) / offsets[5]
    assert len(clickme.read_shard(path, max_corrupt=share)[0]) == 4
    with pytest.raises(UserError, match=rf"1 places, 4 good .* byte {offsets[1]}: damaged content"):
        clickme.read_shard(path, max_corrupt=share - 1e-9)


def test_an_empty_shard_is_an_error(tmp_path):
    (tmp_path / "a.tfrecords").write_bytes(b"")
    with pytest.raises(UserError, match="holds no record"):
        clickme.read_shard(tmp_path / "a.tfrecords")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_inverted_byte_is_found_and_no_record_before_it_is_lost(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("shard") / "a.tfrecords"
    offsets = write(path, [features(np.random.default_rng(k), k) for k in range(3)])
    place = data.draw(st.integers(0, offsets[3] - 1))
    damage(path, place)
    before = int(np.searchsorted(offsets, place, side="right")) - 1
    try:
        found, problems = clickme.read_shard(path, max_corrupt=1)
    except UserError as error:  # nothing was left
        assert before == 0 and "holds no record" in str(error)
        return
    assert problems["offset"].tolist() == [offsets[before]]
    assert found["label"].tolist()[:before] == list(range(before))


# --- the authors' processing ----------------------------------------------------------------------


def test_maps_are_the_three_steps_one_after_the_other(rng):
    heatmap = rng.integers(0, 256, (256, 256)).astype(float)
    down, up = resample.bilinear(256, 64), resample.bilinear(64, 224)
    kernel = np.outer(*clickme.kernel_sides())
    padded = np.pad(down @ heatmap @ down.T, ((4, 5), (4, 5)))  # SAME of an even kernel
    expected = up @ correlate2d(padded, kernel, mode="valid") @ up.T
    found = clickme.human_maps(heatmap[None])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32 at the end


def test_resizing_is_linear_interpolation_between_pixel_centres():
    ramp = np.arange(256.0)
    np.testing.assert_allclose(
        resample.bilinear(256, 224) @ ramp,
        np.clip((np.arange(224) + 0.5) * 256 / 224 - 0.5, 0, 255),
        atol=1e-12,
    )
    np.testing.assert_array_equal(resample.bilinear(7, 7), np.eye(7))
    # not antialiased: to a quarter, only the two middle pixels of every four count
    np.testing.assert_array_equal(resample.bilinear(256, 64)[1, 4:8], [0, 0.5, 0.5, 0])


def test_photographs_resize_as_torch_does_without_antialiasing(rng):
    import torch

    images = rng.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    for size in ((224, 224), (300, 288)):
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(images).permute(0, 3, 1, 2).double(), size, mode="bilinear"
        )
        found = resample.resize_images(images, size)
        # float32 of values up to 255
        np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1), atol=2e-5)


def test_kernel_sums_to_one_and_peaks_where_the_reference_puts_it():
    rows, columns = clickme.kernel_sides()
    kernel = np.outer(rows, columns)
    assert kernel.shape == (10, 10) and np.isclose(kernel.sum(), 1)
    assert np.unravel_index(kernel.argmax(), kernel.shape) == (4, 5)


def test_photographs_carry_names_labels_and_processed_maps(shard):
    records, _ = clickme.read_shard(shard[0])
    photographs = clickme.photographs(records)
    assert photographs.image_ids[1] == f"val-3.tfrecords:{shard[1][1]}"
    assert photographs.reference_resize and photographs.labels.tolist() == [0, 7, 14, 21, 28]
    pixels = np.stack([clickme.jpeg_pixels(one, "heatmap") for one in records["heatmap"]])
    np.testing.assert_array_equal(photographs.maps["clicks"], clickme.human_maps(pixels))


def test_records_survive_parquet(shard, tmp_path):
    records, _ = clickme.read_shard(shard[0])
    store.write_table(tmp_path / "0.parquet", records)
    pd.testing.assert_frame_equal(
        store.read_table(tmp_path / "0.parquet"), records, check_dtype=False
    )
