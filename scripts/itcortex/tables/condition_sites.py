"""Scores of the sites of a recording, site by site, so that conditions are compared within every site.

How well sites are predicted differs far more between sites than between two trainings of one network. So
the difference is taken within a site, on the same folds of images, and then averaged over sites: what
sites differ in drops out. (The difference of two medians over sites keeps a part of it, and is that of
two sites in the middle; it is the measure `r_median`.)

Folds are few: drawn with replacement, five would give intervals of two thirds of the width that they
call for. So what draws of folds change of a site is widened (`few_folds`), to Student's t.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from itcortex.errors import UserError
from itcortex.numerics.metrics import mean_defined
from itcortex.tables.condition_scores import Difference, drawn_of
from itcortex.tables.kinds import scores_of_kinds

#: Which raw scores are compared: of the real images, in the main window, of all layers.
OF_LAYERS = {"control": "none", "main_window": True}


def few_folds(n_folds: int) -> float:
    """How much wider draws of a mean over folds must be than draws with replacement make them.

        t(.975; F - 1) / z(.975)  sqrt(F / (F - 1))

    The root takes off that the variance of draws is that of F folds around their own mean, the ratio of
    quantiles that it is an estimate from F folds. It is 1.58 for five folds and 1.22 for ten; 1 for a
    single fold, of which nothing is drawn.
    """
    if n_folds < 2:
        return 1.0
    return float(stdtrit(n_folds - 1, 0.975) / ndtri(0.975) * np.sqrt(n_folds / (n_folds - 1)))


@dataclass(frozen=True)
class SiteScores:
    """Predictivity of the sites of one recording, paired over folds, sites and kinds of image.

    With r of kind k, fold f and site s, the difference of two networks is

        d = mean_s mean_k mean_f (r_first[k, f, s] - r_other[k, f, s])

    over the folds in which both have a score. A site that lacks a kind in all folds is left out of the
    pair, and counted. There is one kind for r over all images.

    Attributes
    ----------
    values : {network: (kind, fold, site)}.
    folds, sites : how often each was drawn (draw, fold), (draw, site): the same for all networks.
    scale : what scores are multiplied by, one over the ceiling or 1.
    """

    about: dict
    values: Mapping[str, np.ndarray]
    folds: np.ndarray = field(repr=False)
    sites: np.ndarray = field(repr=False)
    scale: float = 1.0

    @classmethod
    def of(
        cls, values: Mapping[str, np.ndarray], draws: int, rng: np.random.Generator, about: dict
    ) -> "SiteScores":
        """With new draws of folds and sites; values are (fold, site) or (kind, fold, site)."""
        whole = {name: r.reshape(-1, *r.shape[-2:]) for name, r in values.items()}
        n_folds, n_sites = next(iter(whole.values())).shape[1:]
        counts = [rng.multinomial(n, np.full(n, 1 / n), size=draws) for n in (n_folds, n_sites)]
        about = {"drawn": drawn_of(n_folds), "n_folds": n_folds, "n_sites": n_sites} | about
        return cls(about, whole, *counts)

    def with_values(self, values: Mapping[str, np.ndarray], **about: str) -> "SiteScores":
        """Other scores (fold, site) or (kind, fold, site) of the same folds and sites, drawn alike."""
        whole = {name: r.reshape(-1, *r.shape[-2:]) for name, r in values.items()}
        return replace(self, about=self.about | about, values=whole)

    def scaled(self, scale: float, **about: str) -> "SiteScores":
        """The same scores times `scale`."""
        return replace(self, about=self.about | about, scale=scale)

    @property
    def networks(self) -> Sequence[str]:
        """Those that were scored."""
        return list(self.values)

    def compare(self, first: str, other: str) -> Difference:
        """The difference of two networks, site by site."""
        a, b = self.scale * self.values[first], self.scale * self.values[other]
        both = np.isfinite(a) & np.isfinite(b)
        by_fold = np.where(both, a - b, np.nan)
        by_site = mean_defined(by_fold, axis=1).mean(0)
        known = np.isfinite(by_site)
        levels = [
            mean_defined(mean_defined(np.where(both & known, one, np.nan), axis=1).mean(0))
            for one in (a, b)
        ]
        difference = float(mean_defined(by_site))
        drawn = self._drawn(by_fold[..., known], self.sites[:, known])
        return Difference(*map(float, levels), difference, drawn, int((~known).sum()), (by_site,))

    def _drawn(self, by_fold: np.ndarray, sites: np.ndarray) -> np.ndarray:
        """The difference (draw,) of differences (kind, fold, site), in draws of folds and sites."""
        n_folds = self.folds.shape[1]
        whole, drawn = (_by_site(by_fold, one) for one in (np.ones((1, n_folds)), self.folds))
        by_site = whole + few_folds(n_folds) * (drawn - whole)
        known = np.isfinite(by_site)
        total, count = (np.where(known, by_site, 0.0) * sites).sum(1), (known * sites).sum(1)
        return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _by_site(by_fold: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Mean over kinds and drawn folds (draw, site) of values (kind, fold, site); folds (draw, fold)."""
    total = np.zeros((len(folds), by_fold.shape[-1]))
    for of_kind in by_fold:
        both = np.isfinite(of_kind)
        sums, count = folds @ np.where(both, of_kind, 0.0), folds @ both
        total += np.divide(sums, count, out=np.full(count.shape, np.nan), where=count > 0)
    return total / len(by_fold)


