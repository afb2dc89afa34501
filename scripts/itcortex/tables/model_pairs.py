"""Two networks on the same sites and images: is the difference of their scores more than chance?

Both are scored on the same folds of images and the same sites, whose noise they share. Folds and sites
are drawn with replacement, and every draw serves all networks of a recording: the difference of two
networks within a draw is paired, and its interval is narrower than their own intervals suggest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from itcortex.errors import UserError
from itcortex.numerics.metrics import mean_defined, predictivity
from itcortex.numerics.sampling import draws_at_once, percentile_interval
from itcortex.tables.condition_contrasts import CONTROLS
from itcortex.tables.statistics import ONE_TEST
from itcortex.tables.trend_limits import MINIMUM_FAMILIES
from itcortex.tables.trends import family_draws

RAW = [*ONE_TEST, "model", "weights", "fold", "site", "r"]
#: Which raw scores are compared: of the real images, in the main window, of the chosen layers.
COMPARED = {"control": "none", "main_window": True, "chosen": True}
DIFFERENCE = ["difference", "low", "high", "p", "sites_higher"]
PAIRS = [*ONE_TEST, "model", "weights", "other_model", "other_weights", *DIFFERENCE, "n_folds",
         "n_sites"]  # fmt: skip
NUMBERS = ["strength", "seed", "r", "r_baseline", "top1_difference"]
HARMONIZED = [*ONE_TEST, "model", "weights", "baseline", "strength", "seed", "family", "r",
              "r_baseline", *DIFFERENCE, "top1_difference", "n_folds", "n_sites", "note"]  # fmt: skip


@dataclass(frozen=True)
class Sites:
    """Scores of all networks of one test.

    Attributes
    ----------
    names : "model weights" (network,).
    r : Pearson r (network, fold, site), of the layer that was chosen for a fold; NaN where undefined.
    drawn : predictivity (network, draw), the same folds and sites of a draw for all networks.
    """

    names: list[str]
    r: np.ndarray
    drawn: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame, draws: int, rng: np.random.Generator) -> "Sites":
        """From raw scores (columns `RAW`) of one test.

        Raises `UserError` for a network that was scored on other folds or sites than the first.
        """
        return Collected().add(rows).sites(draws, rng)

    @classmethod
    def drawing(
        cls, names: list[str], r: np.ndarray, draws: int, rng: np.random.Generator
    ) -> "Sites":
        """From r (network, fold, site), with predictivity in every draw."""
        return cls(names, r, drawn_predictivity(r, draws, rng))

    def compare(self, first: int, others: np.ndarray) -> pd.DataFrame:
        """`DIFFERENCE` of one network (index) and each of others (pair,): first minus other.

        `p` is the two-sided bootstrap p value, twice the smaller share of draws on either side of
        zero; `sites_higher` the share of sites whose mean over folds is higher in the first.
        """
        score = np.array([predictivity(one) for one in self.r])
        drawn = self.drawn[first] - self.drawn[others]
        low, high = percentile_interval(drawn.T)
        count = drawn.shape[1] + 1
        sides = np.minimum((drawn <= 0).sum(1) + 1, (drawn >= 0).sum(1) + 1)
        by_site = mean_defined(self.r[first] - self.r[others], axis=1)
        share = mean_defined(np.where(np.isfinite(by_site), by_site > 0, np.nan))
        return pd.DataFrame(
            {"difference": score[first] - score[others], "low": low, "high": high}
            | {"p": np.minimum(2 * sides / count, 1), "sites_higher": share}
        )


class Collected:
    """Scores of one test, network by network: of each only r (fold, site) is kept."""

    def __init__(self):
        self.names: list[str] = []
        self.values: list[np.ndarray] = []
        self.index: pd.Index | None = None

    def add(self, rows: pd.DataFrame) -> "Collected":
        """Add the raw scores (columns `RAW`) of some networks of the test.

        Raises `UserError` for a network that was scored on other folds or sites than the first.
        """
        rows = rows.astype({"fold": str, "site": str})
        for (model, weights), one in rows.groupby(["model", "weights"], observed=True, sort=False):
            r = one.set_index(["fold", "site"])["r"].sort_index()
            self.index = r.index if self.index is None else self.index
            if not r.index.equals(self.index):
                raise UserError(
                    f"{rows['recording'].iloc[0]}: {model} {weights} was scored on other folds or sites "
                    f"than {self.names[0]}; delete its results in encoding/ to make them anew"
                )
            self.names.append(f"{model} {weights}")
            self.values.append(r.to_numpy(float))
        return self

    def sites(self, draws: int, rng: np.random.Generator) -> Sites:
        """All networks, with predictivity in every draw."""
        shape = (len(self.names), self.index.get_level_values(0).nunique(), -1)
        return Sites.drawing(self.names, np.array(self.values).reshape(shape), draws, rng)


def drawn_predictivity(r: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Predictivity (network, draw) of r (network, fold, site), folds and sites drawn."""
    n_folds, n_sites = r.shape[1:]
    found = np.empty((len(r), draws))
    at_once = draws_at_once(n_folds * n_sites)
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        folds = rng.integers(n_folds, size=(size, n_folds, 1))
        sites = rng.integers(n_sites, size=(size, 1, n_sites))
        for k, one in enumerate(r):
            found[k, start : start + size] = predictivity(one[folds, sites])
    return found


