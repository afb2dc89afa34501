"""Every network on the images that two recordings share, beside what the other recording reaches there.

A network's score over all images of a recording does not compare with what another recording reaches on
the shared ones. So a network's held-out predictions are scored once more, on the shared images of every
fold alone. It was fitted to all training images of the recording, of which the other recording has the
shared ones only. Networks come one after another: none of them stays in memory.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.numerics.image_draws import ImageDraws
from itcortex.numerics.metrics import pearson, predictivity
from itcortex.numerics.sampling import percentile_interval
from itcortex.tables.model_pairs import DIFFERENCE, Sites, drawn_predictivity
from itcortex.tables.recording_pairs import ABOUT
from itcortex.tables.statistics import ONE_TEST

SHARED = [*ONE_TEST, *ABOUT, "model", "weights", "n_images", "n_shared", "n_folds", "n_sites", "r",
          "r_low", "r_high", "ceiling", *DIFFERENCE]  # fmt: skip


def fold_scores(recorded: np.ndarray, predicted: np.ndarray, shared: pd.DataFrame) -> np.ndarray:
    """Pearson r (fold, site) of held-out predictions on the shared images of every fold.

    Parameters
    ----------
    recorded, predicted : arrays (image, y, x, site)
    shared : columns image (index) and fold of one pair; folds are in the order of their names.
    """
    n_sites, found = recorded.shape[3], []
    for _, rows in shared.groupby("fold", observed=True, sort=True):
        images = rows["image"].to_numpy(int)
        both = (x[images].reshape(-1, n_sites).astype(float) for x in (recorded, predicted))
        found.append(pearson(*both))
    return np.array(found)


@dataclass(frozen=True)
class Scored:
    """What predicts the shared images: r (fold, site), and predictivity (draw,) in every draw."""

    r: np.ndarray
    drawn: np.ndarray


@dataclass(frozen=True)
class OnePair:
    """A recording, another one that predicts it, and what networks are compared by.

    Attributes
    ----------
    about : what is known of the pair, with recording, mapping and protocol.
    shared : columns image and fold, of the images that are tested.
    draws : of an interval.
    seed : of the draws, which are the same for all that is compared.
    """

    about: dict
    shared: pd.DataFrame
    draws: int
    seed: tuple[int, ...]

    def of_scores(self, scores: pd.DataFrame) -> Scored:
        """The other recording, from its raw scores (fold, site, r); folds and sites are drawn."""
        table = scores.astype({"fold": str}).pivot(index="fold", columns="site", values="r")
        r = table.sort_index()[list(dict.fromkeys(scores["site"]))].to_numpy(float)
        return Scored(r, self._drawn(r))

    def of_predictions(self, recorded: np.ndarray, predicted: np.ndarray) -> Scored:
        """Something that predicts `recorded`, both (image, y, x, site) of all images.

        Folds and sites are drawn; of one test set its images and sites.
        """
        r = fold_scores(recorded, predicted, self.shared)
        if len(r) > 1:
            return Scored(r, self._drawn(r))
        images = self.shared["image"].to_numpy(int)
        draws = ImageDraws(self.draws, self.seed)
        return Scored(r, draws.predictivity(recorded[images], predicted[images]))

    def _drawn(self, r: np.ndarray) -> np.ndarray:
        return drawn_predictivity(r[None], self.draws, np.random.default_rng(self.seed))[0]

    def row(self, model: str, weights: str, network: Scored, other: Scored) -> dict:
        """A network beside the other recording: columns `SHARED`.

        `ceiling` is what the other recording reaches, and `difference` is r minus it, paired over draws.
        """
        both = Sites([model, self.about["ceiling_name"]], np.array([network.r, other.r]),
                     np.array([network.drawn, other.drawn]))  # fmt: skip
        low, high = percentile_interval(network.drawn).tolist()
        own = {"model": model, "weights": weights, "r": float(predictivity(network.r))}
        own |= {"r_low": low, "r_high": high, "ceiling": float(predictivity(other.r))}
        own |= {"n_folds": len(network.r)} | both.compare(0, np.array([1])).iloc[0].to_dict()
        return {name: value for name, value in (self.about | own).items() if name in SHARED}


@dataclass(frozen=True)
class Predicted:
    """A recording that others predict.

    Attributes
    ----------
    images : columns ceiling_name, image and fold, of the shared images that are tested.
    kept : by "ceiling_name/mapping", predictions (image, y, x, site) of these images, where one test set
        is held out.
    read : of what is known of a pair, its raw scores of real responses in the main window.
    average : of a window, responses (image, y, x, site).
    draws, seed : as of `OnePair`.
    """

    images: pd.DataFrame
    kept: dict[str, np.ndarray]
    read: Callable[[dict], pd.DataFrame]
    average: Callable[[tuple[float, float] | None], np.ndarray]
    draws: int
    seed: tuple[int, ...]

    def interval(self, about: dict, mapping: str) -> tuple[float, float] | None:
        """Interval of a pair's score from draws of its test images; None where folds are drawn."""
        if f"{about['ceiling_name']}/{mapping}" not in self.kept:
            return None
        other = self._other(self._pair(about), mapping, self._scores(about, mapping))
        low, high = percentile_interval(other.drawn).tolist()
        return low, high

    def networks(
        self, pairs: list[dict], mapping: str, predictions: Iterable[tuple[str, str, np.ndarray]]
    ) -> list[dict]:
        """Rows (`SHARED`) of every network beside every pair, pairs outermost.

        `predictions` are model, weights and held-out predictions (image, y, x, site), one network after
        another; `pairs` what is known of those that are not refused.
        """
        if not pairs:
            return []
        scores = [self._scores(about, mapping) for about in pairs]
        known = [self._pair(about | {"mapping": mapping}) for about in pairs]
        others = [self._other(one, mapping, rows) for one, rows in zip(known, scores, strict=True)]
        recorded, found = self.average(_window(scores[0])), [[] for _ in pairs]
        for model, weights, values in predictions:
            for rows, pair, other in zip(found, known, others, strict=True):
                network = pair.of_predictions(recorded, values)
                rows.append(pair.row(model, weights, network, other))
        return [row for rows in found for row in rows]

    def _scores(self, about: dict, mapping: str) -> pd.DataFrame:
        rows = self.read(about)
        return rows[rows["mapping"].astype(str) == mapping]

    def _pair(self, about: dict) -> OnePair:
        own = self.images[self.images["ceiling_name"] == about["ceiling_name"]]
        return OnePair(about, own, self.draws, self.seed)

    def _other(self, pair: OnePair, mapping: str, scores: pd.DataFrame) -> Scored:
        """The other recording, from its predictions of the test images or from its scores."""
        kept = self.kept.get(f"{pair.about['ceiling_name']}/{mapping}")
        if kept is None:
            return pair.of_scores(scores)
        recorded = self.average(_window(scores))
        values = np.full(recorded.shape, np.nan, np.float32)
        values[pair.shared["image"].to_numpy(int)] = kept
        return pair.of_predictions(recorded, values)


def _window(scores: pd.DataFrame) -> tuple[float, float] | None:
    """The window of raw scores; None without time."""
    start, stop = scores[["window_start", "window_stop"]].iloc[0]
    return None if np.isnan(start) else (float(start), float(stop))