@dataclass(frozen=True)
class OfLayers:
    """Scores of one network in one test, at all its layers.

    Attributes
    ----------
    layers : their names; chosen : that of every fold (fold,).
    r : over all images and within every kind of them (1 + kind, layer, fold, site).
    """

    layers: list[str]
    chosen: np.ndarray
    r: np.ndarray

    def at(self, layers: Sequence[str]) -> np.ndarray:
        """r (1 + kind, fold, site) at a layer for every fold."""
        index = [self.layers.index(name) for name in layers]
        return self.r[:, index, range(len(index))]


class Layered:
    """Scores of one test (recording, mapping, protocol), network by network, at all their layers."""

    def __init__(self):
        self.networks: dict[str, OfLayers] = {}
        self.kinds: list[str] = []
        self._index: pd.MultiIndex | None = None

    def add(self, rows: pd.DataFrame) -> None:
        """Add the raw scores of some networks.

        Raises `UserError` for one that was scored on other folds, sites or kinds than the first.
        """
        rows = rows.astype({"fold": str, "site": str, "layer": str})
        kinds = scores_of_kinds(rows.dropna(axis=1, how="all"))
        rows = rows.sort_values(["layer", "fold", "site"], kind="stable")
        for (model, weights), one in rows.groupby(["model", "weights"], observed=True, sort=False):
            layers = one["layer"].unique().tolist()
            first = one[one["layer"] == layers[0]]
            index = pd.MultiIndex.from_frame(first[["fold", "site"]])
            if self._index is None:
                self._index, self.kinds = index, kinds
            whole = len(one) == len(layers) * len(index)
            if not (whole and index.equals(self._index) and kinds == self.kinds):
                raise UserError(
                    f"{one['recording'].iloc[0]}: {model} {weights} was scored on other folds, sites or "
                    f"kinds of image than {next(iter(self.networks), 'its own other layers')}; delete "
                    "its results in encoding/ to make them anew"
                )
            folds = index.get_level_values("fold").nunique()
            shape = (1 + len(kinds), len(layers), folds, len(index) // folds)
            r = one[["r", *kinds]].to_numpy(float).T.reshape(shape)
            of_folds = one[one["chosen"].astype(bool)].drop_duplicates("fold").sort_values("fold")
            chosen = of_folds["layer"].to_numpy(str)
            self.networks[f"{model} {weights}"] = OfLayers(layers, chosen, r)

    def of_chosen(self) -> dict[str, np.ndarray]:
        """r (1 + kind, fold, site) of every network, at the layer that it chose for a fold."""
        return {name: one.at(one.chosen) for name, one in self.networks.items()}

    def of_baselines(self, baselines: Mapping[str, str]) -> dict[str, np.ndarray]:
        """r (fold, site) at the layer that the network's baseline chose, or itself without one.

        Networks whose baseline was not scored, or has other layers, are left out.
        """
        found = {}
        for name, one in self.networks.items():
            twin = self.networks.get(baselines.get(name) or name)
            if twin is not None and {*twin.chosen} <= {*one.layers}:
                found[name] = one.at(twin.chosen)[0]
        return found
