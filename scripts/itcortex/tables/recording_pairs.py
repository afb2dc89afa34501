"""Recording predicts recording, as tables: every pair, and how many sites it takes.

See `itcortex.encoding.recording_pairs`; networks on the images of a pair are in
`itcortex.tables.shared_images`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from itcortex.encoding.ceilings import FEW_SITES
from itcortex.numerics.metrics import mean_defined
from itcortex.tables.kinds import scores_of_kinds
from itcortex.tables.statistics import ONE_TEST
from itcortex.tables.summary import over_folds

ABOUT = ["ceiling_name", "sources", "source_monkeys", "same_monkey"]
_SCORES = ["r", "r_low", "r_high", "r_within_kinds", "rho", "explained_variance", "p_shuffled"]
PAIRS = [*ONE_TEST, *ABOUT, "n_images", "n_shared", "n_sites", "n_source_sites", "n_folds",
         *_SCORES, "note"]  # fmt: skip
COUNTS = [*ONE_TEST, *ABOUT, "n_source_sites", "draws", "r", "r_lowest", "r_highest"]

#: Interval of a pair's score with a mapping from draws of its test images; None where folds are drawn.
Interval = Callable[[dict, str], tuple[float, float] | None]


def pairs_table(
    pairs: pd.DataFrame,
    read: Callable[[dict], pd.DataFrame],
    medians: pd.DataFrame,
    interval: Interval,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Pairs of one recording in the main window, a row for each mapping; refused ones have a note.

    Parameters
    ----------
    pairs : what is known of each pair, with columns recording and protocol.
    read : of a pair its raw scores of real responses in the main window, of all mappings
        (`itcortex.encoding.pair_scores`).
    medians : over sites, of all its scores: those of shuffled images give the p value.
    interval : of a pair and a mapping, where one test set is held out.
    draws : over folds and sites, for the interval of other pairs.
    """
    rows = []
    for about in pairs.to_dict("records"):
        refused = about.pop("refused")
        if refused:
            rows.append(about | {"mapping": "", "note": refused})
            continue
        own = medians[medians["ceiling_name"] == about["ceiling_name"]]
        for row in over_folds(_as_network(read(about)), draws, rng).to_dict("records"):
            known = {name: row[name] for name in ("mapping", "n_folds", *_SCORES)}
            known["p_shuffled"] = _p_shuffled(own, row)
            if found := interval(about, row["mapping"]):
                known |= dict(zip(("r_low", "r_high"), found, strict=True))
            rows.append(about | known | {"note": _note(about)})
    numbers = dict.fromkeys((*_SCORES, "n_folds"), float)
    return pd.DataFrame(rows).reindex(columns=PAIRS).astype(numbers)


def _p_shuffled(medians: pd.DataFrame, row: dict) -> float:
    """Share of shuffles of the images that score as well: (1 + those) / (1 + all); NaN without any."""
    control = medians[(medians["control"] != "none") & (medians["mapping"] == row["mapping"])]
    shuffled = [
        mean_defined(some["r"].to_numpy(float)) for _, some in control.groupby("permutation")
    ]
    if not shuffled:
        return np.nan
    return float((1 + (np.array(shuffled) >= row["r"]).sum()) / (1 + len(shuffled)))


def counts_table(curves: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Score over the number of source sites: mean over draws, and the range of them (`COUNTS`).

    `curves` have a row for each draw (`itcortex.encoding.site_counts.curve`), `pairs` what is known of
    each pair. The last point of a curve is one draw: all sites.
    """
    keys = ["recording", "protocol", "ceiling_name", "mapping", "n_source_sites"]
    grouped = curves.astype({"r": float}).groupby(keys, sort=False, observed=True)["r"]
    table = grouped.agg(["mean", "min", "max", "count"]).reset_index()
    table = table.set_axis([*keys, "r", "r_lowest", "r_highest", "draws"], axis=1)
    return table.merge(pairs[["recording", *ABOUT]]).reindex(columns=COUNTS)


_TOLD = {"yes": "", "partly": "partly ", "unknown": "perhaps (an entry names no animal) "}


def _note(about: dict) -> str:
    """What a pair's score must be read with."""
    parts = []
    if about["same_monkey"] != "no":
        told = _TOLD[about["same_monkey"]]
        parts.append(f"{told}sessions of one animal: an optimistic ceiling for another animal")
    if about["n_source_sites"] < FEW_SITES:
        parts.append(f"predicted from {about['n_source_sites']} sites only")
    return "; ".join(parts)


def _as_network(scores: pd.DataFrame) -> pd.DataFrame:
    """Raw scores of a pair, laid out as those of a network of one layer."""
    of_others = [name for name in scores_of_kinds(scores) if scores[name].isna().all()]
    named = scores.drop(columns=of_others).rename(columns={"ceiling_name": "model"})
    return named.assign(weights="", layer="sites", chosen=True)
