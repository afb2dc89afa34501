"""Where images and maps for training come from, and what is refused."""

import io
import json
import os
import resource
import signal
import tarfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.training.images.samples import Arrays, Joined, require_labels
from itcortex.training.images.sources import open_samples
from made.training import arrays, blobs, png, shard

pytestmark = [pytest.mark.network, pytest.mark.process]


@pytest.fixture
def folder(tmp_path):
    """Two classes of two images each."""
    for name in ("zebra", "ant"):
        for index in range(2):
            path = tmp_path / "images" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (20, 30), 10 * index).save(path)
    return tmp_path / "images"


def test_a_folder_gives_sorted_classes_their_numbers(folder, tmp_path):
    samples = open_samples([folder], tmp_path)
    assert samples.labels.tolist() == [0, 0, 1, 1] and not samples.mapped.any()
    first = samples.read(2)
    assert (first.image_id, first.image.mode, first.image.size) == ("zebra/0.png", "RGB", (20, 30))


@pytest.mark.parametrize("suffix", ["txt", "json"])
def test_a_class_file_gives_the_labels(folder, tmp_path, suffix):
    path = tmp_path / f"classes.{suffix}"
    names = ["zebra", "yak", "ant"]
    entries = {str(n): [name, f"a {name}"] for n, name in enumerate(names)}
    path.write_text(json.dumps(entries) if suffix == "json" else "\n".join(names))
    assert open_samples([folder], tmp_path, path).labels.tolist() == [2, 2, 0, 0]


def test_a_folder_that_is_no_class_is_named(folder, tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("ant\nzebras\n")
    with pytest.raises(UserError, match=r"'zebra' is no class.*did you mean 'zebras'"):
        open_samples([folder], tmp_path, path)


def test_a_shard_reads_as_what_it_was_made_of(tmp_path):
    images, labels, maps = blobs(5)
    samples = open_samples([shard(tmp_path / "a.parquet", 5)], tmp_path / "scratch")
    assert samples.labels.tolist() == labels.tolist() and samples.mapped.all()
    found = samples.read(3)
    assert found.image_id == "a.parquet:3"
    np.testing.assert_array_equal(np.asarray(found.image), images[3])
    np.testing.assert_allclose(found.human_map / 255, maps[3], atol=1 / 255)  # eight bits


def test_clickme_shards_get_the_authors_processing(tmp_path):
    rng = np.random.default_rng(0)
    jpegs = []
    for size in ((256, 256, 3), (256, 256)):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(256, size=size, dtype=np.uint8)).save(buffer, "JPEG")
        jpegs.append(buffer.getvalue())
    table = pd.DataFrame(
        {"shard": ["s"], "offset": [7], "image": jpegs[:1], "heatmap": jpegs[1:], "label": [4]}
    )
    table.to_parquet(tmp_path / "c.parquet")
    found = open_samples([tmp_path / "c.parquet"], tmp_path).read(0)
    wanted = clickme.human_maps(clickme.jpeg_pixels(jpegs[1], "heatmap")[None])[0]
    np.testing.assert_array_equal(found.human_map, wanted)
    assert (found.image_id, found.label, found.human_map.shape) == ("s:7", 4, (224, 224))


def test_rows_without_a_map_count_as_unmapped(tmp_path):
    images, labels, _ = blobs(3)
    maps = [None, png(np.eye(24, dtype=np.uint8)), None]
    table = pd.DataFrame({"image": [png(i) for i in images], "label": labels, "map": maps})
    table.to_parquet(tmp_path / "a.parquet")
    samples = open_samples([tmp_path / "a.parquet"], tmp_path)
    assert samples.mapped.tolist() == [False, True, False]
    assert [samples.read(n).human_map is None for n in range(3)] == [True, False, True]


def test_a_shard_is_copied_once_and_again_when_it_changes(tmp_path):
    path, scratch = tmp_path / "a.parquet", tmp_path / "scratch"
    shard(path, 5)
    first = open_samples([path], scratch).digest()
    assert open_samples([path], scratch).digest() == first and len(list(scratch.iterdir())) == 1
    shard(path, 6, seed=1)
    shard(tmp_path / "b.parquet", 3)
    assert open_samples([path, tmp_path / "b.parquet"], scratch).digest() != first
    assert len(list(scratch.iterdir())) == 2  # the former copy is gone, and only that


def test_other_photographs_of_the_same_sizes_are_other_data(tmp_path):
    """BMP files are as large as their pixels are many; dates do not count."""
    images, labels, maps = blobs(3)
    digests = []
    for n, (image, human) in enumerate([(0, 0), (0, 0), (1, 0), (0, 1)]):
        shown, looked = images.copy(), np.uint8(255 * maps)
        shown[2, 0, 0, 0] += image
        looked[1, 0, 0] += human
        table = {"image": [bmp(one) for one in shown], "map": [bmp(one) for one in looked]}
        path = tmp_path / str(n) / "a.parquet"
        path.parent.mkdir()
        pd.DataFrame(table | {"label": labels}).to_parquet(path)
        samples = open_samples([path], tmp_path / str(n) / "scratch")
        digests.append((samples.digest(), samples.version()))
    assert digests[0] == digests[1] and len(set(digests)) == 3 and digests[0][1] == ""


