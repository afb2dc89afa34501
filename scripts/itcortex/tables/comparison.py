"""Our scores beside published ones of the same networks.

Two laboratories score other recordings with other mappings and normalisations, so that heights need
not agree, but ranks should, and a straight line should carry one into the other. Of every network
that both have, what is expected is the value of the line through all other networks, with the 95 %
prediction interval of one more network: where the line holds and its errors are normal, 95 % of
networks lie inside.

Points read off a figure have no names. There the line is that of published score over accuracy, and a
network of ours is held against what the figure shows at its accuracy.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from itcortex.errors import choose
from itcortex.numerics import weighted
from itcortex.numerics.ranks import rankdata
from itcortex.tables.published import in_trend
from itcortex.tables.trend_limits import MINIMUM_FAMILIES
from itcortex.tables.trends import family_draws, interval_of

LEVEL = 0.95
MINIMUM = 3  # networks that a rank correlation needs
FOR_A_LINE = (
    4  # networks that a prediction interval needs: three others leave one degree of freedom
)
PERMUTATIONS = 9_999
OURS = ["ours", "our_benchmark", "our_metric"]
THEIRS = ["source", "region", "benchmark", "metric"]
LINES = [*OURS, *THEIRS, "matched_by"]
PAIR = [*LINES, "network", "published_name", "category", "family", "accuracy", "ours_score",
        "published_score", "expected", "expected_low", "expected_high", "inside"]  # fmt: skip
COMPARISON = [*LINES, "n_models", "n_families", "spearman", "low", "high", "resampled", "p",
              "pearson", "n_expected", "n_inside", "note"]  # fmt: skip


def pair_by_name(
    ours: pd.DataFrame, published: pd.DataFrame, same: dict[str, dict[str, str]]
) -> pd.DataFrame:
    """Every network that a line of ours and a published line of the same region both have.

    Parameters
    ----------
    ours, published : scores in the layout of published tables.
    same : by source, timm names (`architecture.tag`) of networks that are named otherwise there. Raises
        `UserError` for a name that its table does not have.

    Returns
    -------
    Columns `PAIR`, one row a network and pair of lines. A name that a published line has more than
    once is left out: nobody can say which of its scores is meant.
    """
    for source, names in same.items():
        there = published.loc[published["source"] == source, "model"].unique().tolist()
        for name in names if there else ():
            choose(name, there, f"config: published: same: {source}")
    known = [
        same.get(source, {}).get(model, timm)
        for source, model, timm in published[["source", "model", "timm"]].itertuples(index=False)
    ]
    theirs = published.assign(network=known, published_name=published["model"])
    theirs = theirs[(theirs["network"] != "") & np.isfinite(theirs["score"])]
    theirs = theirs[~theirs.duplicated([*THEIRS, "network"], keep=False)]
    theirs = theirs[[*THEIRS, "network", "published_name", "score"]]
    both = _named(ours).merge(theirs.rename(columns={"score": "published_score"}))
    parts = [_expected(rows) for _, rows in both.groupby(LINES[:-1], sort=False, observed=True)]
    joined = pd.concat(parts, ignore_index=True) if parts else both
    return joined.assign(matched_by="name").reindex(columns=PAIR)


def _named(ours: pd.DataFrame) -> pd.DataFrame:
    """Our scores with the columns of a pair."""
    names = {"source": "ours", "benchmark": "our_benchmark", "metric": "our_metric",
             "timm": "network", "score": "ours_score"}  # fmt: skip
    rows = ours[np.isfinite(ours["score"])].rename(columns=names)
    return rows[[*OURS, "region", "network", "category", "family", "accuracy", "ours_score"]]


def _expected(rows: pd.DataFrame) -> pd.DataFrame:
    """What the line through all others predicts of each network, and whether ours lies inside.

    Of a straight line y = a + b x, leaving network i out: its value at x_i is y_i - e_i / (1 - h_i),
    and the standard error of one more observation there s_(i) / sqrt(1 - h_i), with residual e,
    leverage h, and s_(i) the residual standard deviation without i (n - 3 degrees of freedom).
    """
    x, y = rows["published_score"].to_numpy(float), rows["ours_score"].to_numpy(float)
    value, half = np.full((2, len(rows)), np.nan)
    if len(rows) >= FOR_A_LINE and np.ptp(x) > 0:
        from statsmodels.api import OLS, add_constant  # noqa: PLC0415 (seconds to load)

        influence = OLS(y, add_constant(x)).fit().get_influence()
        left = 1 - influence.hat_matrix_diag
        usable = left > 1e-9  # a network alone at its value draws the line to itself
        spread = np.sqrt(np.clip(influence.sigma2_not_obsi, 0, None))
        value[usable] = y[usable] - influence.resid[usable] / left[usable]
        half[usable] = stdtrit(len(x) - 3, (1 + LEVEL) / 2) * (spread / np.sqrt(left))[usable]
    return _with_limits(rows, value, value - half, value + half)


def _with_limits(rows: pd.DataFrame, value, low, high) -> pd.DataFrame:
    y = rows["ours_score"].to_numpy(float)
    inside = pd.array((low <= y) & (y <= high), dtype="boolean")
    inside[~np.isfinite(low)] = pd.NA
    limits = {"expected": value, "expected_low": low, "expected_high": high, "inside": inside}
    return rows.assign(**limits)


def pair_by_accuracy(ours: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Our networks against published points without names, panel by panel of a figure.

    A recording `m1_ml` belongs to the panel (benchmark) `M1 ML`. Expected is the least-squares line
    of the panel's score over accuracy with the 95 % prediction interval of one more network; its
    `published_score` is unknown. Harmonized and untrained networks are on neither side.
    """
    parts = []
    points = in_trend(published)
    rows = in_trend(ours.assign(trained=ours["trained"].fillna(True)))
    panels = rows["benchmark"].str.split(" ").str[0].str.replace("_", " ").str.upper()
    for key, panel in points.groupby(THEIRS, sort=False, observed=True):
        line = dict(zip(THEIRS, key, strict=True))
        here = rows[(panels == line["benchmark"]) & (rows["metric"] == line["metric"])]
        if len(panel) < FOR_A_LINE or here.empty:
            continue
        from statsmodels.api import OLS, add_constant  # noqa: PLC0415 (seconds to load)

        fit = OLS(panel["score"].to_numpy(float), add_constant(panel["accuracy"].to_numpy(float)))
        at = add_constant(here["accuracy"].to_numpy(float), has_constant="add")
        frame = fit.fit().get_prediction(at).summary_frame(alpha=1 - LEVEL)
        limits = (frame[name].to_numpy() for name in ("mean", "obs_ci_lower", "obs_ci_upper"))
        parts.append(_with_limits(_named(here).assign(**line), *limits))
    if not parts:
        return pd.DataFrame(columns=PAIR)
    return pd.concat(parts, ignore_index=True).assign(matched_by="accuracy").reindex(columns=PAIR)


