"""How well other recordings predict one: fits of a pair, its raw scores, and the ceilings they make.

Which recordings make a pair is said in `itcortex.encoding.recording_pairs`. Responses of shuffled images
are made one target at a time, and scores leave as one table for each target, so that a job holds neither
all targets nor all rows of a big recording.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.recording_pairs import Pairing, mean_responses
from itcortex.encoding.targets import Target, shuffling_of_parts
from itcortex.mappings.folds import Division
from itcortex.mappings.kinds import Kinds
from itcortex.mappings.layer_scores import LayerScores, of_target
from itcortex.numerics.metrics import varies
from itcortex.numerics.resample import pool_maps, resize_maps

SCORES = ["ceiling_name", "mapping", "control", "permutation", "main_window",
          "window_start", "window_stop", "fold", "site"]  # fmt: skip
#: What a score of one pair is a median over sites of.
_OF_MEDIANS = SCORES[:-1]
PENALTIES = ["penalty", "penalty_at_edge"]

Fitter = Callable[[np.ndarray, Sequence[np.ndarray], Division], LayerScores]


@dataclass(frozen=True)
class PairFits:
    """What mappings find in one pair.

    Attributes
    ----------
    pairing : Pairing
    targets : by mapping, the targets that it was fitted to.
    results : by mapping, LayerScores of these targets.
    """

    pairing: Pairing
    targets: dict[str, list[Target]]
    results: dict[str, LayerScores]

    def test_predictions(self) -> dict[str, np.ndarray]:
        """Predictions (image, y, x, site) of the images that are tested, by mapping; main window."""
        tested = self.pairing.division.tested
        return {name: one.predictions[tested] for name, one in self.results.items()}

    def blocks(
        self, labels: dict, site_ids: tuple[str, ...], types: Mapping, kinds: Kinds
    ) -> Iterator[pd.DataFrame]:
        """Raw scores, a table for each mapping and target: labels, `SCORES`, metrics and penalties.

        `types` are those of texts; `kinds` are of the recording's images. Of a kind that a pair does not
        share the score is NaN, so that the tables of all pairs have the same columns.
        """
        columns = [*labels, *SCORES, *kinds.scores, *PENALTIES]
        division = self.pairing.division
        name = self.pairing.ceiling_name
        for mapping, result in self.results.items():
            known = labels | {"ceiling_name": name, "mapping": mapping}
            for number, target in enumerate(self.targets[mapping]):
                table = raw_scores(
                    known, [target], {name: np.nan}, [of_target(result, number)],
                    np.zeros(len(division), dtype=int), division.names, site_ids, types,
                )  # fmt: skip
                yield table.reindex(columns=columns)


class _Ordered(Sequence):
    """Responses (image, y, x, site) of targets, each made when it is asked for."""

    def __init__(self, averages: list[np.ndarray], orders: list[np.ndarray]):
        self._averages, self._orders = averages, orders

    def __len__(self) -> int:
        return len(self._orders)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._averages[index][self._orders[index]]


def features_of(pairing: Pairing, pool: int) -> np.ndarray:
    """Features (image, y, x, feature) of the shared images: z-scored sites of all sources.

    A source's responses to several images of one picture are averaged. Its grid is resampled to the
    target's, as a layer's map is; for a target without a grid every position of every site is a
    feature, after averaging to at most `pool` x `pool` positions. A site that does not vary is 0.
    """
    wanted = [pairing.target.digests[image] for image in pairing.images]
    parts = []
    for source in pairing.sources:
        maps = mean_responses(source, wanted)
        if pairing.target.has_grid:
            maps = resize_maps(maps, pairing.target.grid)
        elif source.has_grid:
            pooled = pool_maps(maps, pool)
            maps = pooled.reshape(len(maps), 1, 1, -1).astype(np.float64)
        flat = maps.reshape(-1, maps.shape[3])
        mean, spread = flat.mean(0), np.where(varies(flat), flat.std(0), np.inf)
        maps -= mean
        maps /= spread
        parts.append(maps)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=3)


def fit_pair(
    pairing: Pairing,
    targets: list[Target],
    responses: Mapping,
    fitters: Mapping[str, Fitter],
    pool: int,
    rng: np.random.Generator,
) -> PairFits:
    """Fit every mapping from the sources' sites to the target's.

    Parameters
    ----------
    pairing : Pairing
        One that is not refused.
    targets : list of Target
        The main window first, then others, and shuffled ones. The first mapping is fitted to all, the
        others to the main window and its shuffled responses.
    responses : float64 arrays (image, y, x, site) of all images of the target by window.
    fitters : functions (maps, responses, division) -> LayerScores, by mapping.
    rng : numpy Generator
        Shuffles the shared images, as for networks: no image keeps the responses to its picture, and
        images that are tested and those that only train are shuffled apart.
    """
    features, division = features_of(pairing, pool), pairing.division
    pictures = division.pictures or tuple(map(str, range(len(pairing.images))))
    orders = [
        pairing.images
        if one.control == "none"
        else pairing.images[shuffling_of_parts(pictures, division.tested, rng)]
        for one in targets
    ]
    of_mapping, results = {}, {}
    for mapping, fit in fitters.items():
        used = [k for k, one in enumerate(targets) if one.main or not results]
        averages = [responses[targets[k].window] for k in used]
        of_mapping[mapping] = [targets[k] for k in used]
        results[mapping] = fit(features, _Ordered(averages, [orders[k] for k in used]), division)
    return PairFits(pairing, of_mapping, results)


def text_types(
    labels: dict, ceiling_names: Iterable[str], mappings: Iterable[str], targets: list[Target],
    folds: Iterable[str], site_ids: Iterable[str],
) -> dict[str, pd.CategoricalDtype]:  # fmt: skip
    """Types of the texts of a recording's raw scores, the same in all its tables."""
    texts = {name: [value] for name, value in labels.items()}
    texts |= {"ceiling_name": ceiling_names, "mapping": mappings, "fold": folds, "site": site_ids}
    texts["control"] = [one.control for one in targets]
    return {name: pd.CategoricalDtype(sorted(set(values))) for name, values in texts.items()}


