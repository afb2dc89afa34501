"""The protocol `reference`: the numbers of the authors' code, each of its choices a named switch.

Linsley et al. (2023) published their evaluation as serre-lab/neural_harmonizer. What it does beside
the paper's text is switched on here one by one; with all switches off what remains is
`itcortex.mappings.pls.fit_layer`. Differences that cannot move a score have no switch: predictions
without the training mean (a constant per site and fold) and a misplaced bracket in the min-max
scaling of the ceiling. Not carried over: the fixed count of 14 images.
"""

from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings import folds, layer_scores, pls
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.numerics.metrics import predictivity, spearman, varies
from itcortex.numerics.resample import bilinear, resize_maps
from itcortex.regression.pls_rules import Exact, Nipals

_MANY_CHANNELS = 600

#: The authors reduce the grid by these factors before they compare maps.
ALIGNMENT_SCALES = (1, 4)


@dataclass(frozen=True)
class ReferenceSwitches:
    """What the authors' evaluation does beside the paper's text; every switch can be turned off.

    Attributes
    ----------
    average_channels : bool
        Beyond 600 channels, means over runs of 3 neighbouring ones, of 4 where 3 does not divide.
    whole_cells : bool
        Maps larger than the grid: means over blocks of whole cells, whose sizes differ; off: over
        exact fractional cells.
    last_channel_zero : bool
        Maps no larger than the grid: the last channel stays 0.
    scale_images : bool
        Features of an image scaled to [0, 1] with its own range over positions and channels, test
        images included.
    tolerance : float or None
        Where the inner loop of PLS stops, before it has converged; None: the exact rule.
    layer_from_test_images : bool
        The layer with the best score on the test images is reported; off: nested choice.
    """

    average_channels: bool = True
    whole_cells: bool = True
    last_channel_zero: bool = True
    scale_images: bool = True
    tolerance: float | None = 1e-4
    layer_from_test_images: bool = True


REFERENCE = ReferenceSwitches()


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    n_components: int = 25,
    switches: ReferenceSwitches = REFERENCE,
    nested: bool = True,
    kinds: Kinds = ONE_KIND,
) -> layer_scores.LayerPredictions:
    """Cross-validated PLS from one layer to every site as the authors run it.

    Parameters
    ----------
    maps : array (image, h, w, channel)
    responses : float64 array (target, image, y, x, site)
        On a grid; the order of sites matters where the rule is not exact.
    fold_of : int array (image,)
    n_components : int
        The authors' 25 are fixed.
    switches : ReferenceSwitches
    nested, kinds
        As in `itcortex.mappings.pls.fit_layer`.
    """
    grid = responses.shape[2:4]
    features = resampled_features(maps, grid, switches)
    rule = Exact() if switches.tolerance is None else Nipals(switches.tolerance)
    return pls.fit_layer(features, responses, fold_of, n_components, nested, rule, kinds)


def resampled_features(
    maps: np.ndarray, grid: tuple[int, int], switches: ReferenceSwitches = REFERENCE
) -> np.ndarray:
    """Features at the positions of a grid, float64 (image, gy, gx, channel).

    Raises `UserError` for maps or grids that are not square, which the authors' code does not know,
    for channels that cannot be averaged in runs, and for images without any variation to scale.
    """
    if maps.ndim != 4 or len(set(maps.shape[1:3])) > 1 or grid[0] != grid[1] or grid[0] < 2:
        raise UserError(
            f"protocol: reference: a layer of shape {maps.shape[1:]} for a grid of {grid}: square "
            "maps and grids only; choose protocol: corrected"
        )
    if switches.average_channels and maps.shape[3] > _MANY_CHANNELS:
        maps = channel_means(maps)
    if maps.shape[1] > grid[0]:
        features = block_means(maps, grid[0]) if switches.whole_cells else resize_maps(maps, grid)
    else:
        features = resize_maps(maps, grid)
        if switches.last_channel_zero:
            features[..., -1 if maps.shape[3] > 3 else slice(None)] = 0
    return image_scaled(features) if switches.scale_images else features


