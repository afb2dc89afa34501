"""Noise ceilings, each under its own name: what a perfect model could score, and by which argument.

population
    Each site's map predicted from the other sites of the array, on the same folds as the models.
best_pair, best_pair_reference
    The highest correlation between the maps of any two sites (Linsley et al. 2023), and the same as
    the authors' code computes it (row by row, without the last site). A maximum over many noisy
    values: pure noise gives about .18 on a 17 x 17 and .36 on a 9 x 9 grid. It is also no upper bound,
    because two noisy sites correlate less with each other than either with a model without noise.
split_half
    How alike the means of two halves of the trials are, corrected to all trials (Spearman-Brown, also
    for unequal numbers of repeats): the reliability of the repeat-averaged response.
split_half_bound
    Square root of split_half: the highest correlation that a perfect model can have with the
    repeat-averaged response, whose noise it cannot predict.
twin_images, twin_images_bound
    Where images were shown under two names (twins, see `itcortex.data.stimuli`): the correlation
    between the responses to the two, which is the test-retest reliability of a response, and its
    square root, the highest correlation that a perfect model can have with it.
stated_reliability, stated_reliability_bound
    The reliability of each site that the file of a recording of means states, and its square root.
truth
    Correlation of recorded with noise-free responses; known for simulated recordings only.
recording:NAME, other_recordings
    What the sites of other recordings predict (see `itcortex.encoding.recording_pairs`).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from itcortex.data.recordings import Recording, trial_average, window_average
from itcortex.encoding.recording_pairs import is_of_recordings
from itcortex.encoding.reliability import split_half
from itcortex.errors import UserError, nearest
from itcortex.mappings import reference
from itcortex.numerics.metrics import mean_defined, median_over_sites, pearson

_log = logging.getLogger(__name__)

#: Ceilings that are no upper bound, and why not. The others are: a model without error reaches them.
NO_BOUND = {
    "population": "what the other sites of the array predict; a good model can score more",
    "best_pair": "the best of many pairs of noisy sites; a good model can score more",
    "best_pair_reference": "the best of many pairs of noisy sites; a good model can score more",
    "split_half": "a reliability; a perfect model reaches its square root",
    "twin_images": "a reliability; a perfect model reaches its square root",
    "internal_consistency": "a reliability; a perfect model reaches its square root",
    "stated_reliability": "a reliability; a perfect model reaches its square root",
}
_OTHER_RECORDING = (
    "what the sites of another recording predict; a good model can score more, and sessions of one "
    "animal share its brain: they are an optimistic ceiling for another animal"
)
#: With fewer pairs of twins there is no ceiling of theirs.
FEWEST_TWINS = 10
#: With fewer sites, what sites predict of each other says little about what can be predicted.
FEW_SITES = 10
#: With more sites their correlations do not fit into memory: 4,000 are 128 MB, 20,000 are 3 GB.
MOST_SITES = 4000


def weakness(ceiling_name: str) -> str:
    """Why a ceiling is no upper bound; empty for one that is."""
    if is_of_recordings(ceiling_name):
        return _OTHER_RECORDING
    return NO_BOUND.get(ceiling_name, "")


def population(responses: np.ndarray, fold_of: np.ndarray, ridge: float = 1e-6) -> np.ndarray:
    """Correlation (fold, site) of each site with its linear prediction from the other sites.

    Parameters
    ----------
    responses : float64 array (image, position, site)
    fold_of : int array (image,)
        Negative for images that only train.
    ridge : float
        Added to the sites' correlation matrix, so that duplicated or constant sites do no harm.

    Regression on all other sites comes for every site at once out of the inverse P of the training
    correlation matrix: the weight of site j for site s is -P[s, j] / P[s, s].
    """
    n_sites = responses.shape[2]
    if n_sites < 2:
        raise UserError("ceiling population: needs at least two sites; choose another ceiling")
    result = np.full((fold_of.max() + 1, n_sites), np.nan)
    for fold in range(len(result)):
        train = responses[fold_of != fold].reshape(-1, n_sites)
        test = responses[fold_of == fold].reshape(-1, n_sites)
        mean, scale = train.mean(0), train.std(0)
        scale = np.where(scale > 0, scale, 1.0)
        z = (train - mean) / scale
        precision = np.linalg.inv(z.T @ z / len(z) + ridge * np.eye(n_sites))
        weights = -precision / np.diag(precision)[:, None]
        np.fill_diagonal(weights, 0)
        result[fold] = pearson(test, ((test - mean) / scale) @ weights.T)
    return result


def best_pair(responses: np.ndarray) -> np.ndarray:
    """Highest correlation between any two sites' maps, per image: (image,) from (image, pos, site)."""
    if responses.shape[2] < 2 or responses.shape[1] < 3:
        raise UserError(
            "ceiling best_pair: needs at least two sites and a grid of three positions; "
            "choose another ceiling"
        )
    result = np.empty(len(responses))
    upper = np.triu_indices(responses.shape[2], 1)
    for index, maps in enumerate(responses):
        z = maps - maps.mean(0)
        norms = np.sqrt((z**2).sum(0))
        z = np.divide(z, norms, out=np.zeros_like(z), where=norms > 0)
        result[index] = (z.T @ z)[upper].max()
    return result