def no_scores(labels: dict) -> pd.DataFrame:
    """Raw scores of a recording that no other one predicts."""
    return pd.DataFrame(columns=[*labels, *SCORES, "r"])


def medians(blocks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Median over sites of r by what a score is of (`SCORES` without site), of raw scores in blocks.

    A block holds all sites of what it holds, as `PairFits.blocks` makes it.
    """
    parts = [
        block.groupby(_OF_MEDIANS, observed=True, sort=False, dropna=False)["r"].median()
        for block in blocks
        if len(block)
    ]
    if not parts:
        return pd.DataFrame(columns=[*_OF_MEDIANS, "r"])
    texts = ["ceiling_name", "mapping", "control", "fold"]
    tables = [part.reset_index().astype(dict.fromkeys(texts, str)) for part in parts]
    return pd.concat(tables, ignore_index=True)


def as_ceilings(
    scores: pd.DataFrame, mapping: str, windows: Sequence, folds: tuple[str, ...]
) -> tuple[list[dict], list[dict]]:
    """Ceilings (fold,) by name: of every window, and by chance of every permutation.

    `scores` are `medians` over sites of r: with this mapping one is a ceiling, as it is a network's
    score; NaN in folds that hold no shared image.
    """
    rows = scores[scores["mapping"] == mapping]
    real = rows[rows["control"] == "none"]
    estimates = []
    for window in windows:
        start = real["window_start"]
        of_window = real[start.isna() if window is None else
                         (start == window[0]) & (real["window_stop"] == window[1])]  # fmt: skip
        estimates.append(_by_ceiling(of_window, folds))
    control = rows[rows["control"] != "none"]
    by_chance = [_by_ceiling(some, folds) for _, some in control.groupby("permutation")]
    return estimates, by_chance


def _by_ceiling(rows: pd.DataFrame, folds: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {
        str(name): some.set_index("fold")["r"].reindex(list(folds)).to_numpy(float)
        for name, some in rows.groupby("ceiling_name", sort=False)
    }
