"""How well the layers of a network have the geometry of recorded RDMs: scores, choice, intervals.

A layer's score is Spearman's rho between its RDM and a subject's over pairs of images, averaged over
subjects. Every number here is one statistic under *weights of images*: a pair (i, j) counts w_i w_j
times.

- The whole set: every w is 1.
- Half of the images: w is 1 in it and 0 outside, so that pairs across halves count for neither.
- A bootstrap draw of images: w is how often an image was drawn. An image is never paired with itself,
  whose dissimilarity of 0 says nothing (Kriegeskorte et al. 2008; Schuett et al., eLife 2023).

Layer choice: the layer that is best within one half of the images is scored within the other half,
both ways, over many random halves. The best layer's score on the images that chose it is reported
beside this and is optimistic.

Within kinds: w is 1 for the images of one kind alone, and rho is averaged over kinds of at least
`FEWEST_IMAGES` images. Pairs of two kinds, which differ in everything, then count for nothing.

Intervals are of the images; subjects are taken as they are, because they are few. They are wide: of
simulated sets of 25 and 92 images, 97 to 100 % of the 95 % intervals held the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.data.rdms import FEWEST_IMAGES, Rdms, n_images_of, upper
from itcortex.errors import UserError
from itcortex.numerics.metrics import mean_defined, pearson
from itcortex.numerics.sampling import percentile_interval
from itcortex.similarity.geometry import rdm

#: A layer's pattern of an image: all its units, or its channels averaged over positions.
PATTERNS = ("map", "pooled")
BLOCK_VALUES = 2**18  # pairs x draws at a time: they stay in the processor's cache
_FEWEST_DRAWN = 4  # different images in a bootstrap draw; with fewer there is little to rank


@dataclass(frozen=True)
class Comparison:
    """Scores of a network's layers with one set of RDMs; `low`, `high` bound 95 % intervals.

    Attributes
    ----------
    rho, low, high, r : float64 arrays (layer,)
        Spearman with its interval over images, and Pearson, on all images.
    chosen : float64 array (layer,)
        Share of the halves for which a layer was chosen.
    held_out : tuple of float
        Score of the chosen layer in the other half, with its interval.
    drawn : float64 array (draw,)
        That score in every draw of images: with the same generator, the same images for every network.
    within_kinds : float64 array (layer,)
        Spearman within kinds of image; `rho` where there is one kind.
    held_out_within_kinds : float
        Score of the chosen layer in the other half, within kinds.
    """

    rho: np.ndarray
    low: np.ndarray
    high: np.ndarray
    r: np.ndarray
    chosen: np.ndarray
    held_out: tuple[float, float, float]
    drawn: np.ndarray
    within_kinds: np.ndarray
    held_out_within_kinds: float


def layer_patterns(maps: np.ndarray) -> dict[str, np.ndarray]:
    """RDM pairs (pair,) of a layer's maps (image, h, w, channel) for each of `PATTERNS`.

    A pattern that does not vary over units has no correlation: its pairs count as uncorrelated (1).
    """
    flat = maps.reshape(len(maps), -1)
    channels = maps.reshape(len(maps), -1, maps.shape[-1]).mean(1, dtype=np.float64)
    patterns = {"map": flat, "pooled": channels}
    return {name: np.nan_to_num(upper(rdm(patterns[name])), nan=1.0) for name in PATTERNS}


def weighted_spearman(
    recorded: np.ndarray,
    predicted: np.ndarray,
    images: np.ndarray,
    pairs: np.ndarray | slice = slice(None),
) -> np.ndarray:
    """Mean over subjects of Spearman's rho (draw, layer); a pair counts as often as its images weigh.

    Parameters
    ----------
    recorded : float64 array (subject, pair)
    predicted : float64 array (layer, pair)
    images : array (draw, image)
        Weights, not negative. Whole numbers give exactly Spearman's rho of the repeated pairs, with
        ties at their mean rank.
    pairs : index of the pairs that are read; those left out must weigh nothing.

    NaN policy as in `itcortex.numerics.metrics`: a layer that does not vary over the pairs of a draw has
    rho 0; a draw over whose pairs a subject does not vary is undefined, NaN.
    """
    first, second = (index[pairs] for index in np.triu_indices(images.shape[1], 1))
    recorded, predicted = recorded[:, pairs], predicted[:, pairs]
    result = np.empty((len(images), len(predicted)))
    width = max(1, BLOCK_VALUES // len(first))
    for start in range(0, len(images), width):
        block = slice(start, start + width)
        drawn = np.ascontiguousarray(images[block].T, dtype=np.float64)
        weight = drawn[first] * drawn[second]
        targets = [_ranks(values, weight) for values in recorded]
        undefined = np.min([norm for _, norm in targets], axis=0) <= 0
        target = np.mean([ranks / np.where(undefined, 1, norm) for ranks, norm in targets], axis=0)
        target *= weight
        for layer, values in enumerate(predicted):
            ranks, norm = _ranks(values, weight)
            covariance = np.einsum("pd,pd->d", ranks, target)
            rho = np.divide(covariance, norm, out=np.zeros_like(norm), where=norm > 0)
            result[block, layer] = np.where(undefined, np.nan, rho)
    return result


def _ranks(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centred ranks (pair, draw) of values (pair,) that are repeated as weighed, and their norms.

    The mean rank of a group of ties is half the weight before it plus half the weight up to its end.
    """
    order = np.argsort(values, kind="stable")
    ends = np.append(np.diff(values[order]) > 0, True)
    total = _cumulative(weight[order])[ends]
    middle = total.copy()
    middle[1:] += total[:-1]
    middle -= total[-1]  # the mean of all ranks
    middle /= 2
    group = np.empty(len(values), int)
    group[order] = np.cumsum(ends) - ends
    ranks = middle[group]
    return ranks, np.sqrt(np.einsum("pd,pd,pd->d", ranks, ranks, weight))


