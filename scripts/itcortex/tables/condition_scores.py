"""Scores of networks as paired comparisons need them: a number each, and a difference with its draws.

The draws are of what a score is a mean over: folds of images and sites of a recording, photographs,
images of RDMs. A draw is the same for all networks of a measure, so that the difference of two networks
within a draw is paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from itcortex.numerics.metrics import mean_defined, predictivity
from itcortex.tables.model_pairs import Sites


def drawn_of(n_folds: int) -> str:
    """What is drawn of a recording; one test set is one fold, of which every draw is the same."""
    return "folds, sites" if n_folds > 1 else "sites"


class Difference(NamedTuple):
    """First minus other: scores of both, their difference, and it in every draw (draw,).

    `drawn` is empty where nothing is drawn, and `undefined` counts what a score of either has not.
    `by_site` has the difference of every site, an array for each recording; none for other measures.
    """

    value: float
    other: float
    difference: float
    drawn: np.ndarray
    undefined: int = 0
    by_site: tuple[np.ndarray, ...] = ()


class Scores(Protocol):
    """One measure of several networks.

    Attributes
    ----------
    about : columns of the measure's rows.
    networks : those that were scored, as "model weights".
    """

    about: dict
    networks: Sequence[str]

    def compare(self, first: str, other: str) -> Difference:
        """The difference of two networks; NaN where one of them has no score."""


@dataclass(frozen=True)
class Drawn:
    """Scores with draws of their own, the same ones for all networks.

    Attributes
    ----------
    values : {network: score}; drawn : {network: (draw,)}, empty arrays where nothing is drawn.
    """

    about: dict
    values: Mapping[str, float]
    drawn: Mapping[str, np.ndarray]

    @classmethod
    def of_sites(cls, sites: Sites, about: dict, scale: float = 1.0) -> "Drawn":
        """The published score, a median over sites, times `scale`; folds and sites are drawn."""
        n_folds, n_sites = sites.r.shape[1:]
        about = {"drawn": drawn_of(n_folds), "n_folds": n_folds, "n_sites": n_sites} | about
        return cls(
            about,
            {name: scale * float(predictivity(r)) for name, r in zip(sites.names, sites.r, strict=True)},
            dict(zip(sites.names, scale * sites.drawn, strict=True)),
        )  # fmt: skip

    @property
    def networks(self) -> Sequence[str]:
        """Those that were scored."""
        return list(self.values)

    def compare(self, first: str, other: str) -> Difference:
        """The difference of two networks."""
        a, b = self.values[first], self.values[other]
        return Difference(a, b, a - b, self.drawn[first] - self.drawn[other])


@dataclass(frozen=True)
class OfPhotographs:
    """Means over photographs, which are drawn; one that either network lacks is left out of both.

    Attributes
    ----------
    values : {network: (photograph,)}; counts : how often each was drawn (draw, photograph).
    """

    about: dict
    values: Mapping[str, np.ndarray]
    counts: np.ndarray = field(repr=False)

    @classmethod
    def of_table(
        cls, rows: pd.DataFrame, column: str, draws: int, rng: np.random.Generator, about: dict,
        counts: np.ndarray | None = None,
    ) -> "OfPhotographs":  # fmt: skip
        """From rows with columns model, weights, image and `column`, one a network and photograph.

        `counts` are draws that were made before of the same photographs.
        """
        names = rows["model"].astype(str) + " " + rows["weights"].astype(str)
        wide = rows.assign(name=names).pivot(index="name", columns="image", values=column)
        n_images = wide.shape[1]
        if counts is None:
            counts = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=draws)
        values = dict(zip(wide.index, wide.to_numpy(float), strict=True))
        return cls({"drawn": "photographs", "n_images": n_images} | about, values, counts)

    @property
    def networks(self) -> Sequence[str]:
        """Those that were scored."""
        return list(self.values)

    def compare(self, first: str, other: str) -> Difference:
        """The difference of two networks."""
        a, b = self.values[first], self.values[other]
        known = np.isfinite(a) & np.isfinite(b)
        means = [float(mean_defined(np.where(known, one, np.nan))) for one in (a, b)]
        weights = self.counts[:, known]
        total = weights.sum(1)
        drawn = np.divide(weights @ (a - b)[known], total,
                          out=np.full(len(total), np.nan), where=total > 0)  # fmt: skip
        return Difference(*means, means[0] - means[1], drawn, int((~known).sum()))


@dataclass(frozen=True)
class MeanOf:
    """The mean of several measures, for instance of the recordings of an area, drawn each for itself.

    All count the same, whatever their number of sites.
    """

    about: dict
    parts: Sequence[Scores]

    @property
    def networks(self) -> Sequence[str]:
        """Those that all parts have."""
        shared = set(self.parts[0].networks).intersection(*(part.networks for part in self.parts))
        return [name for name in self.parts[0].networks if name in shared]

    def compare(self, first: str, other: str) -> Difference:
        """The difference of two networks."""
        found = [part.compare(first, other) for part in self.parts]
        means = np.mean([one[:3] for one in found], axis=0).tolist()
        drawn = np.mean([one.drawn for one in found], axis=0)
        by_site = tuple(sites for one in found for sites in one.by_site)
        return Difference(*means, drawn, sum(one.undefined for one in found), by_site)
