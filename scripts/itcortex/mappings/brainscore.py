"""Brain-Score's protocol for neural recordings: its splits, its mapping, its ceilings.

It follows the public IT benchmark (MajajHong2015public.IT-pls). The images are divided ten times at
random into 90 % training and 10 % test images, balanced over objects. PLS with 25 components, not
scaled, maps a layer to all neuroids. The score is Pearson r of each neuroid over the test images (of
repeat averages), the median over neuroids, and the mean over splits. The facts are taken from
github.com/brain-score/vision (metrics/regression_correlation,
metrics/internal_consistency, metric_helpers/transformations, benchmark_helpers/neural_common).

An image may be in several test sets or in none, so that splits are no folds: other test sets cannot
choose a layer for a split. It is chosen on a tenth of the split's training images, which the model
that chooses does not see. (Brain-Score commits a model to one layer beforehand, on the public set
itself.)

The ceiling is the reliability of the repeat averages. Two formulas were published for the score that
comes out of r and reliability c, both under the name "explained variance":

ratio_squared
    (r / c)^2, until 2025. It takes c for the correlation of a perfect model, and so gives a model
    without error 1 / c: the noisier the neuroids, the more above 1.
variance_over_reliability
    r^2 / c, since 2026 (pull requests 2169 and 2244). A perfect model's correlation is sqrt(c).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.features import build_design, layer_features
from itcortex.mappings.folds import Division, Split
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.mappings.layer_scores import LayerPredictions
from itcortex.numerics.metrics import FEWEST_SAMPLES, mean_defined, median_over_sites, pearson
from itcortex.regression import pls
from itcortex.regression.design import Problem
from itcortex.regression.pls_rules import Exact, Nipals

COMPONENTS = 25
#: The inner loop of PLS stops where scikit-learn's does by default.
RULE = Nipals(1e-6)
#: Column of the image table over which splits are balanced.
STRATIFIED_BY = "object_name"


# --- splits ---------------------------------------------------------------------------------------


def stratified_splits(
    labels, n_splits: int = 10, test_share: float = 0.1, seed: int = 1
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test images of random splits that keep the share of every label.

    `seed` 1 on images in Brain-Score's order gives its splits, as far as scikit-learn keeps its
    draw. Raises `UserError` for labels too rare to be in both parts.
    """
    from sklearn.model_selection import StratifiedShuffleSplit  # noqa: PLC0415 (takes a second, for few jobs)

    draw = StratifiedShuffleSplit(n_splits, train_size=1 - test_share, random_state=seed)
    try:
        return list(draw.split(np.zeros(len(labels)), np.asarray(labels)))
    except ValueError as error:
        names, counts = np.unique(np.asarray(labels), return_counts=True)
        raise UserError(
            f"brainscore: {len(labels)} images with {len(names)} labels, the rarest "
            f"{str(names[counts.argmin()])!r} with {counts.min()}, cannot be split with {test_share} of "
            f"them for the test ({error}); use another protocol or a larger share"
        ) from error


def draw_splits(
    labels, pictures=None, n_splits: int = 10, test_share: float = 0.1, seed: int = 1
) -> list[Split]:
    """`stratified_splits`, each with the share of its training images that chooses the layer.

    `pictures` (image,) name what images show: those of one picture, twins, are divided as one. Raises
    `UserError` if fewer than `FEWEST_SAMPLES` pictures would test a split or choose its layer.
    """
    if n_splits < 2:
        raise UserError(f"brainscore: {n_splits} splits; at least 2 are needed")
    images: dict = {}
    for index, picture in enumerate(range(len(labels)) if pictures is None else pictures):
        images.setdefault(picture, []).append(index)
    groups = [np.array(members) for members in images.values()]
    labels, splits = np.asarray(labels)[[members[0] for members in groups]], []

    def together(chosen):
        return np.concatenate([groups[k] for k in chosen])

    for train, test in stratified_splits(labels, n_splits, test_share, seed):
        ((_, validation),) = stratified_splits(labels[train], 1, test_share, seed)
        if (fewest := min(len(test), len(validation))) < FEWEST_SAMPLES:
            raise UserError(
                f"brainscore: {len(labels)} pictures leave {fewest} to test a split or to choose its "
                f"layer; a correlation needs at least {FEWEST_SAMPLES}: with fewer it is often near 1 "
                "or -1 by chance; record more images or choose protocol: corrected"
            )
        splits.append(Split(together(train), together(test), together(train[validation])))
    return splits


