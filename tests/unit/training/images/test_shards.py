"""Images and maps for training: where they come from, how they are cut, and in which order."""

import io
import json
import resource
import signal

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.training.augmentation import Crop, centre_crop, cut_image, cut_map, random_crop
from itcortex.training.batches import Augmented, Item, Judged, Mixture, Steps, collate, load_batches
from itcortex.training.images.samples import Arrays, Joined, require_labels
from itcortex.training.images.sources import open_samples
from itcortex.training.recipe import Recipe
from made.training import PREPROCESSING, SIDE, arrays, blobs, png, shard

pytestmark = [pytest.mark.network, pytest.mark.process]

LOOK = Preprocessing(tuple(PREPROCESSING["input_size"]), (0.5,) * 3, (0.25,) * 3, "bilinear")


def centroid(weights):
    """Centre of mass (row, column) in pixels."""
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(weights * rows).sum(), (weights * columns).sum()]) / weights.sum()


def photograph(height, width, centre, radius=9):
    """A black photograph with a red disc at `centre` (row, column), and the disc as a map."""
    rows, columns = np.mgrid[:height, :width]
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    return Image.fromarray(np.uint8(255) * disc[..., None] * np.eye(3, dtype=np.uint8)[0]), disc


# --- the map follows the image --------------------------------------------------------------------


@pytest.mark.parametrize("map_share", [1.0, 0.5])
def test_the_map_follows_the_image_under_any_crop_flip_and_size(map_share):
    rng = np.random.default_rng(0)
    flips, compared = 0, 0
    for _ in range(200):
        height, width = rng.integers(80, 160, size=2)
        image, disc = photograph(height, width, (0.5 * height, 0.45 * width))
        size = (round(height * map_share), round(width * map_share))
        human = cut_map(disc.astype(np.float32), Crop(), size)
        crop = random_crop(image.size, (0.08, 1), (3 / 4, 4 / 3), 0.5, rng)
        shown = cut_image(image, crop, (64, 64), "bilinear")[..., 0] / 255
        guide = cut_map(human, crop, (64, 64))
        flips += crop.flip
        if shown.sum() < 20:  # the crop missed the disc: so must the map's
            assert guide.sum() < 30
            continue
        compared += 1
        # Half a pixel of the map at half resolution is up to a few of a small, enlarged crop.
        scale = 64 / min(width * (crop.right - crop.left), height * (crop.bottom - crop.top))
        assert np.abs(centroid(shown) - centroid(guide)).max() < 0.35 * max(scale / map_share, 1)
        assert np.corrcoef(shown.ravel(), guide.ravel())[0, 1] > (0.97 if map_share == 1 else 0.85)
    assert compared > 100 and 60 < flips < 140


def test_a_flipped_crop_is_the_mirror_image():
    image, disc = photograph(40, 60, (20, 15))
    plain, mirrored = Crop(0, 0, 0.5, 1), Crop(0, 0, 0.5, 1, flip=True)
    size = (20, 20)
    np.testing.assert_array_equal(
        cut_image(image, plain, size, "bilinear")[:, ::-1],
        cut_image(image, mirrored, size, "bilinear"),
    )
    human = disc.astype(np.float32)
    np.testing.assert_array_equal(
        cut_map(human, plain, size)[:, ::-1], cut_map(human, mirrored, size)
    )


def test_a_crop_cuts_the_part_that_it_names():
    values = np.arange(48, dtype=np.float32).reshape(6, 8)
    np.testing.assert_array_equal(
        cut_map(values, Crop(0.25, 0.5, 0.75, 1), (3, 4)), values[3:, 2:6]
    )


def test_random_crops_have_the_asked_areas_and_aspects():
    rng = np.random.default_rng(3)
    crops = [random_crop((300, 200), (0.2, 0.5), (0.8, 1.25), 0.5, rng) for _ in range(400)]
    sides = np.array([(300 * (c.right - c.left), 200 * (c.bottom - c.top)) for c in crops])
    area, aspect = sides.prod(1) / 60000, sides[:, 0] / sides[:, 1]
    assert 0.19 < area.min() < 0.23 and 0.47 < area.max() < 0.51  # whole pixels round a little
    assert 0.78 < aspect.min() < 0.83 and 1.2 < aspect.max() < 1.28
    assert {(c.left >= 0 and c.right <= 1 and c.top >= 0 and c.bottom <= 1) for c in crops} == {
        True
    }