def twin_images(responses: np.ndarray, pictures: tuple[str, ...]) -> np.ndarray:
    """Correlation (site,) between the responses to the images of a picture that was shown twice.

    Parameters
    ----------
    responses : float64 array (image, position, site)
    pictures : tuple of str
        What every image shows. Of a picture with more images the first two count.

    Each pair counts in both orders, so that the order of names does not matter (the intraclass
    correlation of Fisher). NaN where there are fewer than `FEWEST_TWINS` pairs.
    """
    images: dict[str, list[int]] = {}
    for index, picture in enumerate(pictures):
        images.setdefault(picture, []).append(index)
    pairs = np.array([members[:2] for members in images.values() if len(members) > 1], int)
    if len(pairs) < FEWEST_TWINS:
        return np.full(responses.shape[2], np.nan)
    first, second = (responses[pairs[:, k]].reshape(-1, responses.shape[2]) for k in (0, 1))
    return pearson(np.concatenate([first, second]), np.concatenate([second, first]))


def truth(responses: np.ndarray, noise_free: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """Correlation (fold, site) of recorded and noise-free responses, both (image, position, site)."""
    n_sites = responses.shape[2]
    return np.array(
        [
            pearson(*(x[fold_of == fold].reshape(-1, n_sites) for x in (responses, noise_free)))
            for fold in range(fold_of.max() + 1)
        ]
    )


def estimate_ceilings(
    recording: Recording,
    window: tuple[float, float] | None,
    fold_of: np.ndarray,
    splits: int,
    rng: np.random.Generator,
    noise_free: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Every ceiling that a recording allows in one window: values (fold,) by name.

    Values are medians over sites. Ceilings that have no folds (split halves) repeat one value.

    Parameters
    ----------
    recording : Recording
    window : (start, stop) in ms, or None for a recording without time
    fold_of : int array (image,)
        Negative for images that are not tested: they train what sites predict of each other, and have
        no say in ceilings of trials and of twins.
    splits : int
        Number of random halves of the trials.
    rng : numpy Generator
        Draws the halves.
    noise_free : float array (image, y, x, site), optional
        Responses without noise, which simulated recordings have.
    """
    n_sites, n_folds = len(recording.site_ids), fold_of.max() + 1
    average = window_average(recording, window)
    flat = average.reshape(len(average), -1, n_sites)
    values = {}
    if n_sites < FEW_SITES:
        _log.warning(
            "%d sites: ceilings that sites give each other (population, best_pair) are far too low with "
            "so few; prefer one of single trials (split_half_bound)", n_sites,
        )  # fmt: skip
    if n_sites > MOST_SITES:
        _log.info(
            "%d sites: the ceiling population is not estimated for more than %d, whose correlations "
            "with each other would not fit into memory", n_sites, MOST_SITES,
        )  # fmt: skip
    if 1 < n_sites <= MOST_SITES:
        values["population"] = median_over_sites(population(flat, fold_of))
        if flat.shape[1] > 2 and n_folds == len(flat):
            order = np.argsort(fold_of)
            values["best_pair"] = best_pair(flat)[order]
            if n_sites > 2 and average.shape[2] > 2:
                values["best_pair_reference"] = reference.ceiling_best_pair(average)[order]
    tested = fold_of >= 0
    if recording.trials is not None:
        trials = trial_average(recording, window)[tested[recording.with_trials]]
        reliability = split_half(trials.reshape(-1, *trials.shape[3:]), splits, rng)
        bound = np.sqrt(np.clip(reliability, 0, None))
        values["split_half"] = np.full(n_folds, median_over_sites(reliability))
        values["split_half_bound"] = np.full(n_folds, median_over_sites(bound))
    if (stated := recording.stated_reliability) is not None:
        bound = np.sqrt(np.clip(stated, 0, None))
        values["stated_reliability"] = np.full(n_folds, median_over_sites(stated))
        values["stated_reliability_bound"] = np.full(n_folds, median_over_sites(bound))
    of_twins = twin_images(flat[tested], tuple(np.array(recording.pictures)[tested]))
    if np.isfinite(of_twins).any():
        bound = np.sqrt(np.clip(of_twins, 0, None))
        values["twin_images"] = np.full(n_folds, median_over_sites(of_twins))
        values["twin_images_bound"] = np.full(n_folds, median_over_sites(bound))
    if noise_free is not None:
        values["truth"] = median_over_sites(truth(flat, noise_free.reshape(flat.shape), fold_of))
    return values


def of_window(recording: Recording, window: tuple[float, float] | None) -> Recording:
    """The recording averaged over one window, as one without a time axis."""
    if not recording.has_time:
        return recording
    trials = None if recording.trials is None else trial_average(recording, window)[:, :, :, None]
    return replace(
        recording, responses=window_average(recording, window)[:, :, :, None], trials=trials
    )


def shuffled(
    recording: Recording, rng: np.random.Generator, tested: np.ndarray | None = None
) -> Recording:
    """The recording with the images of every site, and of every repeat, in an order of their own.

    What is the same for all images, such as the shape of a map that every image evokes, stays. What a
    file states of its sites is known of the real order alone, and goes. Images that are `tested` (mask;
    all, if not given) and the others change places among themselves.
    """
    first = np.ones(len(recording.image_ids), bool) if tested is None else tested

    def permute(values: np.ndarray, first: np.ndarray) -> np.ndarray:
        moved = np.empty_like(values)
        for part in (np.flatnonzero(first), np.flatnonzero(~first)):
            keys = rng.random((len(part), 1, 1, 1, *values.shape[4:]))
            moved[part] = np.take_along_axis(values[part], np.argsort(keys, axis=0), axis=0)
        return moved

    trials, known = recording.trials, first[recording.with_trials]
    trials = None if trials is None else permute(trials, known)
    about = {k: value for k, value in recording.attributes.items() if k != "site_labels"}
    return replace(
        recording, responses=permute(recording.responses, first), trials=trials, attributes=about
    )


def as_table(
    recording: str,
    windows: list[tuple | None],
    estimates: list[dict],
    folds: tuple[str, ...],
    used: str,
    by_chance: Sequence[dict] = (),
    refused: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Tidy table of what `estimate_ceilings` gave in several windows.

    It has one row for each ceiling, window and fold. The column `used` marks the ceiling that scores
    are divided by. `by_chance` are estimates of shuffled recordings (`shuffled`) in the first
    window: its rows get `chance` and `chance_high`, mean and 95 % quantile over them of the mean
    over folds, and `p`, (1 + shuffled recordings with as high a ceiling) / (1 + all). Raises
    `UserError` if the recording has no ceiling of that name, or `refused` says by its name why scores
    cannot be divided by it.
    """
    refused = refused or {}
    if used not in estimates[0] or used in refused:
        why = f": {refused[used]}" if used in refused else ""
        others = [one for one in estimates[0] if one not in refused]
        raise UserError(
            f"config: ceiling: name: recording {recording!r} has no ceiling {used!r} to divide its "
            f"scores by{why}; {nearest(used, others)}"
        )
    chance = {name: _chance(estimates[0], by_chance, name) for name in estimates[0] if by_chance}
    unknown = dict.fromkeys(("chance", "chance_high", "p"), np.nan)
    rows = [
        {
            "recording": recording,
            "ceiling_name": name,
            "window_start": (window or (np.nan,))[0],
            "window_stop": (window or (np.nan,))[-1],
            "fold": fold,
            "value": value,
            "used": name == used,
            **(chance.get(name, unknown) if k == 0 else unknown),
        }
        for k, (window, ceilings) in enumerate(zip(windows, estimates, strict=True))
        for name, values in ceilings.items()
        for fold, value in zip(folds, values, strict=True)
    ]
    return pd.DataFrame(rows)


def _chance(estimates: dict, by_chance: Sequence[dict], name: str) -> dict[str, float]:
    """Mean and upper quantile of a ceiling by chance, and the p value of the real one."""
    real = mean_defined(estimates[name])
    values = np.array([mean_defined(one[name]) for one in by_chance if name in one])
    values = values[np.isfinite(values)]
    if not len(values) or not np.isfinite(real):
        return dict.fromkeys(("chance", "chance_high", "p"), np.nan)
    p = (1 + (values >= real).sum()) / (1 + len(values))
    high = float(np.quantile(values, 0.95))
    return {"chance": float(values.mean()), "chance_high": high, "p": float(p)}