def divide(
    labels, pictures=None, n_splits: int = 10, test_share: float = 0.1, seed: int = 1
) -> Division:
    """`draw_splits` as a division of the images, named split-00, split-01, ..."""
    splits = draw_splits(labels, pictures, n_splits, test_share, seed)
    names = tuple(f"split-{index:02d}" for index in range(n_splits))
    return Division(names, tuple(splits), len(labels))


# --- mapping --------------------------------------------------------------------------------------


@dataclass
class SplitPredictions(LayerPredictions):
    """What one layer predicts; where `LayerPredictions` says fold, read split.

    Attributes
    ----------
    inner : float64 array (split, split)
        ``inner[i, j]``, the same for every j but i: median over sites of r on the validation
        images of split i, by a model fitted without them and without the test images.
    predictions : float32 array (image, y, x, site)
        Mean over the splits that have an image in their test; NaN where none has.
    held_out : list of float32 arrays (test image, site)
        Predictions of every split.
    """

    held_out: list[np.ndarray] = field(default_factory=list)


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    splits: Sequence[Split],
    n_components: int = COMPONENTS,
    nested: bool = True,
    rule: Exact | Nipals = RULE,
    kinds: Kinds = ONE_KIND,
) -> SplitPredictions:
    """PLS from one layer to every site, on explicit splits; see `itcortex.mappings.pls.fit_layer`.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
        Every cell of every channel is a feature (see `itcortex.numerics.resample.pool_maps`).
    responses : float64 array (target, image, 1, 1, site)
        Responses without a grid. The first target chooses layers.
    nested : bool
        Whether to compute `inner`, which chooses layers and costs one more fit for each split.
    kinds : Kinds
        Kind of every image, for scores within kinds.

    Raises `UserError` for responses on a grid.
    """
    n_targets, n_images, gy, gx, n_sites = responses.shape
    if gy * gx > 1:
        raise UserError(
            f"brainscore: the protocol is for recordings without a grid, not for {gy} x {gx} "
            "positions; use protocol: corrected"
        )
    features = fewer_features(layer_features(maps, (gy, gx))[0][:, 0])
    metrics = {m: np.full((n_targets, len(splits), n_sites), np.nan) for m in kinds.scores}
    inner, held_out, fewest = np.full((len(splits),) * 2, np.nan), [], n_components
    for index, split in enumerate(splits):
        for fit in _fit_split(features, responses[:, :, 0, 0], split, n_components, nested, rule):
            problem, predicted = fit.problem, fit.predictions
            fewest = min(fewest, fit.n_components)
            if len(problem.held_out) == 2:
                recorded = responses[0, split.validation, 0, 0]
                inner[index] = median_over_sites(pearson(recorded, predicted[: len(recorded)]))
                inner[index, index] = np.nan
                continue
            recorded = responses[problem.target, split.test, 0, 0]
            for name, values in kinds.score(recorded, predicted, split.test).items():
                metrics[name][problem.target, index] = values
            if problem.target == 0:
                held_out.append(predicted.astype(np.float32))
    predictions = average_held_out(held_out, splits, n_images)
    return SplitPredictions(metrics, inner, predictions, fewest, held_out=held_out)


def _fit_split(features, responses, split, n_components, nested, rule):
    """Fits of one split: every target on the test images, and the first one on what chooses layers."""
    fitted = np.setdiff1d(split.train, split.validation)
    images = np.concatenate([fitted, split.validation, split.test])
    part_of = np.repeat([0, 1, 2], [len(fitted), len(split.validation), len(split.test)])
    design, _ = build_design(features[images][:, None], np.ones((1, 1)), part_of)
    problems = [Problem(target, (2,)) for target in range(len(responses))]
    problems += [Problem(0, (1, 2))] if nested else []
    return pls.fit_held_out(design, responses[:, images], problems, n_components, rule)