def channel_means(maps: np.ndarray) -> np.ndarray:
    """Means over runs of 3 neighbouring channels of maps (image, h, w, channel), else of 4."""
    n_channels = maps.shape[3]
    run = next((length for length in (3, 4) if n_channels % length == 0), None)
    if run is None:
        raise UserError(
            f"protocol: reference: {n_channels} channels: over {_MANY_CHANNELS} are averaged in "
            "runs of 3 or 4, which do not divide this number; choose other layers or "
            "protocol: corrected"
        )
    return maps.reshape(*maps.shape[:3], n_channels // run, run).mean(-1)


def block_means(maps: np.ndarray, side: int) -> np.ndarray:
    """Means over side x side blocks of whole cells of square maps (image, h, h, channel).

    Blocks begin where exact ones do, rounded down: a cell that two of them share goes to the later.
    """
    starts = [int(i * maps.shape[1] / float(side)) for i in range(side)]
    sizes = np.diff([*starts, maps.shape[1]]).astype(float)
    sums = np.add.reduceat(maps, starts, axis=1, dtype=np.float64)
    sums = np.add.reduceat(sums, starts, axis=2)
    return sums / np.outer(sizes, sizes)[None, :, :, None]


def image_scaled(features: np.ndarray) -> np.ndarray:
    """Every image's features (image, gy, gx, channel) moved and scaled to [0, 1] as one."""
    low = features.min((1, 2, 3), keepdims=True)
    span = features.max((1, 2, 3), keepdims=True) - low
    if not (span > 0).all():
        flat = np.flatnonzero(~(span > 0)).tolist()
        raise UserError(
            f"protocol: reference: images number {flat[:5]} of {len(features)} have one value or "
            "NaN all over a layer, which cannot be scaled to [0, 1]; leave the layer out"
        )
    return (features - low) / span


def best_layer(results: list[layer_scores.LayerScores]) -> np.ndarray:
    """Layer (fold,) with the best score on the test images, the same for every fold."""
    scores = np.array([predictivity(result.metrics["r"][0]) for result in results])
    if not np.isfinite(scores).any():
        raise UserError("no layer has a defined score: do the responses vary within folds?")
    return np.full(len(results[0].inner), np.nanargmax(scores))


def choose_layers(
    results: list[layer_scores.LayerScores], switches: ReferenceSwitches = REFERENCE
) -> np.ndarray:
    """Layer (fold,) that counts for every fold: `best_layer`, or the nested choice."""
    if switches.layer_from_test_images:
        return best_layer(results)
    return folds.choose_layers(np.stack([result.inner for result in results]))


def map_alignment(recorded: np.ndarray, predicted: np.ndarray) -> dict[int, np.ndarray]:
    """Spearman rho (image,) between site means of two sets of maps (image, y, x, site), by scale.

    Raw responses are averaged over sites, so that sites with large responses count most. A quarter of
    the grid is read off by bilinear interpolation between two of every four cells along each axis;
    nothing is averaged. NaN where a quarter of the grid has fewer than two cells along an axis.
    """
    means = [values.mean(3, dtype=np.float64) for values in (recorded, predicted)]
    rho = {}
    for scale in ALIGNMENT_SCALES:
        side = recorded.shape[1] // scale
        if side < 2:
            rho[scale] = np.full(len(recorded), np.nan)
            continue
        up_y, up_x = (bilinear(length, side) for length in recorded.shape[1:3])
        reduced = [np.einsum("ah,ihw,bw->abi", up_y, maps, up_x) for maps in means]
        rho[scale] = spearman(*(maps.reshape(side**2, -1) for maps in reduced))
    return rho


def ceiling_best_pair(responses: np.ndarray) -> np.ndarray:
    """The authors' ceiling (image,) of responses (image, y, x, site): their mean is the number.

    The last site is left out; two sites' maps are correlated along x for every y and these rows
    averaged; the best pair counts, and 0 where all pairs are negative; pairs with a row without
    variation are left out. It is no upper bound: two noisy sites correlate less with each other than
    with a good model, and the best of many pairs of pure noise is far above 0.
    """
    n_images, _, _, n_sites = responses.shape
    if n_sites < 3 or responses.shape[2] < 3:
        raise UserError(
            f"ceiling best_pair, protocol: reference: needs 3 sites and 3 positions along x, got "
            f"{n_sites} and {responses.shape[2]}; choose another ceiling"
        )
    upper = np.triu_indices(n_sites - 1, 1)
    best = np.empty(n_images)
    for index, maps in enumerate(responses[..., :-1].astype(np.float64)):
        centred = maps - maps.mean(1, keepdims=True)
        norms = np.sqrt((centred**2).sum(1, keepdims=True))
        constant = ~np.stack([varies(row) for row in maps])[:, None]
        unit = np.divide(centred, norms, out=np.zeros_like(maps), where=norms > 0)
        unit[np.broadcast_to(constant, unit.shape)] = np.nan
        pairs = np.einsum("yxi,yxj->yij", unit, unit).mean(0)[upper]
        best[index] = np.fmax.reduce(pairs, initial=0.0)
    return best
