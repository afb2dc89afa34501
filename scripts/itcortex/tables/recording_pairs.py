"""Recording predicts recording, as tables: every pair, and every network on the images of a pair.

See `itcortex.encoding.recording_pairs`. A network's score over all images of a recording does not
compare with what another recording reaches on the shared ones. So a network's held-out predictions are
scored once more, on the shared images of every fold alone. It was fitted to all training images of the
recording, of which the other recording has the shared ones only.
"""

import numpy as np
import pandas as pd

from itcortex.encoding.ceilings import FEW_SITES
from itcortex.numerics.metrics import pearson, predictivity
from itcortex.numerics.sampling import percentile_interval
from itcortex.tables.kinds import scores_of_kinds
from itcortex.tables.model_pairs import DIFFERENCE, RAW, Sites
from itcortex.tables.statistics import ONE_TEST
from itcortex.tables.summary import over_folds

_ABOUT = ["ceiling_name", "sources", "source_monkeys", "same_monkey"]
_SCORES = ["r", "r_low", "r_high", "r_within_kinds", "rho", "explained_variance", "p_shuffled"]
PAIRS = [*ONE_TEST, *_ABOUT, "n_images", "n_shared", "n_sites", "n_source_sites", "n_folds",
         *_SCORES, "note"]  # fmt: skip
COUNTS = [*ONE_TEST, *_ABOUT, "n_source_sites", "draws", "r", "r_lowest", "r_highest"]
SHARED = [*ONE_TEST, *_ABOUT, "model", "weights", "n_images", "n_shared", "n_folds", "n_sites", "r",
          "r_low", "r_high", "ceiling", *DIFFERENCE]  # fmt: skip


def pairs_table(
    pairs: pd.DataFrame, scores: pd.DataFrame, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Every pair in the main window, a row for each mapping; refused pairs have a note instead.

    Parameters
    ----------
    pairs : what is known of each pair, with columns recording and protocol.
    scores : raw scores of `itcortex.encoding.recording_pairs.score`.
    draws : over folds and sites, for the interval.
    """
    rows = []
    for about in pairs.to_dict("records"):
        refused = about.pop("refused")
        if refused:
            rows.append(about | {"mapping": "", "note": refused})
            continue
        own = scores[(scores["recording"].astype(str) == about["recording"])
                     & (scores["ceiling_name"].astype(str) == about["ceiling_name"])]  # fmt: skip
        for row in over_folds(_as_network(own), draws, rng).to_dict("records"):
            if row["control"] == "none":
                known = {name: row[name] for name in ("mapping", "n_folds", *_SCORES)}
                rows.append(about | known | {"note": _note(about)})
    numbers = dict.fromkeys((*_SCORES, "n_folds"), float)
    return pd.DataFrame(rows).reindex(columns=PAIRS).astype(numbers)


def counts_table(curves: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Score over the number of source sites: mean over draws, and the range of them (`COUNTS`).

    `curves` have a row for each draw (`itcortex.encoding.site_counts.curve`), `pairs` what is known of
    each pair. The last point of a curve is one draw: all sites.
    """
    keys = ["recording", "protocol", "ceiling_name", "mapping", "n_source_sites"]
    grouped = curves.astype({"r": float}).groupby(keys, sort=False, observed=True)["r"]
    table = grouped.agg(["mean", "min", "max", "count"]).reset_index()
    table = table.set_axis([*keys, "r", "r_lowest", "r_highest", "draws"], axis=1)
    return table.merge(pairs[["recording", *_ABOUT]]).reindex(columns=COUNTS)


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
    """Raw scores of a pair in the main window, laid out as those of a network of one layer."""
    main = scores[scores["main_window"].astype(bool)]
    of_others = [name for name in scores_of_kinds(main) if main[name].isna().all()]
    main = main.drop(columns=of_others).rename(columns={"ceiling_name": "model"})
    return main.assign(weights="", layer="sites", chosen=True)


def site_scores(
    recorded: np.ndarray, predicted: np.ndarray, shared: pd.DataFrame, site_ids: tuple[str, ...]
) -> pd.DataFrame:
    """Pearson r (columns fold, site, r) of held-out predictions on the shared images of every fold.

    Parameters
    ----------
    recorded, predicted : arrays (image, y, x, site)
    shared : columns image (index) and fold of one pair
    """
    parts = []
    for fold, rows in shared.groupby("fold", observed=True, sort=False):
        images = rows["image"].to_numpy(int)
        both = (x[images].reshape(-1, len(site_ids)).astype(float) for x in (recorded, predicted))
        parts.append(pd.DataFrame({"fold": fold, "site": list(site_ids), "r": pearson(*both)}))
    return pd.concat(parts, ignore_index=True)


def shared_table(
    about: dict, scores: pd.DataFrame, networks: pd.DataFrame, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Every network on the shared images of one pair, minus the other recording: columns `SHARED`.

    Parameters
    ----------
    about : what is known of the pair, with recording, mapping and protocol.
    scores : raw scores of the pair with this mapping, of real responses in the main window.
    networks : `site_scores` of every network, with columns model and weights.

    `ceiling` is what the other recording reaches, and `difference` is r minus it, paired over folds and
    sites. Sites that are undefined for one are for the other.
    """
    source = scores[["fold", "site", "r"]].assign(model=about["ceiling_name"], weights="")
    rows = pd.concat([source.astype({"fold": str, "site": str}), networks], ignore_index=True)
    test = {name: about[name] for name in ONE_TEST}
    sites = Sites.of(rows.assign(**test)[RAW], draws, rng)
    ceiling, n_folds = float(predictivity(sites.r[0])), sites.r.shape[1]
    found = []
    for k, name in enumerate(sites.names[1:], start=1):
        model, weights = name.split(" ", 1)
        low, high = percentile_interval(sites.drawn[k]).tolist()
        own = {"model": model, "weights": weights, "r": float(predictivity(sites.r[k]))}
        own |= {"r_low": low, "r_high": high, "ceiling": ceiling, "n_folds": n_folds}
        found.append(about | own | sites.compare(k, np.array([0])).iloc[0].to_dict())
    return pd.DataFrame(found).reindex(columns=SHARED)