def test_an_aspect_that_fits_nowhere_gives_the_centre():
    crop = random_crop((1000, 10), (1, 1), (3 / 4, 4 / 3), 0.0, np.random.default_rng(0))
    assert crop.box(1000, 10) == pytest.approx((493, 0, 506, 10))


def test_the_central_square_is_central():
    assert centre_crop((200, 100), 0.5).box(200, 100) == pytest.approx((75, 25, 125, 75))


# --- sources --------------------------------------------------------------------------------------


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
    assert open_samples([path], scratch).digest() != first and len(list(scratch.iterdir())) == 2


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
    assert not list((tmp_path / "scratch").iterdir())
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


# --- order ----------------------------------------------------------------------------------------


def test_an_epoch_shows_labelled_images_once_and_maps_by_their_share():
    mixture = Mixture(arrays(40, mapped=False), arrays(30, 1), 0.2, seed=5)
    assert len(mixture) == 50
    dealt = []
    for epoch in range(6):
        order = mixture.order(epoch)
        assert sorted(order[order < 40]) == list(range(40))
        dealt += (order[order >= 40] - 40).tolist()
    # 60 maps in 6 epochs of 10 out of 30: every one twice, none twice in the first three epochs
    assert np.bincount(dealt, minlength=30).tolist() == [2] * 30
    assert len(set(dealt[:30])) == 30


def test_orders_differ_between_epochs_and_seeds_and_repeat_with_them():
    first, other = (Mixture(arrays(40), arrays(0, 1), 0.0, seed) for seed in (1, 2))
    again = Mixture(arrays(40), arrays(0, 1), 0.0, 1)
    assert first.order(0).tolist() == again.order(0).tolist() != first.order(1).tolist()
    assert first.order(0).tolist() != other.order(0).tolist()


def test_without_labelled_images_an_epoch_is_all_maps():
    mixture = Mixture(Joined([]), arrays(7), 0.2, 0)
    assert sorted(mixture.order(3)) == list(range(7))


