"""Scores within kinds of image: by hand, and where only the contrast of kinds can be predicted."""

import numpy as np
import pytest

from itcortex.encoding.protocols import PROTOCOLS
from itcortex.mappings.folds import Division
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.numerics.metrics import METRICS, pearson, predictivity

WITHIN = ("r of disc", "r of photo")


def test_scores_by_hand(rng):
    kinds = Kinds.of(["photo", "disc"] * 6)
    recorded, predicted = rng.standard_normal((2, 24, 3))  # two positions of an image
    found = kinds.score(recorded, predicted, np.arange(12))
    photos = np.repeat([True, False] * 6, 2)
    np.testing.assert_array_equal(found["r of photo"], pearson(recorded[photos], predicted[photos]))
    np.testing.assert_array_equal(
        found["r of disc"], pearson(recorded[~photos], predicted[~photos])
    )
    np.testing.assert_array_equal(found["r"], pearson(recorded, predicted))
    assert tuple(found) == kinds.scores == (*METRICS, *WITHIN)
    few = kinds.score(recorded[:10], predicted[:10], np.array([0, 2, 4, 1, 3]))
    assert tuple(few) == (*METRICS, "r of photo")  # four samples of discs
    assert Kinds.of(["photo"] * 3) is ONE_KIND
    assert ONE_KIND.scores == tuple(METRICS)


@pytest.mark.parametrize("mapping", ["pls", "ridge", "reverse", "rsa", "cka"])
def test_what_tells_kinds_apart_alone_has_no_score_within_them(rng, mapping):
    """Sites and units answer to the kind, and to nothing else that they have in common."""
    kind_of = rng.permutation(np.arange(120) % 2)
    responses, maps = rng.standard_normal((120, 12)), rng.standard_normal((120, 15))
    responses += 4 * kind_of[:, None]
    maps += kind_of[:, None] * (4 + 2 * (np.arange(15) % 2))  # patterns over units differ too
    responses += 2 * kind_of[:, None] * (np.arange(12) % 2)
    kinds = Kinds.of(np.array(["photo", "disc"])[kind_of])
    division = Division.into_folds(np.arange(120) % 4, (), kinds)
    fit = PROTOCOLS["corrected"].fitter(mapping, 3, "exact", 0)
    plain = predictivity(fit(maps, responses[None, :, None, None], division).metrics["r"][0])
    within = fit(maps, responses[None, :, None, None], division).metrics
    assert plain > 0.3
    for name in WITHIN:  # 60 images of a kind: standard error of the median over sites about .05
        assert abs(predictivity(within[name][0])) < 0.2


def test_twins_make_no_similarity_of_unrelated_patterns(rng):
    """40 pictures, each under two names: as two images they are equal in both, and nothing else is."""
    features, answers = rng.standard_normal((40, 30)), rng.standard_normal((40, 8))
    maps, sites = np.concatenate([features] * 2), np.concatenate([answers] * 2)
    pictures, folds = tuple(f"p{k % 40:02d}" for k in range(80)), np.arange(80) % 40 % 4
    for mapping in ("rsa", "cka"):
        fit = PROTOCOLS["corrected"].fitter(mapping, 3, "exact", 0)

        def score(n_images, pictures, fit=fit):
            division = Division.into_folds(folds[:n_images], pictures)
            found = fit(maps[:n_images], sites[None, :n_images, None, None], division)
            return predictivity(found.metrics["r"][0])

        assert score(80, ()) > 0.3
        assert abs(score(80, pictures)) < 0.25  # four folds of 45 pairs: standard error .08
        assert score(80, pictures) == pytest.approx(score(40, ()), abs=1e-12)