def collect_tests(parts: Iterable[pd.DataFrame], of_test: type = Collected) -> dict[tuple, Any]:
    """Raw scores of networks, which come one after another, by what names their test.

    `of_test` takes those of one test: `Collected` (columns `RAW`), or another class with its `add`.
    """
    tests: dict[tuple, Any] = {}
    for rows in parts:
        for keys, some in rows.groupby(ONE_TEST, observed=True, sort=False):
            tests.setdefault(tuple(map(str, keys)), of_test()).add(some)
    return tests


def pairs_table(sites: Sites, test: dict) -> pd.DataFrame:
    """Every two networks of a test: columns `PAIRS`."""
    named = pd.DataFrame([name.split(" ", 1) for name in sites.names], columns=["model", "weights"])
    parts = []
    for first in range(len(named) - 1):
        others = np.arange(first + 1, len(named))
        second = named.iloc[others].add_prefix("other_").reset_index(drop=True)
        part = sites.compare(first, others).assign(**named.iloc[first]).join(second)
        parts.append(part)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    _, n_folds, n_sites = sites.r.shape
    return table.assign(**test, n_folds=n_folds, n_sites=n_sites).reindex(columns=PAIRS)


def harmonized_table(
    sites: Sites, models: pd.DataFrame, test: dict, rng: np.random.Generator
) -> pd.DataFrame:
    """Every harmonized network minus the network it started from, and their mean in a last row.

    Parameters
    ----------
    models : the table of models; a network is compared if its `baseline` names one ("model weights").

    Returns
    -------
    Columns `HARMONIZED`. A baseline that was not scored is said in `note`. The last row, without a
    model, is the mean over networks that were trained with people's own maps, not over controls; its
    draws take folds, sites and whole families with replacement.
    """
    place = {name: k for k, name in enumerate(sites.names)}
    told = models.assign(name=models["model"] + " " + models["weights"]).set_index("name")
    top1 = told["top1"]
    twins = told[(told["baseline"].fillna("") != "") & told.index.isin([*place])]
    rows, draws, controls = [], [], set()
    for name, twin in twins.iterrows():
        row = twin[["model", "weights", "baseline", "strength", "seed", "family"]].to_dict()
        first, other = place[name], place.get(twin["baseline"])
        row |= {"r": float(predictivity(sites.r[first]))}
        if other is None:
            rows.append(row | {"note": f"its baseline {twin['baseline']} was not scored here"})
            continue
        row |= sites.compare(first, np.array([other])).iloc[0].to_dict()
        row |= {"r_baseline": float(predictivity(sites.r[other])), "note": ""}
        row |= {"top1_difference": twin["top1"] - top1.get(twin["baseline"], np.nan)}
        rows.append(row)
        if twin.get("condition") in CONTROLS:
            controls.add(len(rows) - 1)
        else:
            draws.append(sites.drawn[first] - sites.drawn[other])
    numbers = [*NUMBERS, *DIFFERENCE]
    table = pd.DataFrame(rows, columns=HARMONIZED).astype(dict.fromkeys(numbers, float))
    if draws:
        table.loc[len(table)] = _mean_row(table.drop(index=[*controls]), np.array(draws), rng)
    _, n_folds, n_sites = sites.r.shape
    return table.assign(**test, n_folds=n_folds, n_sites=n_sites)[HARMONIZED]


def _counted(known: pd.DataFrame) -> str:
    """How many networks there are, and how many trainings of them: seeds, or seeds and strengths."""
    own = known["model"] + " " + known["weights"]  # of published weights each is a network
    networks, trainings = own.where(known["seed"].isna(), known["model"]).nunique(), len(known)
    text = "1 network" if networks == 1 else f"{networks} networks"
    if trainings == networks:
        return text
    several = known.groupby("model")["strength"].nunique().gt(1).any()
    return f"{text}, {trainings} {'trainings' if several else 'seeds'}"


def _mean_row(table: pd.DataFrame, drawn: np.ndarray, rng: np.random.Generator) -> dict:
    """The mean over harmonized networks; drawn (network, draw) are their differences."""
    known = table[np.isfinite(table["difference"])]
    families = known["family"].to_numpy(str)
    row = dict.fromkeys(HARMONIZED, np.nan) | {"model": "", "weights": "", "baseline": ""}
    means = known[["r", "r_baseline", "difference", "sites_higher", "top1_difference"]]
    row |= means.mean().to_dict() | {"family": "", "note": f"mean over {_counted(known)}"}
    if len(np.unique(families)) < MINIMUM_FAMILIES:
        note = f"{row['note']}; no interval: {MINIMUM_FAMILIES} families are needed"
        return row | {"note": note}
    counts = family_draws(families, drawn.shape[1], rng)[:, 1:]
    values = (counts * drawn).sum(0) / np.maximum(counts.sum(0), 1)
    low, high = percentile_interval(values).tolist()
    sides = min((values <= 0).sum() + 1, (values >= 0).sum() + 1)
    return row | {"low": low, "high": high, "p": min(2 * sides / (len(values) + 1), 1.0)}
