"""Recording predicts recording: planted signals, identical and unrelated recordings, shared pictures."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from itcortex.encoding import ceilings, pair_scores, recording_pairs
from itcortex.encoding.pair_scores import features_of
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.recording_pairs import Shown, pair_up
from itcortex.encoding.targets import Target, shuffled_targets
from itcortex.errors import UserError
from itcortex.mappings.folds import Division, Split, assign_folds
from itcortex.mappings.kinds import Kinds
from itcortex.mappings.pls import fit_layer

CORRECTED = PROTOCOLS["corrected"]
MAIN = Target(None, main=True)


def shown(name, responses, digests=None, monkey="A"):
    """A recording without a grid, of responses (image, site), or with one."""
    values = responses if responses.ndim == 4 else responses[:, None, None]
    digests = digests or tuple(f"picture-{k}" for k in range(len(values)))
    sites = tuple(f"{name}-{k}" for k in range(values.shape[3]))
    return Shown(name, monkey, values.astype(float), tuple(digests), sites)


def divided(target, folds=5, seed=0):
    fold_of = assign_folds(target.digests, folds, np.random.default_rng(seed))
    return Division.into_folds(fold_of, target.digests)


def scores(pairing, mapping="ridge", targets=(MAIN,), components=25, rng=None):
    fitter = CORRECTED.fitter(mapping, components, "exact", 0, nested=False)
    sites, labels = (
        pairing.target.sites,
        {"recording": pairing.target.name, "protocol": "corrected"},
    )
    fits = pair_scores.fit_pair(
        pairing, list(targets), {None: pairing.target.responses}, {mapping: fitter}, 7,
        rng or np.random.default_rng(0),
    )  # fmt: skip
    types = pair_scores.text_types(
        labels, [pairing.ceiling_name], [mapping], list(targets), pairing.division.names, sites
    )
    return list(fits.blocks(labels, sites, types, pairing.division.kinds))


def predicted(pairing, mapping="ridge", **options):
    raw = scores(pairing, mapping, **options)
    estimates, _ = as_ceilings(raw, mapping, pairing.division.names)
    return estimates[0][pairing.ceiling_name].mean()


def as_ceilings(raw, mapping, names):
    return pair_scores.as_ceilings(pair_scores.medians(raw), mapping, [None], names)


def pair(target, *others, folds=5):
    """The pairing with the first other recording, or with all of them."""
    return pair_up(target, others, divided(target, folds))[-1]


@pytest.mark.parametrize("mapping", ["pls", "ridge"])
def test_a_shared_signal_is_predicted_as_the_formula_says(rng, mapping):
    """m sources s + e_j of noise variance v, target s + e: r = 1 / sqrt((1 + v / m) (1 + v))."""
    n_images, m, v = 4000, 8, 0.5
    signal = rng.standard_normal((n_images, 1))
    source = signal + np.sqrt(v) * rng.standard_normal((n_images, m))
    target = signal + np.sqrt(v) * rng.standard_normal((n_images, 3))
    expected = 1 / np.sqrt((1 + v / m) * (1 + v))
    found = predicted(pair(shown("a", target), shown("b", source)), mapping)
    assert found == pytest.approx(expected, abs=0.02)  # 800 images a fold, five folds


@pytest.mark.parametrize("mapping", ["pls", "ridge"])
def test_identical_recordings_predict_each_other_fully(rng, mapping):
    responses = rng.standard_normal((100, 6))
    found = predicted(pair(shown("a", responses), shown("b", responses)), mapping)
    assert found == pytest.approx(1, abs=1e-4)  # ridge keeps a small penalty


def test_unrelated_recordings_predict_nothing_on_average():
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pairing = pair(
            shown("a", rng.standard_normal((100, 5))), shown("b", rng.standard_normal((100, 5)))
        )
        found.append(predicted(pairing, "pls"))
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found)) + 1e-9
    assert np.mean(found) == pytest.approx(0, abs=0.05)


def test_scores_are_those_of_a_layer_that_holds_the_sites(rng):
    """The same folds, mapping and metrics as networks: the sites, z-scored, are a layer."""
    source, target = rng.standard_normal((60, 4)), rng.standard_normal((60, 3))
    pairing = pair(shown("a", target), shown("b", 10 * source + 3))
    layer = (source - source.mean(0)) / source.std(0)
    fold_of = pairing.division.fold_of
    expected = fit_layer(layer, target[None, :, None, None], fold_of, 3, nested=False)
    (raw,) = scores(pairing, "pls", components=3)
    for name in ("r", "rho", "explained_variance"):
        found = raw.pivot(index="fold", columns="site", values=name).to_numpy()
        np.testing.assert_allclose(found, expected.metrics[name][0], atol=1e-12)


def test_pictures_are_found_by_pixels_and_keep_their_folds(rng):
    """Images of the source are in another order, under other names, and some are not shared."""
    responses = rng.standard_normal((80, 4))
    target = shown("a", responses)
    order = rng.permutation(80)[:60]
    source = shown(
        "b",
        np.vstack([responses[order], rng.standard_normal((30, 4))]),
        [*(target.digests[k] for k in order), *(f"other-{k}" for k in range(30))],
    )
    division = divided(target)
    (pairing,) = pair_up(target, [source], division)
    np.testing.assert_array_equal(pairing.images, np.sort(order))
    np.testing.assert_array_equal(pairing.division.fold_of, division.fold_of[np.sort(order)])
    assert predicted(pairing) == pytest.approx(1, abs=1e-4)
    assert pairing.about["n_shared"] == 60 and pairing.about["n_images"] == 80


def test_twins_of_the_source_are_averaged_and_those_of_the_target_stay_in_one_fold(rng):
    values = rng.standard_normal((40, 2))
    digests = [f"p{k}" for k in range(40)]
    target = shown("a", np.repeat(values, 2, axis=0), list(np.repeat(digests, 2)))
    noise = rng.standard_normal((40, 2))
    source = shown("b", np.vstack([values + noise, values - noise]), [*digests, *digests])
    pairing = pair(target, source)
    fold_of = pairing.division.fold_of
    np.testing.assert_array_equal(fold_of[::2], fold_of[1::2])
    assert predicted(pairing) == pytest.approx(1, abs=1e-4)  # the noise of twins cancels


def test_all_other_recordings_together_are_used_on_what_all_were_shown(rng):
    """Each of two sources knows one of two signals; together they know the target."""
    signals = rng.standard_normal((100, 2))
    target = shown("a", signals.sum(1, keepdims=True))
    first = shown("b", signals[:80, :1], target.digests[:80], monkey="B")
    second = shown("c", signals[10:, 1:], target.digests[10:], monkey="C")
    pairs = pair_up(target, [first, second], divided(target))
    assert [one.ceiling_name for one in pairs] == ["recording:b", "recording:c", "other_recordings"]
    np.testing.assert_array_equal(pairs[2].images, np.arange(10, 80))
    assert pairs[2].about["sources"] == "b + c" and pairs[2].about["source_monkeys"] == "B + C"
    assert pairs[2].about["same_monkey"] == "no"
    assert predicted(pairs[2]) > 0.99
    for alone in pairs[:2]:
        assert predicted(alone) == pytest.approx(np.sqrt(0.5), abs=0.12)  # 80 images


def test_a_grid_is_resampled_as_the_map_of_a_layer_is(rng):
    """A finer grid of the source is averaged to the target's; folds are single images."""
    fine = rng.standard_normal((6, 6, 6, 2))
    coarse = fine.reshape(6, 3, 2, 3, 2, 2).mean((2, 4))
    target, source = shown("a", coarse), shown("b", fine)
    division = Division.into_folds(np.arange(6), target.digests)
    (pairing,) = pair_up(target, [source], division)
    assert not pairing.refused
    assert predicted(pairing) == pytest.approx(1, abs=1e-3)
    (part,) = pair_up(target, [shown("b", fine[:4], target.digests[:4])], division)
    assert part.division.names == target.digests[:4]  # other images have no fold here


