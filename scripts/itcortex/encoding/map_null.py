"""Could smooth maps look this much alike by chance? Null distributions of map alignment.

Maps of activity are smooth: neighbouring positions tell much the same, and shuffling positions, which
treats them as independent, calls far too many maps aligned. Both nulls here keep the smoothness
of the predicted map and break only where its hills and valleys are:

* *shift*: the map is moved around a torus; values keep their neighbours.
* *phase*: the map's amplitude spectrum with the phases of white noise (Theiler et al. 1992,
  doi:10.1016/0167-2789(92)90102-S).

A map that is cut out of a larger scene does not close into a torus: the seam takes its slow gradients
away from the surrogates, and the test becomes liberal (6 to 21 % of unrelated smooth maps at
p <= .05). Therefore the map is first continued by its mirror images, which leaves no seam, and
surrogates are cut out of that: 3 to 8 % of the same maps.
"""

from dataclasses import dataclass

import numpy as np

from itcortex.numerics.metrics import varies
from itcortex.numerics.ranks import rankdata
from itcortex.numerics.resample import resize_maps

#: Correlations this close are ties: they differ by rounding only.
_TIE = 1e-12


@dataclass(frozen=True)
class AlignmentNull:
    """Observed alignment of every image beside what chance gives.

    Attributes
    ----------
    observed : float64 array (image,)
        Spearman rho over positions; NaN where either map does not vary.
    null : float64 array (image, draw)
        The same for surrogates of the predicted map; NaN where `observed` is.
    p : float64 array (image,)
        (1 + draws with at least the observed rho) / (1 + draws), one-sided; NaN likewise.
    """

    observed: np.ndarray
    null: np.ndarray
    p: np.ndarray


def reduced_size(grid: tuple[int, int], scale: int) -> tuple[int, int]:
    """Cells of a grid whose sides are divided by `scale`: at least 2 along each axis."""
    return tuple(max(2, round(side / scale)) for side in grid)


def shifted_maps(values: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Maps (draw, y, x) of one map (y, x) moved around a torus, never by zero.

    All y * x - 1 shifts, each once, where that is no more than `draws`; else `draws` different ones.
    """
    n_shifts = values.size - 1
    chosen = np.arange(1, n_shifts + 1)
    if draws < n_shifts:
        chosen = 1 + rng.choice(n_shifts, draws, replace=False)
    return np.stack(
        [np.roll(values, np.unravel_index(shift, values.shape), (0, 1)) for shift in chosen]
    )


def phase_randomised_maps(values: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Maps (draw, y, x) with the mean and amplitude spectrum of one map (y, x) and random phases."""
    noise = np.fft.fft2(rng.standard_normal((draws, *values.shape)))
    phases = noise / np.abs(noise)  # of real noise: the surrogates come out real
    spectrum = np.fft.fft2(values)
    surrogates = np.abs(spectrum) * phases
    surrogates[:, 0, 0] = spectrum[0, 0]
    return np.fft.ifft2(surrogates).real


SURROGATES = {"shift": shifted_maps, "phase": phase_randomised_maps}


def surrogate_maps(
    values: np.ndarray, draws: int, rng: np.random.Generator, method: str, mirrored: bool
) -> np.ndarray:
    """Surrogates (draw, y, x) of one map (y, x), cut out of its mirrored continuation or its own."""
    if not mirrored:
        return SURROGATES[method](values, draws, rng)
    beside = np.concatenate([values, values[:, ::-1]], axis=1)
    whole = np.concatenate([beside, beside[::-1]])
    return SURROGATES[method](whole, draws, rng)[:, : values.shape[0], : values.shape[1]]


def alignment_null(
    recorded: np.ndarray,
    predicted: np.ndarray,
    scale: int,
    draws: int,
    rng: np.random.Generator,
    method: str = "shift",
    mirrored: bool = True,
) -> AlignmentNull:
    """Null distribution of the Spearman rho between site-averaged recorded and predicted maps.

    Parameters
    ----------
    recorded, predicted : arrays (image, y, x, site)
        For the null of single sites pass one site at a time.
    scale : int
        The grid's side is reduced by this factor, as in
        `itcortex.encoding.map_alignment.map_alignment`. Surrogates are made on the full grid and
        then reduced: a coarse grid has too few shifts of its own.
    draws : int
        Surrogates of each image. Where there are fewer different shifts (4 * y * x - 1 of the
        mirrored map, y * x - 1 of the map alone), each is used once.
    method : "shift" or "phase"
    mirrored : bool
        Make surrogates from the map and its mirror images; False only for maps that are periodic.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    size = reduced_size(recorded.shape[1:3], scale)
    first, second = _site_average(recorded, size), _site_average(predicted, size)
    results = []
    for a, b in zip(first, second, strict=True):
        surrogates = surrogate_maps(b, draws, rng, method, mirrored)
        stacked = np.concatenate([a[None], b[None], surrogates])
        reduced = resize_maps(stacked[..., None], size)
        results.append(_rank_correlations(reduced.reshape(len(reduced), -1)))
    rho = np.array(results)
    observed, null = rho[:, 0], rho[:, 1:]
    exceeding = (null >= observed[:, None] - _TIE).sum(1)
    p = (1 + exceeding) / (1 + null.shape[1])
    return AlignmentNull(observed, null, np.where(np.isfinite(observed), p, np.nan))


def _site_average(values, size):
    """Maps (image, y, x) averaged over sites that were z-scored at the reduced size."""
    reduced = resize_maps(values, size)
    spread = reduced.std((0, 1, 2))
    scaled = np.where(spread > 0, spread, 1.0)
    return ((values - reduced.mean((0, 1, 2))) / scaled).mean(3)


def _rank_correlations(flat):
    """Spearman rho of row 0 of (map, position) with every other row; NaN where 0 or 1 is flat."""
    ranks = rankdata(flat, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    norms = np.sqrt((ranks**2).sum(1))
    if not varies(flat[:2].T).all():
        return np.full(len(flat) - 1, np.nan)
    # a surrogate may be flat on the reduced grid only: it is aligned with nothing
    scale = norms[1:] * norms[0]
    return np.divide(ranks[1:] @ ranks[0], scale, out=np.zeros(len(scale)), where=scale > 0)