def comparison_table(pairs: pd.DataFrame, draws: int, seed: int) -> pd.DataFrame:
    """Every pair of lines: rank correlation of ours with theirs, and how many lie where expected.

    The interval comes from families drawn with replacement; with fewer than three families from single
    networks (`resampled` says which), which makes it too narrow. The p value permutes networks, all
    ways where these are few. Columns `COMPARISON`.
    """
    rows = [
        _agreement(some, draws, np.random.default_rng(seed)) | line for line, some in _lines(pairs)
    ]
    return pd.DataFrame(rows, columns=COMPARISON)


def _lines(pairs: pd.DataFrame) -> Iterator[tuple[dict, pd.DataFrame]]:
    for key, some in pairs.groupby(LINES, sort=False, observed=True):
        yield dict(zip(LINES, key, strict=True)), some


def _agreement(some: pd.DataFrame, draws: int, rng: np.random.Generator) -> dict:
    row = {"n_models": len(some), "n_families": some["family"].nunique(), "note": ""}
    row |= {"n_expected": int(some["inside"].notna().sum())}
    row |= {"n_inside": int(some["inside"].fillna(False).sum())}
    if some["matched_by"].iloc[0] != "name":
        return row | {"note": "the published points have no names: compared by accuracy"}
    x, y = some["published_score"].to_numpy(float), some["ours_score"].to_numpy(float)
    if len(some) < MINIMUM:
        shared = f"{len(some)} {'network is' if len(some) == 1 else 'networks are'} in both"
        return row | {"note": f"{shared}, {MINIMUM} are needed"}
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return row | {"note": "all networks have the same score"}
    by_family = row["n_families"] >= MINIMUM_FAMILIES
    units = some["family"].to_numpy(str) if by_family else np.arange(len(some)).astype(str)
    counts = family_draws(units, draws, rng)
    drawn = weighted.spearman(x, y, counts)
    row |= {"spearman": drawn[0], "resampled": "families" if by_family else "networks"}
    row |= interval_of(drawn[1:], len(np.unique(units)))
    row |= {"pearson": weighted.pearson(x, y, counts[:, :1])[0], "p": _permutation_p(x, y, rng)}
    if not by_family:
        row |= {"note": "fewer than three families: the interval takes networks as independent"}
    return row


def _permutation_p(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> float:
    """Two-sided p value of Spearman's rho: exact for up to seven networks."""
    from scipy.stats import permutation_test  # noqa: PLC0415 (takes a second, for this job alone)

    ranks = rankdata(y) - (len(y) + 1) / 2  # rho grows with the scalar product of centred ranks
    tested = permutation_test(
        (rankdata(x),), lambda a, axis: (a * ranks).sum(axis), permutation_type="pairings",
        vectorized=True, n_resamples=PERMUTATIONS, batch=1_000, rng=rng,
    )  # fmt: skip
    return float(tested.pvalue)