def test_a_source_with_a_grid_and_a_target_without(rng):
    fine = rng.standard_normal((60, 2, 2, 3))
    target = shown("a", fine.reshape(60, -1)[:, :5])
    pairing = pair(target, shown("b", fine))
    assert features_of(pairing, 7).shape == (60, 1, 1, 12)
    assert predicted(pairing) == pytest.approx(1, abs=1e-3)


def test_a_loud_site_of_the_source_drowns_no_other(rng):
    values = rng.standard_normal((100, 3))
    loud = values * [1, 1e6, 1]
    quiet = pair(shown("a", values), shown("b", values))
    found = pair(shown("a", values), shown("b", loud))
    assert predicted(found, "pls") == pytest.approx(predicted(quiet, "pls"), abs=1e-6)


def test_a_constant_site_of_the_source_tells_nothing_and_breaks_nothing(rng):
    values = rng.standard_normal((100, 3))
    pairing = pair(shown("a", values), shown("b", np.hstack([values, np.full((100, 1), 4.0)])))
    np.testing.assert_array_equal(features_of(pairing, 7)[..., 3], 0)
    assert predicted(pairing) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("n_shared", "said"),
    [
        (0, "b and a have no picture in common"),
        (
            12,
            r"b and a share 12 images in . folds, the smallest of . samples; 3 folds of 5 samples",
        ),
    ],
)
def test_too_few_shared_pictures_are_refused_by_name(rng, n_shared, said):
    target = shown("a", rng.standard_normal((100, 3)))
    digests = [*target.digests[:n_shared], *(f"other-{k}" for k in range(30 - n_shared))]
    (pairing,) = pair_up(
        target, [shown("b", rng.standard_normal((30, 3)), digests)], divided(target)
    )
    assert pairing.about["n_shared"] == n_shared
    assert re.match(said, pairing.refused)


