"""In which order images are shown, and what a batch of them is."""

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.training.batches import Augmented, Item, Judged, Mixture, Steps, collate, load_batches
from itcortex.training.images.samples import Arrays, Joined
from itcortex.training.images.sources import open_samples
from itcortex.training.recipe import Recipe
from made.training import PREPROCESSING, SIDE, arrays, blobs, png

pytestmark = [pytest.mark.network, pytest.mark.process]

LOOK = Preprocessing(tuple(PREPROCESSING["input_size"]), (0.5,) * 3, (0.25,) * 3, "bilinear")


# --- order -----------------------------------------------------------------------------------------


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


# --- items -----------------------------------------------------------------------------------------


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