def _cumulative(values: np.ndarray) -> np.ndarray:
    """Cumulative sum along the first axis of (pair, draw): numpy's own took most of a job's time.

    Rows are added up within blocks, all blocks at once, then the blocks' totals are.
    """
    side = int(np.ceil(np.sqrt(len(values))))
    blocks = np.zeros((side, side, values.shape[1]))
    blocks.reshape(-1, values.shape[1])[: len(values)] = values
    for row in range(1, side):
        blocks[:, row] += blocks[:, row - 1]
    blocks[1:] += np.cumsum(blocks[:-1, -1], axis=0)[:, None]
    return blocks.reshape(-1, values.shape[1])[: len(values)]


def random_halves(n_images: int, splits: int, rng: np.random.Generator) -> np.ndarray:
    """Random halves of the images as 0/1 weights (2 x splits, image): each followed by its rest."""
    halves = np.zeros((splits, 2, n_images))
    for split in halves:
        split[0, rng.permutation(n_images)[: n_images // 2]] = 1
        split[1] = 1 - split[0]
    return halves.reshape(-1, n_images)


def bootstrap_images(n_images: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each image was drawn (draw, image); draws of too few different images are redrawn."""
    counts = np.zeros((draws, n_images))
    while (few := (counts > 0).sum(1) < _FEWEST_DRAWN).any():
        counts[few] = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=few.sum())
    return counts


def compare_layers(
    recorded: np.ndarray,
    predicted: np.ndarray,
    splits: int,
    draws: int,
    rng: np.random.Generator,
    level: float = 0.95,
    kinds: Sequence[str] = (),
) -> Comparison:
    """Score all layers' RDMs (layer, pair) with those of subjects (subject, pair); see the module.

    `kinds` has the kind of every image, or nothing where all images are of one.

    The interval of the held-out score resamples images; the layers stay those that were chosen. A
    tie between layers is won by the shallower one. Intervals are percentiles of `draws`, without
    undefined ones. Raises `UserError` for recorded dissimilarities that cannot be ranked.
    """
    n_images = n_images_of(recorded.shape[1])
    if n_images < FEWEST_IMAGES or predicted.shape[1:] != recorded.shape[1:]:
        raise UserError(
            f"rsa: RDMs of {recorded.shape[1]} and {predicted.shape[1]} pairs; give both for the same "
            f"images, {FEWEST_IMAGES} at least"
        )
    halves = random_halves(n_images, splits, rng)
    images = bootstrap_images(n_images, draws, rng)
    by_half = weighted_spearman(recorded, predicted, halves)
    if np.isnan(by_half).any():
        raise UserError(
            "rsa: the recorded dissimilarities of half of the images are all equal and cannot be "
            "ranked; leave this RDM out or give it more images"
        )
    chosen = by_half.argmax(1)
    other = np.arange(len(halves)) ^ 1  # halves stand in pairs
    held_out = by_half[other, chosen]
    resampled = _resample_held_out(recorded, predicted, images, halves[other], chosen)
    whole = weighted_spearman(recorded, predicted, np.ones((1, n_images)))[0]
    drawn = weighted_spearman(recorded, predicted, images)
    low, high = percentile_interval(drawn, level)
    linear = [pearson(recorded.T, layer[:, None]).mean() for layer in predicted]
    share = np.bincount(chosen, minlength=len(predicted)) / len(chosen)
    score = (float(held_out.mean()), *percentile_interval(resampled, level).tolist())
    within, held_out_within = whole, score[0]
    if len(set(kinds)) > 1:
        of_kinds = _weights_of_kinds(kinds)
        within = mean_defined(weighted_spearman(recorded, predicted, of_kinds), axis=0)
        by_kind = [weighted_spearman(recorded, predicted, halves * one) for one in of_kinds]
        held_out_within = float(mean_defined(np.ravel([x[other, chosen] for x in by_kind])))
    return Comparison(
        whole, low, high, np.array(linear), share, score, resampled, within, held_out_within
    )


def _weights_of_kinds(kinds: Sequence[str]) -> np.ndarray:
    """Weights (kind, image), 1 for the images of a kind; kinds of too few images are left out."""
    images_of = {name: [kind == name for kind in kinds] for name in dict.fromkeys(kinds)}
    enough = [images for images in images_of.values() if sum(images) >= FEWEST_IMAGES]
    if not enough:
        raise UserError(
            f"rsa: no kind of image has {FEWEST_IMAGES} images; join kinds, or name none"
        )
    return np.array(enough, float)


def _resample_held_out(
    recorded: np.ndarray,
    predicted: np.ndarray,
    images: np.ndarray,
    halves: np.ndarray,
    chosen: np.ndarray,
) -> np.ndarray:
    """Held-out score (draw,) under bootstrap weights of images (draw, image).

    `halves` (half, image) are those that are scored, `chosen` (half,) the layers that others chose.
    A half of which a draw holds too little is left out of that draw's mean.
    """
    first, second = np.triu_indices(images.shape[1], 1)
    scores = np.empty((len(images), len(halves)))
    for k, (half, layer) in enumerate(zip(halves, chosen, strict=True)):
        inside = np.flatnonzero(half[first] * half[second])
        rho = weighted_spearman(recorded, predicted[[layer]], images * half, inside)
        scores[:, k] = rho[:, 0]
    return mean_defined(scores)


def as_table(
    labels: dict, depths: dict[str, float], comparisons: dict[str, Comparison], rdms: Rdms
) -> pd.DataFrame:
    """One row for each pattern and layer; columns after `final` are of the network, not of the layer.

    `labels` (rdm, model, weights) are repeated; `depths` are the layers in order; `comparisons` by
    pattern.
    """
    rows = []
    for pattern, comparison in comparisons.items():
        held_out, low, high = comparison.held_out
        network = {
            "rho_chosen_held_out": held_out,
            "rho_chosen_held_out_low": low,
            "rho_chosen_held_out_high": high,
            "rho_best_layer": comparison.rho.max(),
            "optimism": comparison.rho.max() - held_out,
            "rho_chosen_held_out_within_kinds": comparison.held_out_within_kinds,
            "n_kinds": len(set(rdms.kinds)),
            "n_images": len(rdms.image_ids),
            "n_subjects": len(set(rdms.subjects)),
        }
        for k, (layer, depth) in enumerate(depths.items()):
            rows.append(
                {**labels, "pattern": pattern, "layer": layer, "depth": depth}
                | {"rho": comparison.rho[k], "rho_low": comparison.low[k]}
                | {"rho_high": comparison.high[k], "r": comparison.r[k]}
                | {"rho_within_kinds": comparison.within_kinds[k]}
                | {"chosen": comparison.chosen[k], "final": k == len(depths) - 1}
                | network
            )
    return pd.DataFrame(rows)


def draws_table(labels: dict, comparisons: dict[str, Comparison]) -> pd.DataFrame:
    """The held-out score in every draw of images: columns of `labels`, pattern, draw and rho.

    Draws of one number are of the same images in all networks, so that differences are paired.
    """
    parts = [
        pd.DataFrame({"draw": np.arange(len(one.drawn)), "rho": one.drawn}).assign(pattern=pattern)
        for pattern, one in comparisons.items()
    ]
    table = pd.concat(parts, ignore_index=True).assign(**labels)
    return table[[*labels, "pattern", "draw", "rho"]]