def test_a_source_without_a_grid_does_not_predict_maps(rng):
    target = shown("a", rng.standard_normal((6, 3, 3, 2)))
    (pairing,) = pair_up(
        target, [shown("b", rng.standard_normal((6, 2)))],
        Division.into_folds(np.arange(6), target.digests),
    )  # fmt: skip
    assert pairing.refused == "a has a grid of positions and b has none"


def test_responses_that_are_not_finite_are_refused_by_name(rng):
    values = rng.standard_normal((10, 2))
    values[3, 1] = np.nan
    with pytest.raises(UserError, match=r"^b: NaN or infinite"):
        shown("b", values)


def test_chance_is_that_of_shuffled_images(rng):
    signal = rng.standard_normal((100, 1))
    target, source = signal + rng.standard_normal((100, 3)), signal + rng.standard_normal((100, 4))
    pairing = pair(shown("a", target), shown("b", source))
    raw = scores(pairing, targets=[MAIN, *shuffled_targets(MAIN, 15)], rng=rng)
    estimates, by_chance = as_ceilings(raw, "ridge", pairing.division.names)
    assert len(by_chance) == 15
    chance = np.array([one["recording:b"].mean() for one in by_chance])
    assert abs(chance.mean()) < 0.1  # 100 images, 15 permutations
    assert estimates[0]["recording:b"].mean() > 0.4


def test_folds_without_a_shared_image_have_no_ceiling(rng):
    target = shown("a", rng.standard_normal((30, 3, 3, 2)))
    division = Division.into_folds(np.arange(30), target.digests)
    (pairing,) = pair_up(target, [shown("b", target.responses[5:9], target.digests[5:9])], division)
    estimates, _ = as_ceilings(scores(pairing), "ridge", division.names)
    defined = np.isfinite(estimates[0]["recording:b"])
    np.testing.assert_array_equal(np.flatnonzero(defined), np.arange(5, 9))