def fewer_features(features: np.ndarray) -> np.ndarray:
    """Features (image, feature), float64, with no more columns than rows and the same geometry.

    PLS sees features only through inner products of their rows, which stay what they are (centred)
    in an orthonormal basis of the rows: R' of the QR factorisation of the transpose, taken block by
    block, so that no second array of that size is needed.
    """
    n_images, n_features = features.shape
    if n_features <= n_images:
        return features.astype(np.float64)
    triangle = np.empty((0, n_images))
    for start in range(0, n_features, n_images):
        block = features[:, start : start + n_images].astype(np.float64)
        block -= block.mean(0)
        triangle = np.linalg.qr(np.vstack([triangle, block.T]), mode="r")
    return triangle.T


def average_held_out(
    held_out: list[np.ndarray], splits: Sequence[Split], n_images: int
) -> np.ndarray:
    """Mean prediction (image, 1, 1, site) over the splits that test an image; NaN where none does."""
    total = np.zeros((n_images, held_out[0].shape[1]))
    count = np.zeros((n_images, 1))
    for predicted, split in zip(held_out, splits, strict=True):
        total[split.test] += predicted
        count[split.test] += 1
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean[:, None, None].astype(np.float32)


def chosen_predictions(
    results: list[SplitPredictions], chosen: np.ndarray, splits: Sequence[Split]
) -> np.ndarray:
    """As `average_held_out`, each split with the layer (index into `results`) chosen for it."""
    held_out = [results[layer].held_out[index] for index, layer in enumerate(chosen)]
    return average_held_out(held_out, splits, len(results[0].predictions))


# --- ceilings -------------------------------------------------------------------------------------


def internal_consistency(trials: np.ndarray, n_splits: int = 10, seed: int = 1) -> np.ndarray:
    """Reliability (split, site) of repeat averages: split halves, corrected by Spearman-Brown.

    Parameters
    ----------
    trials : array (image, site, repeat)
        NaN where a repeat is missing. Repeat NUMBERS are halved, alike for all images and sites
        (`itcortex.encoding.ceilings.split_half` halves each sample's repeats on its own); a site is
        correlated over the images that have a trial in both halves.

    Returns 2 r / (1 + r) of every split; NaN where less than three images are left. Brain-Score's
    ceiling is the mean over splits of the median over sites.
    """
    from sklearn.model_selection import ShuffleSplit  # noqa: PLC0415 (takes a second, for few jobs)

    n_repeats = trials.shape[2]
    if n_repeats < 2:
        raise UserError("ceiling internal_consistency: needs at least two repeats of every image")
    draw = ShuffleSplit(n_splits, train_size=0.5, random_state=seed)
    result = np.full((n_splits, trials.shape[1]), np.nan)
    for index, halves in enumerate(draw.split(np.zeros(n_repeats))):
        first, second = (mean_defined(trials[:, :, half].astype(np.float64)) for half in halves)
        both = np.isfinite(first) & np.isfinite(second)
        for site in np.flatnonzero(both.sum(0) >= 3):
            rows = both[:, site]
            r = pearson(first[rows, site, None], second[rows, site, None])[0]
            result[index, site] = 2 * r / (1 + r)
    return result


def ceilings(trials: np.ndarray, n_splits: int = 10, seed: int = 1) -> dict[str, np.ndarray]:
    """Brain-Score's ceiling by name, as values (split,) over sites; trials (image, site, repeat).

    internal_consistency
        Reliability c. The square of a score divided by it is `ratio_squared`.
    internal_consistency_bound
        sqrt(c), c being the mean over splits, which every split repeats: the correlation of a
        perfect model. The square of a score divided by it is `variance_over_reliability`.
    """
    reliability = median_over_sites(internal_consistency(trials, n_splits, seed))
    bound = np.sqrt(np.clip(reliability.mean(), 0, None))
    return {
        "internal_consistency": reliability,
        "internal_consistency_bound": np.full(n_splits, bound),
    }
