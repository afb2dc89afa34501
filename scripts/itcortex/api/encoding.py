"""Encoding models of one's own arrays: how well features predict responses, and what they could."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from itcortex.api.inputs import as_features, as_recording, joined
from itcortex.api.labelled import as_named, labelled
from itcortex.data.recordings import Recording, window_average
from itcortex.encoding import ceilings, map_alignment
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.fits import Fits
from itcortex.encoding.protocols import RULES
from itcortex.encoding.targets import SHUFFLING, Target, shuffled_targets, stack_targets
from itcortex.errors import UserError, choose
from itcortex.mappings.folds import Division
from itcortex.numerics.resample import pooling
from itcortex.tables import summary as summaries

Window = tuple[float, float]


@dataclass(frozen=True, repr=False)
class Predictivity:
    """What `predictivity` found.

    Attributes
    ----------
    summary : DataFrame
        One row for each mapping (and for the control): mean over folds of the median over sites at the
        layers that were chosen without the test images (`r`, `rho`, `explained_variance`), the 95 %
        bootstrap interval over folds and sites (`r_low`, `r_high`), and the layer that was chosen most
        often. The columns are those of the workflow's table `summary`.
    folds : DataFrame
        One row for each mapping, layer and fold: medians over sites.
    sites : DataFrame
        One row for each mapping, layer, fold and site.
    predictions : float32 array (image, site) or (image, y, x, site), or None
        Held-out predictions of the first mapping, by the layers chosen for each fold; None for mappings
        that predict no site (rsa, cka, reverse).
    """

    summary: pd.DataFrame
    folds: pd.DataFrame
    sites: pd.DataFrame
    predictions: np.ndarray | None

    @property
    def r(self) -> float:
        """Pearson r of the first mapping on the responses as they are."""
        return float(self.summary["r"].iloc[0])

    def __repr__(self) -> str:
        """The summary."""
        return self.summary.to_string(index=False)

    def _repr_html_(self) -> str:
        return self.summary.to_html(index=False)


def predictivity(
    features: Any,
    responses: Any,
    *,
    groups: Sequence | None = None,
    kinds: Sequence | None = None,
    mapping: str | Sequence[str] = "pls",
    window: Window | None = None,
    folds: str | int = 10,
    components: int = 25,
    rule: str = "exact",
    protocol: str = "corrected",
    pool: int = 7,
    permutations: int = 0,
    ceiling: pd.DataFrame | None = None,
    draws: int = 1000,
    seed: int = 0,
    labels: Mapping[str, str] | None = None,
) -> Predictivity:
    """How well a network's features predict responses to images that the fit has not seen.

    Every layer is fitted on all folds but one and predicts the responses of that one. The layer of a
    fold is chosen on the other folds (nested cross-validation), so that no test image has a say in it.
    The score is the mean over folds of the median over sites of Pearson's r between predicted and
    recorded responses.

    Parameters
    ----------
    features : array, DataFrame, DataArray, dict of these by layer, or Features
        (image, channel), or maps (image, row, column, channel). With a grid of responses maps are
        resampled to the grid; without one they are averaged to `pool` x `pool` cells, each a feature.
    responses : array, DataFrame, DataArray or Recording
        (image, site), or (image, y, x, site) on a grid of positions; in any unit, averaged over repeats.
        Where features and responses name their images, they are joined by name, else by position.
    groups : (image,) labels, optional
        What every image shows; images of one group are held out together.
    kinds : (image,) labels, optional
        Kinds of image, for `r_within_kinds`, the mean over kinds of r within one kind.
    mapping : str or list of str
        ``"pls"`` (the paper), ``"ridge"``, ``"rsa"``, ``"cka"`` or ``"reverse"``.
    window : (start, stop), optional
        ms after stimulus onset, for a Recording with a time axis.
    folds : int or "image"
        Number of folds, drawn by `seed`, or ``"image"`` for one fold an image (the paper, on grids).
    components : int
        PLS components, at most.
    rule : str
        Inner loop of PLS: ``"exact"``, ``"nipals_1e-4"`` or ``"nipals_1e-6"``.
    protocol : str
        ``"corrected"`` or ``"reference"``, the authors' evaluation.
    pool : int
        Cells a side for responses without a grid.
    permutations : int
        Number of shuffles of the images for the control (`p_shuffled`); 0: none.
    ceiling : DataFrame, optional
        What `noise_ceiling` gave for these responses: adds `ceiling` and `r_over_ceiling`, which is
        above 1 where the ceiling is no upper bound (`population`, few sites): then it is no percentage.
    draws : int
        Bootstrap draws of the intervals.
    seed : int
        Seed of folds, shuffles and draws.
    labels : dict, optional
        `recording`, `model` and `weights` for the frames' columns.

    Returns
    -------
    Predictivity
        Frames `summary`, `folds` and `sites`, and the held-out `predictions`.

    Raises
    ------
    UserError
        For arrays that do not fit together, values that are not finite, and folds that leave too few
        samples for a correlation.

    Notes
    -----
    The numbers are those of the workflow's rule `fit_encoding`: it is the same code. Linear predictivity
    is no test of mechanism: a network with enough features predicts much that it does not share.

    References
    ----------
    Linsley et al. (2023), arXiv:2306.03779; Schrimpf et al. (2018), doi:10.1101/407007.

    Examples
    --------
    Sites that read two of a layer's channels, and a layer that knows nothing of them:

    >>> import numpy as np, itcortex
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.standard_normal((60, 8))
    >>> sites = layer[:, :2] + 0.1 * rng.standard_normal((60, 2))
    >>> found = itcortex.predictivity(
    ...     {"other": rng.standard_normal((60, 8)), "layer": layer}, sites, folds=5, components=4
    ... )
    >>> found.summary["layer"].item(), bool(found.r > 0.9)
    ('layer', True)
    """
    names = [mapping] if isinstance(mapping, str) else list(mapping)
    labels = {"recording": "responses", "model": "features", "weights": ""} | dict(labels or {})
    layers = as_features(features)
    recording, named = as_recording(responses, None, groups, kinds)
    images = joined(layers, recording, named)
    division = _divided(recording, protocol, folds, seed)
    fits, read, rng = _fitted(
        layers, (recording, images), division, names, window, components, rule, protocol, pool, seed
    )
    if permutations:
        shuffled = shuffled_targets(Target(window, main=True), permutations)
        fits.add_control(shuffled, stack_targets(recording, shuffled, rng), division, read)
    sites = fits.table(labels, layers.depths, division.names, recording.site_ids)
    table = summaries.over_folds(sites, draws, np.random.default_rng(seed))
    if ceiling is not None:
        known = ceiling.assign(
            recording=labels["recording"],
            window_start=(window or (np.nan,))[0],
            window_stop=(window or (np.nan,))[-1],
        )
        table = summaries.add_ceilings(table, known)
    predictions = None
    if names[0] in summaries.SITEWISE:
        _, predictions = fits.main_predictions(division)
        predictions = predictions if recording.has_grid else predictions[:, 0, 0]
    return Predictivity(table, summaries.over_sites(sites), sites, predictions)


def choose_layer(
    features: Any,
    responses: Any,
    *,
    groups: Sequence | None = None,
    mapping: str = "pls",
    window: Window | None = None,
    folds: str | int = 10,
    components: int = 25,
    rule: str = "exact",
    pool: int = 7,
    seed: int = 0,
) -> pd.DataFrame:
    """The layer that predicts best, chosen for every fold without that fold's images.

    For fold i and every other fold j, models that were fitted without both are scored on j; the layer
    with the highest mean over j is chosen for i, the shallower one in a tie.

    Parameters
    ----------
    features, responses, groups, mapping, window, folds, components, rule, pool, seed
        As in `predictivity`.

    Returns
    -------
    DataFrame
        One row for each fold and layer: `fold`, `layer`, `depth`, `r` (mean inner score, of the median
        over sites) and `chosen`.

    Raises
    ------
    UserError
        As `predictivity`; also if no inner score of any layer is defined.

    Examples
    --------
    >>> import numpy as np, itcortex
    >>> rng = np.random.default_rng(0)
    >>> early, late = rng.standard_normal((2, 60, 8))
    >>> scores = itcortex.choose_layer({"early": early, "late": late}, late[:, :3], folds=5)
    >>> scores.loc[scores.chosen, "layer"].tolist()
    ['late', 'late', 'late', 'late', 'late']
    """
    layers = as_features(features)
    recording, named = as_recording(responses, None, groups)
    images = joined(layers, recording, named)
    division = _divided(recording, "corrected", folds, seed)
    fits, _, _ = _fitted(
        layers, (recording, images), division, [mapping], window, components, rule, "corrected", pool,
        seed,
    )  # fmt: skip
    chosen = fits.chosen(mapping)
    rows = [
        {
            "fold": name,
            "layer": layer,
            "depth": layers.depths[layer],
            "r": float(np.nanmean(np.delete(result.inner[fold], fold))),
            "chosen": bool(chosen[fold] == index),
        }
        for fold, name in enumerate(division.names)
        for index, (layer, result) in enumerate(zip(layers, fits.results[mapping], strict=True))
    ]
    return pd.DataFrame(rows)


def noise_ceiling(
    responses: Any = None,
    *,
    trials: Any = None,
    groups: Sequence | None = None,
    window: Window | None = None,
    folds: str | int = 10,
    splits: int = 100,
    name: str | None = None,
    permutations: int = 0,
    seed: int = 0,
    recording: str = "responses",
) -> pd.DataFrame:
    """Every noise ceiling that responses allow: what a perfect model could score, and by which argument.

    Parameters
    ----------
    responses : as in `predictivity`
        None: the mean over trials.
    trials : array (image, site, repeat) or (image, y, x, site, repeat), optional
        Single trials; NaN marks one that is missing.
    groups, window, folds, seed
        As in `predictivity`; give the same values to both.
    splits : int
        Random halves of the trials.
    name : str, optional
        The ceiling that is marked as `used`; without it ``"split_half_bound"`` where there are trials,
        else ``"population"``.
    permutations : int
        Shuffled recordings whose ceilings give `chance`, `chance_high` and `p`; 0: none.
    recording : str
        Name for the frame's column.

    Returns
    -------
    DataFrame
        One row for each ceiling and fold: `recording`, `ceiling_name`, `window_start`, `window_stop`,
        `fold`, `value`, `used`, `chance`, `chance_high`, `p`. `itcortex.encoding.ceilings` defines every
        ceiling; `population`, `best_pair` and the reliabilities are no upper bounds.

    Raises
    ------
    UserError
        Where the responses have no ceiling of that name, with those that they have.

    References
    ----------
    Spearman (1910), Brown (1910) for split halves; Linsley et al. (2023) for `best_pair`.

    Examples
    --------
    Four repeats whose noise is as large as the signal: the mean of four has a reliability of 4 / 5, and
    a perfect model reaches its square root, 0.89.

    >>> import numpy as np, itcortex
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.standard_normal((2000, 3, 1))
    >>> trials = signal + rng.standard_normal((2000, 3, 4))
    >>> table = itcortex.noise_ceiling(trials=trials, splits=20)
    >>> round(float(table.loc[table.used, "value"].mean()), 2)
    0.89
    """
    recorded, _ = as_recording(responses, trials, groups)
    division = _divided(recorded, "corrected", folds, seed)
    fold_of = division.fold_of
    if name is None:
        name = "population" if recorded.trials is None else "split_half_bound"
    found = ceilings.estimate_ceilings(
        recorded, window, fold_of, splits, np.random.default_rng(seed)
    )
    if not found:
        raise UserError(
            "noise_ceiling: one site without single trials and without images that were shown twice has "
            "no ceiling; give `trials`, or more sites"
        )
    rng = np.random.default_rng([seed, SHUFFLING])
    main = ceilings.of_window(recorded, window)
    by_chance = [
        ceilings.estimate_ceilings(ceilings.shuffled(main, rng), None, fold_of, min(splits, 5), rng)
        for _ in range(permutations)
    ]
    return ceilings.as_table(recording, [window], [found], division.names, name, by_chance)


def align_maps(
    recorded: Any,
    predicted: Any,
    *,
    window: Window | None = None,
    method: str = "shift",
    draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Do predicted and recorded maps of activity over an image look alike, beyond their smoothness?

    Spearman's rho over the positions of the grid, at the grid's full, half and quarter size, and the
    share of smooth surrogate maps that align as well.

    Parameters
    ----------
    recorded : array, DataArray or Recording (image, y, x, site)
    predicted : array or Recording (image, y, x, site)
        Such as `Predictivity.predictions`.
    window : (start, stop), optional
        ms, for a Recording with a time axis.
    method : str
        Surrogates: ``"shift"`` (circular) or ``"phase"`` (randomised).
    draws : int
        Surrogates for each image.
    seed : int

    Returns
    -------
    DataFrame
        One row for each image, scale and site: `image`, `scale`, `site`, `rho`, `p`, `null_high`,
        `has_power`. `site` is ``"average"`` for the maps averaged over z-scored sites, which alone have
        a p value; ``"reference"`` holds the authors' numbers.

    Raises
    ------
    UserError
        For responses without a grid, and arrays of different shapes.

    Examples
    --------
    >>> import numpy as np, itcortex
    >>> maps = np.random.default_rng(0).standard_normal((2, 9, 9, 3))
    >>> table = itcortex.align_maps(maps, maps, draws=50)
    >>> table[(table.site == "average") & (table.scale == 1)].rho.tolist()
    [1.0, 1.0]
    """
    recording, named = as_recording(recorded)
    if not recording.has_grid:
        raise UserError("align_maps: the responses have no grid of positions, and so no map")
    average = window_average(recording, window)
    if isinstance(predicted, Recording):
        values, images, sites = (
            predicted.responses[:, :, :, 0],
            predicted.image_ids,
            predicted.site_ids,
        )
    else:
        values, images, sites = labelled(predicted, "predicted")
    if named:
        values = as_named(values, images, recording.image_ids, 0, "predicted: their images")
    if sorted(sites or ()) == sorted(recording.site_ids):
        values = as_named(values, sites, recording.site_ids, -1, "predicted: their sites")
    if values.shape != average.shape:
        raise UserError(f"align_maps: predicted {values.shape} do not fit recorded {average.shape}")
    null = map_alignment.Null(method, draws, np.random.default_rng(seed))
    return map_alignment.alignment_table(
        average, values, recording.image_ids, recording.site_ids, null
    )


def _divided(recording: Recording, protocol: str, folds: str | int, seed: int) -> Division:
    choose(protocol, ["corrected", "reference"], "protocol")
    return DIVISIONS[protocol](recording, folds, seed)


def _fitted(layers, recorded, division, mappings, window, components, rule, protocol, pool, seed):
    """Layers fitted as rule fit_encoding does; how maps are read; the generator of shuffles."""
    recording, images = recorded
    choose(rule, RULES, "rule")
    reduce = pooling(recording.has_grid, pool)

    def read(layer: str) -> np.ndarray:
        maps = layers[layer] if reduce is None else reduce(layers[layer])
        return maps[images]

    targets = [Target(window, main=True)]
    rng = np.random.default_rng([seed, SHUFFLING])
    responses = stack_targets(recording, targets, rng)
    fits = Fits(mappings, protocol, targets, components, rule, seed)
    for layer in layers:
        fits.add(layer, read(layer), responses, division)
    return fits, read, rng