def test_kinds_are_those_of_the_shared_images(rng):
    target = shown("a", rng.standard_normal((80, 3)))
    kinds = Kinds.of(["photograph"] * 40 + ["disc"] * 20 + ["texture"] * 20)
    division = replace(divided(target), kinds=kinds)
    (pairing,) = pair_up(target, [shown("b", target.responses[:60], target.digests[:60])], division)
    assert pairing.division.kinds.names == ("disc", "photograph")
    (pairing,) = pair_up(target, [shown("b", target.responses[:40], target.digests[:40])], division)
    assert pairing.division.kinds.of_image is None


def test_scores_are_divided_only_where_all_images_are_shared(rng):
    target = shown("a", rng.standard_normal((60, 3)))
    part = shown("b", target.responses[:50], target.digests[:50])
    whole = shown("c", target.responses)
    stranger = shown("d", target.responses, [f"other-{k}" for k in range(60)])
    pairs = pair_up(target, [part, whole, stranger], divided(target))
    why = recording_pairs.no_divisors(pd.DataFrame([one.about for one in pairs]))
    assert "b was shown 50 of its 60 images only" in why["recording:b"]
    assert "recording:c" not in why and "no picture in common" in why["recording:d"]
    estimates = [{"population": np.ones(5), "recording:b": np.ones(5), "recording:c": np.ones(5)}]
    folds = tuple("abcde")
    table = ceilings.as_table("a", [None], estimates, folds, "recording:c", refused=why)
    assert set(table[table["used"]]["ceiling_name"]) == {"recording:c"}
    for name, said in (("recording:b", "50 of its 60"), ("recording:d", "d and a have no picture")):
        with pytest.raises(UserError, match=said):
            ceilings.as_table("a", [None], estimates, folds, name, refused=why)


def test_another_recording_is_no_upper_bound():
    assert "optimistic ceiling for another animal" in ceilings.weakness("recording:b")
    assert ceilings.weakness("other_recordings") == ceilings.weakness("recording:b")
    assert ceilings.weakness("split_half_bound") == ""


def test_an_own_recording_that_names_no_animal_may_be_of_the_same_one(rng):
    values = rng.standard_normal((40, 3))
    unnamed = shown("b", values, monkey="b")  # an entry without an animal has its own name there
    assert pair(shown("a", values), unnamed).about["same_monkey"] == "unknown"
    assert pair(unnamed, shown("a", values)).about["same_monkey"] == "unknown"
    assert pair(shown("a", values), shown("b", values)).about["same_monkey"] == "yes"
    assert pair(shown("a", values), shown("b", values, monkey="B")).about["same_monkey"] == "no"
    target, one, other = shown("a", values), shown("b", values), shown("c", values, monkey="B")
    *_, joined = pair_up(target, [one, other], pair(target, one).division)
    assert joined.about["same_monkey"] == "partly"


def held_out(target, test, train_parts=3):
    """One test set, and the other images in parts that choose the penalty."""
    group_of = 1 + np.arange(len(target.digests)) % train_parts
    group_of[test] = 0
    return Division.of_groups(("test",), group_of, target.digests)


@pytest.mark.parametrize("mapping", ["pls", "ridge"])
def test_one_test_set_is_predicted_from_its_training_images(rng, mapping):
    values = rng.standard_normal((90, 3))
    target = shown("a", values)
    source = shown("b", values[::-1], target.digests[::-1])
    (pairing,) = pair_up(target, [source], held_out(target, np.arange(60, 90)))
    assert pairing.refused == "" and pairing.has_one_test_set
    assert predicted(pairing, mapping) == pytest.approx(1, abs=1e-3)
    assert pairing.shared["image"].tolist() == list(range(60, 90))
    assert set(pairing.shared["fold"]) == {"test"}