def test_of_folders_and_archives_sizes_and_dates_tell_a_change(folder, tmp_path):
    paths = [tmp_path / "a.tar", folder]
    with tarfile.open(paths[0], "w") as archive:
        archive.add(folder, "")
    found = [open_samples([path], tmp_path / "scratch") for path in paths]
    before = [(one.digest(), one.version()) for one in found]
    assert before == [(one.digest(), one.version()) for one in found]
    for path in (paths[0], folder / "ant" / "0.png"):
        os.utime(path, ns=(0, 10**18))
    for one, (digest, version) in zip(found, before, strict=True):
        assert one.digest() == digest and one.version() not in ("", version)


def test_what_is_refused_leaves_no_copies(folder, tmp_path):
    scratch = tmp_path / "scratch"
    good = shard(tmp_path / "a.parquet", 5)
    (tmp_path / "b.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match=r"b\.parquet"):
        open_samples([good, tmp_path / "b.parquet"], scratch)
    assert not scratch.exists()


def test_a_column_that_holds_no_files_is_named(tmp_path):
    table = {"image": [{"bytes": b"x", "path": "x.jpg"}], "label": [0]}
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: column 'image' is of struct.*must hold"):
        open_samples([tmp_path / "a.parquet"], tmp_path / "scratch")


def bmp(pixels) -> bytes:
    """Content of a BMP file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "BMP")
    return buffer.getvalue()


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_shard_cut_in_the_middle_is_named(tmp_path, keep):
    path = tmp_path / "cut.parquet"
    shard(path, 5)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(UserError, match=r"cut\.parquet: not a readable Parquet shard.*delete it"):
        open_samples([path], tmp_path / "scratch")


def test_a_shard_damaged_inside_is_named(tmp_path):
    path = tmp_path / "bad.parquet"
    shard(path, 50)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)  # the footer is whole, the pages are not
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.parquet: not a readable Parquet shard"):
        open_samples([path], tmp_path / "scratch")


def test_an_image_that_does_not_decode_is_named(tmp_path):
    pd.DataFrame({"image": [b"no image"], "label": [0]}).to_parquet(tmp_path / "a.parquet")
    samples = open_samples([tmp_path / "a.parquet"], tmp_path)
    with pytest.raises(UserError, match=r"a\.parquet: a\.parquet:0: not a readable image"):
        samples.read(0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.mkdir(), "no image in folders of classes"),
        (lambda p: p.write_text("x"), "neither a folder of class folders nor a .parquet or plain"),
    ],
)
def test_a_path_without_images_is_named(tmp_path, make, message):
    path = tmp_path / "somewhere"
    make(path)
    with pytest.raises(UserError, match=f"somewhere: {message}"):
        open_samples([path], tmp_path)


def test_a_shard_without_labels_is_named(tmp_path):
    pd.DataFrame({"image": [b""], "target": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"no column 'label'.*this one has image, target"):
        open_samples([tmp_path / "a.parquet"], tmp_path)


@pytest.mark.parametrize(
    ("labels", "kind"), [([1, None], "double"), (["a", "b"], "string"), ([0.5, 1.0], "double")]
)
def test_labels_that_are_no_whole_numbers_are_named(tmp_path, labels, kind):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"image": [png(i) for i in blobs(2)[0]], "label": labels}).to_parquet(path)
    with pytest.raises(UserError, match=rf"a\.parquet: column 'label' is of (large_)?{kind} with"):
        open_samples([path], tmp_path)


def test_a_full_disk_is_not_taken_for_a_damaged_shard(tmp_path):
    """A limit on the size of files stands for it: the shard's copy cannot be written."""
    path = tmp_path / "a.parquet"
    shard(path, 50)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(
            UserError, match=r"the copy of .*a\.parquet cannot be written.*make room"
        ):
            open_samples([path], tmp_path / "scratch")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert not (tmp_path / "scratch").exists()
    assert len(open_samples([path], tmp_path / "scratch").labels) == 50


def test_labels_out_of_range_are_named():
    samples = Arrays(np.zeros((3, 4, 4, 3), np.uint8), np.array([0, 7, 9]))
    with pytest.raises(
        UserError, match=r"labelled: 2 labels are out of range, the first 7 of image:1"
    ):
        require_labels(samples, 7, "labelled")
    require_labels(samples, 10, "labelled")


def test_joined_samples_keep_their_order():
    joined = Joined([arrays(2, 0), Joined([]), arrays(3, 1, mapped=False)])
    assert [joined.read(n).image_id for n in range(5)] == [
        "blob0:0", "blob0:1", "blob1:0", "blob1:1", "blob1:2",
    ]  # fmt: skip
    assert joined.mapped.tolist() == [True, True, False, False, False]
