"""Ridge regression of big recordings: penalty and layer are chosen on left-out training images.

Of every split, one eigendecomposition of the training images' features gives the fit for every penalty
and site, and the exact error on every training image that is left out (see
`itcortex.regression.ridge_spectral`): no fold within the training images is needed, and no image of the
split has a say. Images of one picture, and the positions of an image on a grid, are left out together.

A layer's inner score is on the scale of r: with q the share of the left-out images' variance that a
site's penalty explains beyond the mean of the other images, it is the median over sites of
sign(q) sqrt(|q|).
"""

from collections.abc import Sequence

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.folds import Division
from itcortex.mappings.layer_scores import LayerPredictions
from itcortex.numerics.metrics import median_over_sites
from itcortex.numerics.resample import resize_maps
from itcortex.regression.pca import MOST
from itcortex.regression.ridge import PENALTIES
from itcortex.regression.ridge_spectral import HeldOutFits, Share, SpectralRidge


def fit_layer(
    maps: np.ndarray,
    responses: Sequence[np.ndarray],
    division: Division,
    penalties: Sequence[float] = PENALTIES,
    *,
    dtype: str = "float64",
    device: str = "cpu",
    seed: int = 0,
    pca: int | str | None = None,
) -> LayerPredictions:
    """Ridge regression from one layer to every site on every split, for several targets at once.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
        Resampled to the grid of the responses; without a grid every cell of every channel counts.
    responses : targets, each a float64 array (image, y, x, site)
        An array (target, image, y, x, site), or what makes one target at a time.
    division : Division
        Any: images may be tested once, several times or never. Only training images of a split are seen
        by its fit.
    penalties : sequence of float
        Positive and ascending, in units of the training images' mean eigenvalue.
    dtype : 'float64' or 'float32'
        Precision of products and eigenvectors.
    device : 'cpu' or a torch device
    seed : int
        Draws the left-out images where there are very many.
    pca : int, "auto" or None
        Principal components of a split's training images that are the features, at most (`"auto"`:
        `itcortex.regression.pca.MOST`). None takes the features themselves.

    Predictions of an image that several splits test are their mean; of one that none tests, NaN.
    """
    n_images, gy, gx, n_sites = responses[0].shape
    n_positions = gy * gx
    shares = [
        Share(_rows(split.train, n_positions), _rows(split.test, n_positions))
        for split in division.splits
    ]
    fits = HeldOutFits(
        _features(maps, (gy, gx)),
        penalties,
        groups=np.repeat(_pictures(division), n_positions),
        seed=seed,
        dtype=dtype,
        device=device,
        shares=shares,
        components=MOST if pca == "auto" else pca,
    )
    shape = (len(responses), len(division), n_sites)
    metrics = {name: np.full(shape, np.nan) for name in division.kinds.scores}
    chosen, at_edge = np.full(shape, np.nan), np.zeros(shape, bool)
    inner = np.full((len(division), len(division) + 1), np.nan)
    total, count = np.zeros((n_images * n_positions, n_sites), np.float32), np.zeros(n_images)
    targets = _Flat(responses)
    for found in fits.fit(targets, shares):
        test, place = division.splits[found.share].test, (found.target, found.share)
        recorded = targets[found.target][shares[found.share].test]
        for name, values in division.kinds.score(recorded, found.predictions, test).items():
            metrics[name][place] = values
        chosen[place], at_edge[place] = found.choice.penalties, found.choice.at_edge
        if found.target == 0:
            total[shares[found.share].test] += found.predictions
            count[test] += 1
            explained = found.choice.explained
            score = median_over_sites(np.sign(explained) * np.sqrt(np.abs(explained)))
            inner[found.share, np.arange(inner.shape[1]) != found.share] = score
    predictions = total.reshape(n_images, gy, gx, n_sites)
    predictions[count == 0] = np.nan
    predictions /= np.maximum(count, 1)[:, None, None, None]
    return LayerPredictions(
        metrics, inner, predictions, penalties=chosen, at_edge=at_edge,
        dimensionality=fits.dimensionality,
    )  # fmt: skip


def fit_all(
    maps: np.ndarray,
    responses: np.ndarray,
    groups: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
) -> SpectralRidge:
    """Ridge regression on all images: responses (image, y, x, site); images of a group (image,) are one.

    Maps and penalties as of `fit_layer`, in float64.
    """
    _, gy, gx, n_sites = responses.shape
    rows = np.repeat(np.unique(groups, return_inverse=True)[1], gy * gx)
    fits = HeldOutFits(_features(maps, (gy, gx)), penalties, groups=rows)
    return fits.fit_all(responses.reshape(-1, n_sites))


class _Flat(Sequence):
    """Targets as arrays (sample, site), one at a time."""

    def __init__(self, responses: Sequence[np.ndarray]):
        self._responses = responses

    def __len__(self) -> int:
        return len(self._responses)

    def __getitem__(self, index):
        target = self._responses[index]
        return target.reshape(-1, target.shape[-1])


def _features(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Features (sample, channel), positions of an image one after the other."""
    if grid[0] * grid[1] == 1:
        return maps.reshape(len(maps), -1)
    if maps.ndim != 4:
        raise UserError(
            f"a layer of shape {maps.shape[1:]} has no map: it cannot predict responses on a grid; "
            "name layers with a spatial map"
        )
    return resize_maps(maps, grid).reshape(-1, maps.shape[3])


def _pictures(division: Division) -> np.ndarray:
    """Number of what every image shows (image,)."""
    if not division.pictures:
        return np.arange(division.n_images)
    return np.unique(division.pictures, return_inverse=True)[1]


def _rows(images: np.ndarray, n_positions: int) -> np.ndarray:
    """Samples of some images: their positions, one image after the other."""
    return (images[:, None] * n_positions + np.arange(n_positions)).ravel()