def test_the_control_of_one_test_set_shuffles_test_and_training_images_apart(rng):
    """Test images have more repeats: responses with the noise of one part must not enter the other."""
    values = rng.standard_normal((60, 2))
    values[40:] += 100
    target, seen = shown("a", values), []
    (pairing,) = pair_up(target, [shown("b", values)], held_out(target, np.arange(40, 60)))

    def fit(maps, responses, division):
        assert not isinstance(
            responses, np.ndarray
        )  # one target at a time, or 21 would be in memory
        seen.extend(responses[k][:, 0, 0] for k in range(len(responses)))
        return CORRECTED.fitter("ridge", 25, "exact", 0, nested=False)(maps, responses, division)

    targets = [MAIN, *shuffled_targets(MAIN, 3)]
    pair_scores.fit_pair(pairing, targets, {None: target.responses}, {"ridge": fit}, 7, rng)
    assert len(seen) == 4 and not np.array_equal(seen[0], seen[1])
    for one in seen:
        assert (one[40:] > 50).all() and (one[:40] < 50).all()
        assert sorted(one[:, 0]) == sorted(values[:, 0])


@pytest.mark.parametrize(
    ("shared", "train_parts", "said"),
    [
        (range(40), 3, "share 0 samples of test images and 40 training images in 3 parts"),
        (range(30, 90), 1, "share 30 samples of test images and 30 training images in 1 parts"),
        (range(30, 64), 3, "share 4 samples of test images and 30 training images in 3 parts"),
    ],
)
def test_one_test_set_with_too_few_shared_images_is_refused_with_a_remedy(
    rng, shared, train_parts, said
):
    target = shown("a", rng.standard_normal((90, 3)))
    division = held_out(target, np.arange(60, 90), train_parts)
    kept = list(shared)
    source = shown("b", target.responses[kept], [target.digests[k] for k in kept])
    (pairing,) = pair_up(target, [source], division)
    assert said in pairing.refused and "mark more of the shared images" in pairing.refused
    assert pairing.about["n_shared"] == len(kept)


def test_repeated_splits_are_refused_with_a_remedy(rng):
    target = shown("a", rng.standard_normal((40, 2)))
    half = Split(np.arange(20), np.arange(20, 40), np.arange(5))
    division = Division(("one", "two"), (half, half), 40, target.digests)
    (pairing,) = pair_up(target, [shown("b", target.responses)], division)
    assert "repeated splits" in pairing.refused and "protocol: corrected" in pairing.refused


def test_sites_of_one_file_in_two_entries_do_not_predict_themselves(rng):
    """An area, and one animal's part of it: the same names with the same responses."""
    values = rng.standard_normal((60, 6))
    whole = shown("area", values)
    part = replace(shown("part", values[:, 2:5]), sites=whole.sites[2:5])
    (pairing,) = pair_up(whole, [part], divided(whole))
    assert pairing.refused.startswith("3 of area's 6 sites are sites of part as well")
    named_alike = replace(shown("b", rng.standard_normal((60, 3))), sites=whole.sites[:3])
    (pairing,) = pair_up(whole, [named_alike], divided(whole))
    assert pairing.refused == ""  # many files count sites from 0
    others = pair_up(part, [whole, named_alike, shown("c", values)], divided(part))
    assert [bool(one.refused) for one in others] == [True, False, False, False]
    assert others[-1].about["sources"] == "b + c"


def test_an_entry_that_pools_animals_is_partly_of_each(rng):
    values = rng.standard_normal((40, 3))
    pooled, one, other = (
        shown(name, values, monkey=monkey)
        for name, monkey in (("p", "M1, M2 and M3"), ("one", "M1"), ("other", "M4"))
    )
    again = shown("q", values, monkey="M1, M2 and M3")
    pairs = ((pooled, one), (one, pooled), (pooled, again), (pooled, other), (one, one))
    told = {a.name + b.name: pair(a, b).about["same_monkey"] for a, b in pairs}
    assert told == {
        "pone": "partly",
        "onep": "partly",
        "pq": "partly",
        "pother": "no",
        "oneone": "yes",
    }