@pytest.mark.parametrize(("accumulation", "ranks"), [(1, 2), (2, 2), (4, 1)])
def test_parts_and_processes_share_the_batches_of_one(accumulation, ranks):
    mixture = Mixture(arrays(37), Joined([]), 0.0, 0)
    whole = list(Steps(mixture, Recipe(batch_size=8, epochs=2, warmup_epochs=0), 0, 1, 0))
    recipe = Recipe(batch_size=8, epochs=2, warmup_epochs=0, accumulation=accumulation)
    parts = [list(Steps(mixture, recipe, rank, ranks, 0)) for rank in range(ranks)]
    assert len(whole) == 2 * (37 // 8)
    for step, batch in enumerate(whole):
        place = slice(step * accumulation, (step + 1) * accumulation)
        together = [key for own in zip(*parts, strict=True) for keys in own for key in keys]
        start = step * 8
        assert together[start : start + 8] == batch
        assert all(len(keys) == 8 // accumulation // ranks for own in parts for keys in own[place])


def test_steps_go_on_where_they_were_left():
    mixture = Mixture(arrays(20), Joined([]), 0.0, 0)
    recipe = Recipe(batch_size=6, epochs=4, warmup_epochs=0)
    assert list(Steps(mixture, recipe, 0, 1, 5)) == list(Steps(mixture, recipe, 0, 1, 0))[5:]


@pytest.mark.parametrize(
    ("batch", "ranks", "message"), [(9, 2, "shared equally"), (50, 1, "more than")]
)
def test_batches_that_do_not_fit_are_refused(batch, ranks, message):
    mixture = Mixture(arrays(20), Joined([]), 0.0, 0)
    with pytest.raises(UserError, match=message):
        Steps(mixture, Recipe(batch_size=batch), 0, ranks, 0)


# --- items ----------------------------------------------------------------------------------------


def batches_of(samples, workers=0, **settings):
    """All batches of one epoch of a collection with maps."""
    recipe = Recipe.of({"batch_size": 4, "epochs": 1, "warmup_epochs": 0} | settings)
    mixture = Mixture(samples, Joined([]), 0.0, 0)
    steps = Steps(mixture, recipe, 0, 1, 0)
    return list(load_batches(Augmented(mixture, recipe, LOOK), steps, workers, torch.device("cpu")))


def test_workers_and_generators_do_not_change_a_batch():
    torch.manual_seed(1)
    alone = batches_of(arrays(12))
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002 (the point: nobody listens to it)
    state = torch.get_rng_state()
    helped = batches_of(arrays(12), workers=2)
    assert torch.equal(state, torch.get_rng_state())
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.maps, other.maps)
        assert one.image_ids == other.image_ids


class Threads:
    """A dataset of how many threads BLAS would start where it is asked."""

    def __getitem__(self, _key):
        counts = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        return Item(np.zeros((1, 1, 3), np.uint8), max(counts), None, "", False)


def test_a_worker_takes_one_core():
    with threadpool_limits(2, "blas"):
        alone, helped = (
            next(load_batches(Threads(), [[0]], n, torch.device("cpu"))) for n in (0, 1)
        )
    assert (alone.labels.item(), helped.labels.item()) == (2, 1)


def test_a_batch_is_what_the_loss_takes():
    batch = batches_of(arrays(12))[0]
    images = batch.inputs(LOOK, torch.device("cpu"), channels_last=True)
    assert images.shape == (4, 3, SIDE, SIDE) and batch.maps.shape == (4, SIDE, SIDE)
    assert images.is_contiguous(memory_format=torch.channels_last)
    wanted = (batch.images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    torch.testing.assert_close(images, wanted, rtol=0, atol=1e-6)  # one rounding
    assert batch.tokens.tolist() == [1, 1, 1, 1] and batch.labels.dtype == torch.int64
    assert batch.inputs(LOOK, torch.device("cpu"), channels_last=False).is_contiguous()


def test_empty_maps_get_token_0_and_are_counted():
    images, labels, maps = blobs(8)
    maps[[1, 4]] = 0.7  # says nothing of where to look
    maps[2] = np.nan  # none
    found = batches_of(Arrays(images, labels, maps), batch_size=8, crop_scale=[1, 1])[0]
    tokens = dict(zip(found.image_ids, found.tokens.tolist(), strict=True))
    assert [tokens[f"image:{n}"] for n in range(8)] == [1, 0, 0, 1, 0, 1, 1, 1]
    assert found.n_empty == 2 and not found.maps[found.tokens == 0].any()


def test_a_map_of_another_aspect_is_refused_by_name():
    samples = Arrays(*blobs(4)[:2], np.ones((4, 24, 30), np.float32))
    with pytest.raises(
        UserError, match=r"image:\d: the human map is 30 x 24 pixels, the image 24 x 24"
    ):
        batches_of(samples)


def test_a_map_of_half_the_size_is_taken_and_follows():
    images, labels, maps = blobs(4)
    half = maps.reshape(4, 12, 2, 12, 2).mean((2, 4))
    whole, small = (batches_of(Arrays(images, labels, m))[0].maps for m in (maps, half))
    for a, b in zip(whole.numpy(), small.numpy(), strict=True):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9


def test_a_map_that_is_not_finite_is_refused_by_name():
    images, labels, maps = blobs(4)
    maps[2, 0, 0] = np.inf
    with pytest.raises(UserError, match=r"image:2: its human map has values that are not finite"):
        batches_of(Arrays(images, labels, maps))


def test_an_error_in_a_worker_comes_out_as_it_was(tmp_path):
    content = [png(i) for i in blobs(3)[0]] + [b"damaged"]
    pd.DataFrame({"image": content, "label": [0] * 4}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError) as found:
        batches_of(open_samples([tmp_path / "a.parquet"], tmp_path), workers=1)
    assert "a.parquet:3" in str(found.value) and "Traceback" not in str(found.value)


def test_photographs_with_a_map_are_judged_whole_and_others_by_their_centre():
    images = np.zeros((2, 24, 24, 3), np.uint8)
    images[:, :2] = 255  # a bright upper border, which the central half does not reach
    maps = np.stack([np.eye(24), np.full((24, 24), np.nan)])
    judged = Judged(Arrays(images, np.zeros(2, int), maps), 0.5, LOOK)
    batch = collate([judged[0], judged[1]])
    assert batch.images[0].max() == 255 and batch.images[1].max() == 0
    assert batch.tokens.tolist() == [1, 0]
