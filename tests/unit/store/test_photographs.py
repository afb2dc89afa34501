"""Files of both sets with human attention are read as what they are."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from itcortex import store
from itcortex.data.photographs import Photographs
from itcortex.errors import UserError
from made import attention


def jpeg(pixels) -> bytes:
    """Pixels as JPEG."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=95)
    return content.getvalue()


def test_a_shard_of_clickme_is_named_by_place_and_labelled(tmp_path, rng):
    map_of = np.zeros((256, 256), np.uint8)
    map_of[:, :64] = 255
    image = jpeg(rng.integers(0, 256, (256, 256, 3), dtype=np.uint8))
    records = {"shard": "val-3.tfrecords", "offset": [0, 900], "image": [image] * 2}
    records |= {"heatmap": [jpeg(map_of), jpeg(map_of[:, ::-1])], "label": [7, 8]}
    store.write_table(tmp_path / "3.parquet", pd.DataFrame(records))
    found = store.read_attention(tmp_path / "3.parquet", "clickme")
    assert found.image_ids == ("val-3.tfrecords:0", "val-3.tfrecords:900")
    assert found.labels.tolist() == [7, 8]
    left, right = found.maps["clicks"]
    # a quarter of 224 is 56; the authors' smoothing reaches 18 further
    assert left[:, :80].sum() > 0.99 * left.sum() > 0
    assert right[:, -80:].sum() > 0.99 * right.sum() > 0


def test_osie_is_read_as_it_was_prepared(tmp_path, rng):
    maps = rng.random((2, 224, 224), dtype=np.float32)
    shown = Photographs(("1.jpg", "2.jpg"), (b"a", b"b"), {"eye": maps})
    store.write_photographs(tmp_path / "osie.parquet", shown)
    found = store.read_attention(tmp_path / "osie.parquet", "osie")
    assert (found.image_ids, found.jpegs, found.labels) == (shown.image_ids, shown.jpegs, None)
    np.testing.assert_array_equal(found.maps["eye"], maps)


def test_an_unknown_format_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UserError, match="of format 'osei'; did you mean 'osie'"):
        store.read_attention(tmp_path / "a.parquet", "osei")


def test_photographs_survive_parquet(tmp_path, rng):
    shown = attention.photographs(rng, 3, ("eye", "mouse"), labels=np.array([1, 2, 3]))
    store.write_photographs(tmp_path / "a.parquet", shown)
    found = store.read_photographs(tmp_path / "a.parquet")
    assert (found.image_ids, found.jpegs) == (shown.image_ids, shown.jpegs)
    assert found.labels.tolist() == [1, 2, 3]
    for kind in ("eye", "mouse"):
        np.testing.assert_array_equal(found.maps[kind], shown.maps[kind])


def test_a_table_without_maps_is_no_set_of_photographs(tmp_path):
    store.write_table(tmp_path / "a.parquet", pd.DataFrame({"image": ["a"], "jpeg": [b""]}))
    with pytest.raises(
        UserError, match=r"a\.parquet: holds image, jpeg, not photographs with maps"
    ):
        store.read_photographs(tmp_path / "a.parquet")


def test_maps_that_are_not_finite_are_not_written(tmp_path, rng):
    shown = attention.photographs(rng, 3, ("eye", "mouse"))
    shown.maps["mouse"][1, 5, 5] = np.nan
    with pytest.raises(UserError, match=r"a\.parquet: .*its mouse map has values that are not fin"):
        store.write_photographs(tmp_path / "a.parquet", shown)
    with pytest.raises(UserError, match=r"b\.parquet: .*its human map has values that are not fin"):
        store.write_shard(tmp_path / "b.parquet", shown, shown.maps["mouse"])
    assert not list(tmp_path.iterdir())
